#!/bin/sh
# The project's Python, apart from the user's settings: sh tools/python.sh [OPTION …] [FILE …]
# -I: what prepares the surroundings must itself start whatever PYTHONHOME and the like say.
exec .venv/bin/python -I -X utf8 tools/surroundings.py .venv/bin/python "$@"
