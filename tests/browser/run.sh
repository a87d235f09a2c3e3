#!/bin/sh
# Look at the built pages in a browser: tests/browser/run.sh _build/html
# Without a browser, Node or the two npm packages it says so and checks nothing.
set -eu
unset CDPATH
pages=$(cd -- "${1:-_build/html}" && pwd)
cd -- "$(dirname -- "$0")"

skip() {
    echo "browser: SKIPPED, $1; formulas, widths and console were not looked at"
    exit 0
}

CHROMIUM=$(sh ./find.sh) || skip "no Chromium was found (CHROMIUM=/path names one)"
export CHROMIUM
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || skip "Node with npm is not installed"

# Installed again only when the lock is newer than what it installed.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --silent --no-audit --no-fund --ignore-scripts || skip "npm could not install its packages"
    touch node_modules/.package-lock.json
fi
node check.mjs "$pages"
