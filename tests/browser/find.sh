#!/bin/sh
# Print the browser to check with, or fail: tests/browser/find.sh (CHROMIUM=/path chooses one)
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    [ -n "$name" ] && command -v "$name" && exit 0
done
exit 1
