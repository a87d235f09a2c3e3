"""Pages in another language than the book's: ``page_languages`` in _config.yml, {page: tag}.

A screen reader chooses its voice, and a browser its hyphens, by the attribute ``lang``. What the
theme puts around such a page stays in the book's language, so the mark stands on the page's own
outermost section.
"""

import re

from sphinx.errors import ExtensionError

OUTERMOST = re.compile(r"<section\b(?![^>]*\blang=)")


def mark(app, pagename, templatename, context, doctree):
    """Write the language of a page on its outermost section."""
    language = app.config.page_languages.get(pagename)
    if language is None or doctree is None:
        return
    marked, count = OUTERMOST.subn(f'<section lang="{language}"', context["body"], count=1)
    if not count:
        raise ExtensionError(f"{pagename} has no section on which to mark its language")
    context["body"] = marked


def known(app, env):
    """Each page that is named exists."""
    missing = sorted(set(app.config.page_languages) - set(env.found_docs))
    if missing:
        raise ExtensionError(f"page_languages names no page of the book: {', '.join(missing)}")


def setup(app):
    app.add_config_value("page_languages", {}, "html", types=[dict])
    app.connect("env-check-consistency", known)
    app.connect("html-page-context", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
