"""What screen readers and the keyboard are told, where the libraries tell them too little.

Each mend says how it is seen to be needed; one that the whole book no
longer needs fails the build, so that it does not outlive its cause.

The article is mended before the theme puts it into a page, as text:
what is wrong there is written by docutils, MyST-NB and pandas from
nodes, or from HTML of a cell, that say nothing of it. What the theme
itself puts around the article is mended once the page is written. For
its parts have no setting, and a template of our own in their place
would be a copy of the theme's: it would stay as it is when the theme
mends or changes them, and no build would tell.
"""

import re
from typing import NamedTuple

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform


class Mend(NamedTuple):
    why: str
    pattern: re.Pattern
    put: str


def _mend(why, pattern, put):
    return Mend(why, re.compile(pattern), put)


THEME = (
    _mend(
        "the sidebar, with the logo and the search, is in no landmark",
        r'<div id="pst-primary-sidebar" class="([^"]*)">',
        r'<div id="pst-primary-sidebar" class="\1" role="navigation" aria-label="Book">',
    ),
    _mend(
        "the button that opens the sidebar has no name but its tooltip",
        r'(<button class="sidebar-toggle primary-toggle[^"]*")(?! aria)',
        r'\1 aria-label="Contents of the book" aria-controls="pst-primary-sidebar"',
    ),
    _mend(
        "so has the button that opens the page's contents",
        r'(<button class="sidebar-toggle secondary-toggle[^"]*")(?! aria)',
        r'\1 aria-label="Contents of this page" aria-controls="pst-secondary-sidebar"',
    ),
    _mend(
        "and that for the full screen",
        r'(<button onclick="toggleFullScreen\(\)")(?! aria)',
        r'\1 aria-label="Full screen"',
    ),
    _mend(
        "the search button reads Search Ctrl+K, and is called Search",
        r'(<button class="btn search-button-field[^>]*?) aria-label="Search"',
        r"\1",
    ),
    _mend(
        "the keys that open the search are no part of its button's name",
        r'<span class="search-button__kbd-shortcut">',
        r'<span class="search-button__kbd-shortcut" aria-hidden="true">',
    ),
    _mend(
        "the button that changes the colours does not say what it does",
        r'(theme-switch-button[^"]*") aria-label="Color mode"',
        r'\1 aria-label="Colours: light, dark or as the system"',
    ),
    _mend(
        "and its pictures are called Light, Dark and System Settings, each time all three",
        r'(<i class="theme-switch [^>]*?)\s+title="[^"]*">',
        r"\1>",
    ),
)
ARTICLE = (
    _mend(
        "all folded code has one name, and not the words that are shown",
        r'<summary aria-label="Toggle hidden content">',
        r"<summary>",
    ),
    _mend(
        "the empty corner of a table is no heading",
        r"<th(?P<more>(?: [^>]*)?)>\s*(?:<p>\s*</p>)?\s*</th>",
        r"<td\g<more>></td>",
    ),
    _mend(
        "an entry of the bibliography is an item of a list",
        r'role="doc-biblioentry"',
        r'role="listitem"',
    ),
)


def mended(text, mends):
    """A text with every mend made, and why those were that were made."""
    made = set()
    for mend in mends:
        text, count = mend.pattern.subn(mend.put, text)
        if count:
            made.add(mend.why)
    return text, made


class Written:
    """The pages that one build writes, and why what of them was mended.

    A page that stays from an earlier build is mended already.
    """

    def __init__(self):
        self.pages, self.made = [], set()

    def article(self, app, pagename, templatename, context, doctree):
        """Mend what a page says, before the theme writes the page."""
        if app.builder.name != "html":
            return
        self.pages.append(pagename)
        if "body" in context:
            context["body"], made = mended(context["body"], ARTICLE)
            self.made |= made

    def theme(self, app, exception):
        """Mend what the theme has written around it."""
        if exception is not None or app.builder.name != "html":
            return
        for pagename in self.pages:
            path = app.outdir / f"{pagename}.html"
            page, made = mended(path.read_text(encoding="utf-8"), THEME)
            path.write_text(page, encoding="utf-8")
            self.made |= made
        mends = (*THEME, *ARTICLE)
        idle = [mend.why for mend in mends if mend.why not in self.made]
        whole = app.env.found_docs <= set(self.pages)
        if idle and whole and app.config.language == "en":  # the theme's words are mended too
            raise ExtensionError(f"_ext/access.py mends what no page needs: {'; '.join(idle)}")


class OwnIds(SphinxPostTransform):
    """sphinx-proof gives all proofs of a page one id, and all theorems' texts another."""

    default_priority = 500
    formats = ("html",)
    shared = (["proof"], ["proof-content"])

    def run(self, **kwargs):
        for node in self.document.findall(nodes.Element):
            if node.get("ids") in self.shared:
                node["ids"] = []


def setup(app):
    app.add_post_transform(OwnIds)
    written = Written()
    app.connect("html-page-context", written.article)
    app.connect("build-finished", written.theme, priority=800)
    # What another process writes would not be noted here.
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
