#!/bin/sh
# Make the environment in .venv and install the locked requirements: tools/venv.sh
# Says what it does, and nothing where there is nothing to do. A mark, the lock that was installed,
# is set last; an environment that broke is made anew. PYTHON=/path/to/python chooses the
# interpreter.
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."

# A name on the PATH need not run (a version manager's shim for a version that is switched off),
# and Debian's Python comes without venv, so each candidate is tried by running it.
usable() {
    "$1" -I -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1
}

pick() {
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.13 python3.12 python3.11 python3 python
    fi
    for candidate; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 with the venv module was found among: $*." >&2
    echo "Install one (on Debian: apt-get install python3 python3-venv)," \
        "or name it: make PYTHON=/path/to/python3.12 …" >&2
    return 1
}

# Put src on the environment's path. An editable install would do it with an absolute path, which
# Python 3.11 and 3.12 read in the locale's encoding: a checkout under a name such as "đồ án" would not
# start with LC_ALL=C.
link() {
    for folder in .venv/lib/python3.*/site-packages; do
        [ -d "$folder" ] || continue
        rm -f "$folder"/__editable__.rnn_lit-*.pth # of an older checkout, or one moved away
        [ -e "$folder/rnn_lit.pth" ] || echo ../../../../src >"$folder/rnn_lit.pth"
    done
}

# Does it hold what the commands start with, and the package from this very checkout? The package
# is found, not imported: a chapter that is being edited is no fault of the environment.
works() {
    [ -x .venv/bin/python ] && link && sh tools/python.sh -c '
import os, sys
from importlib.util import find_spec
from numpy import ndarray  # a name, since an empty folder can be imported
for name in ("pytest", "nbval", "xdist", "ipykernel", "jupyter_book", "matplotlib", "sympy"):
    getattr(find_spec(name), "origin", None) or sys.exit(f"{name} is missing or not whole")
folder = os.path.dirname(find_spec("rnn_lit").origin)
os.path.samefile(folder, "src/rnn_lit") or sys.exit(f"rnn_lit is that of {folder}")'
}

mark=.venv/.installed
if works >/dev/null 2>&1; then
    cmp -s requirements.txt "$mark" && exit 0
    echo "using the environment in .venv ($(.venv/bin/python -I --version))"
else
    [ ! -e "$mark" ] || echo "the environment in .venv does not work"
    python=$(pick)
    echo "making a virtual environment in .venv with $python ($("$python" -I --version))"
    "$python" -I -X utf8 tools/surroundings.py "$python" -m venv --clear .venv
fi
rm -f "$mark"
echo "installing the locked requirements (a minute or two the first time)"
.venv/bin/python -I -X utf8 tools/surroundings.py --pip .venv/bin/python -m pip install --quiet \
    --require-hashes -r requirements.txt
works || {
    echo "the requirements were installed, but the environment in .venv does not work" >&2
    exit 1
}
cp requirements.txt "$mark"
