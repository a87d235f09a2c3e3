"""The day of a page's last change, from git's history, in the footer of each page.

Without git, or in a clone without its history, where the day would be that of the last commit of
all, a page says nothing.
"""

import sys
from datetime import date
from pathlib import Path

from sphinx.util.i18n import format_date

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import surroundings  # noqa: E402


def told(folder, *arguments):
    """What git says, or an empty text."""
    done = surroundings.git(*arguments, folder=folder)
    return done.stdout.decode().strip() if done and done.returncode == 0 else ""


def changed(folder, source):
    """The day of the last commit that touched a file, as 26 November 2026, or an empty text."""
    if told(folder, "rev-parse", "--is-shallow-repository") != "false":
        return ""
    day = told(folder, "log", "-1", "--format=%cs", "--", source)
    if not day:
        return ""
    return format_date("%-d %B %Y", date=date.fromisoformat(day), language="en")


def say(app, pagename, templatename, context, doctree):
    if doctree is not None:
        source = app.env.doc2path(pagename)
        context["last_updated"] = changed(app.srcdir, str(source)) or None


def setup(app):
    app.connect("html-page-context", say)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
