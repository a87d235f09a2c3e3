#!/bin/sh
# Renew requirements.txt, the lock of everything the book and its tests install: tools/lock.sh
# One file for Python 3.11 to 3.13 on every system, with hashes and without any index's address.
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
[ -x .venv/bin/python ] || sh tools/venv.sh

# uv is only needed here, so it lives in an environment of its own and is not locked itself.
[ -x .tooling/bin/uv ] || {
    echo "installing uv in .tooling"
    sh tools/python.sh -m venv .tooling
    .venv/bin/python -I tools/surroundings.py --pip .tooling/bin/python -m pip install --quiet "uv>=0.8"
}
.tooling/bin/uv pip compile pyproject.toml --extra book --extra test \
    --universal --python-version 3.11 --fork-strategy fewest \
    --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --quiet \
    --upgrade --output-file requirements.txt
echo "requirements.txt: $(grep -c '^[a-z]' requirements.txt) packages; now run \`make check\`"
