#!/bin/sh
# Make the virtual environment in .venv and install the locked requirements: tools/venv.sh
# Prints what it does. PYTHON=/path/to/python chooses the interpreter.
set -eu
cd "$(dirname "$0")/.."

# A name on the PATH need not run (a version manager's shim for a version that is switched off),
# and Debian's Python comes without venv, so each candidate is tried by running it.
usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1
}

pick() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 with the venv module was found among:" \
        "${PYTHON:-python3.13 python3.12 python3.11 python3 python}." >&2
    echo "Install one (on Debian: apt-get install python3 python3-venv)," \
        "or name it: make PYTHON=/path/to/python3.12 …" >&2
    return 1
}

if usable .venv/bin/python; then
    echo "using the environment in .venv ($(.venv/bin/python --version))"
else
    python=$(pick)
    echo "making a virtual environment in .venv with $python ($("$python" --version))"
    "$python" -m venv --clear .venv
fi
if ! cmp -s requirements.txt .venv/.requirements; then
    echo "installing the locked requirements (a minute or two the first time)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements.txt
    cp requirements.txt .venv/.requirements
fi
echo "installing the package itself, so that it follows src/"
# Hash mode refuses a local folder, so the package itself comes second.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch .venv/.installed
