#!/bin/sh
# Check the workflows where their linters are installed: tools/lint_workflows.sh
# They are no part of the lock; `pip install check-jsonschema zizmor` puts them anywhere on the PATH.
set -eu
unset CDPATH
cd -- "$(dirname -- "$0")/.."
if command -v check-jsonschema >/dev/null 2>&1; then
    check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
else
    echo "workflows: schema not checked, check-jsonschema is not installed"
fi
if command -v zizmor >/dev/null 2>&1; then
    zizmor --offline --quiet .github/workflows
else
    echo "workflows: security not checked, zizmor is not installed"
fi
