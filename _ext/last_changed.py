"""The day of a page's last change, from git's history, in the footer of each page.

Without git, or in a clone without its history, where the day would be that of the last commit of
all, a page says nothing. The footer of every page also leads to the list of all changes.
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


def changed(folder, *sources):
    """The day of the last commit that touched one of the files, as 26 November 2026, or nothing."""
    if told(folder, "rev-parse", "--is-shallow-repository") != "false":
        return ""
    day = told(folder, "log", "-1", "--format=%cs", "--", *sources)
    if not day:
        return ""
    return format_date("%-d %B %Y", date=date.fromisoformat(day), language="en")


def sources(env, pagename):
    """The page's file, and what of the project it takes in: the list of changes, docstrings."""
    root = Path(env.srcdir)
    taken = sorted(root.joinpath(name).resolve() for name in env.dependencies.get(pagename, ()))
    own = [path for path in taken if path.is_relative_to(root) and ".venv" not in path.parts]
    return [str(path) for path in (env.doc2path(pagename), *own)]


def say(app, pagename, templatename, context, doctree):
    if doctree is not None:
        context["last_updated"] = changed(app.srcdir, *sources(app.env, pagename)) or None


def lead_to_changes(app, pagename, templatename, context, doctree):
    """``{changes}`` in the footer stands for the way from this page to the list of changes."""
    footer = context.get("theme_extra_footer")
    if footer:
        way = app.builder.get_relative_uri(pagename, app.config.changes_page)
        context["theme_extra_footer"] = footer.replace("{changes}", way)


def setup(app):
    app.add_config_value("changes_page", "book/K-changes", "html", types=[str])
    app.connect("html-page-context", say)
    app.connect("html-page-context", lead_to_changes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
