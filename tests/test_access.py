"""What _ext/access.py and _ext/clean_js.py mend in the pages and leave out of the site."""

import re
import sys
from types import SimpleNamespace

import pytest
from chapters import ROOT

pytest.importorskip("sphinx")
sys.path.insert(0, str(ROOT / "_ext"))
import access  # noqa: E402
import clean_js  # noqa: E402
from docutils import nodes  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

MENDS = (*access.THEME, *access.ARTICLE)
#: As the libraries write them, and as they are mended.
PARTS = [
    ('<div id="pst-primary-sidebar" class="bd-sidebar">',
     '<div id="pst-primary-sidebar" class="bd-sidebar" role="navigation" aria-label="Book">'),
    ('<button class="sidebar-toggle primary-toggle btn" title="Toggle primary sidebar">',
     '<button class="sidebar-toggle primary-toggle btn" aria-label="Contents of the book" '
     'aria-controls="pst-primary-sidebar" title="Toggle primary sidebar">'),
    ('<button class="sidebar-toggle secondary-toggle btn">',
     '<button class="sidebar-toggle secondary-toggle btn" aria-label="Contents of this page" '
     'aria-controls="pst-secondary-sidebar">'),
    ('<button onclick="toggleFullScreen()"\n  class="btn">',
     '<button onclick="toggleFullScreen()" aria-label="Full screen"\n  class="btn">'),
    ('<button class="btn search-button-field x" title="Search" aria-label="Search" data-y="z">',
     '<button class="btn search-button-field x" title="Search" data-y="z">'),
    ('<span class="search-button__kbd-shortcut"><kbd>K</kbd></span>',
     '<span class="search-button__kbd-shortcut" aria-hidden="true"><kbd>K</kbd></span>'),
    ('<button class="btn theme-switch-button pst-js-only" aria-label="Color mode">',
     '<button class="btn theme-switch-button pst-js-only" '
     'aria-label="Colours: light, dark or as the system">'),
    ('<i class="theme-switch fa-sun" data-mode="light" title="Light"></i>',
     '<i class="theme-switch fa-sun" data-mode="light"></i>'),
    ('<summary aria-label="Toggle hidden content"><p>Show code</p>', "<summary><p>Show code</p>"),
    ('<th></th><th class="head text-left"><p></p></th><th>\n</th><th class="head"><p>n</p></th>',
     '<td></td><td class="head text-left"></td><td></td><th class="head"><p>n</p></th>'),
    ('<div class="citation" role="doc-biblioentry">', '<div class="citation" role="listitem">'),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PARTS)
def test_each_mend(before, after):
    page, made = access.mended(f"<p>{before}</p>", MENDS)
    assert page == f"<p>{after}</p>" and len(made) == 1
    assert access.mended(page, MENDS) == (page, set()), "a second time nothing is left to mend"


def test_what_needs_no_mend_stays():
    page = "<thead><tr><th>n</th></tr></thead><summary>More</summary><the></the>"
    assert access.mended(page, MENDS) == (page, set())


def app(tmp_path, *docnames, language="en"):
    return SimpleNamespace(builder=SimpleNamespace(name="html", format="html"), outdir=tmp_path,
                           config=SimpleNamespace(language=language),
                           env=SimpleNamespace(found_docs=set(docnames)))  # fmt: skip


#: The last of the parts are an article's.
THEME, ARTICLE = PARTS[: -len(access.ARTICLE)], PARTS[-len(access.ARTICLE) :]


def build(app, theme=THEME, article=ARTICLE):
    """Build the page `one` as Sphinx does; returns what is written in the end."""
    written = access.Written()
    context = {"body": "".join(before for before, _ in article)}
    written.article(app, "one", "page.html", context, None)
    page = "".join(before for before, _ in theme) + context["body"]
    path = app.outdir / "one.html"
    path.write_text(page, encoding="utf-8")
    written.theme(app, None)
    return path.read_text("utf-8")


def test_the_article_and_what_the_theme_puts_around_it_are_mended(tmp_path):
    assert build(app(tmp_path, "one")) == "".join(after for _, after in PARTS)


@pytest.mark.parametrize(
    ("left", "why"),
    [
        ({"theme": THEME[1:]}, "the sidebar, with the logo and the search"),
        ({"article": ARTICLE[:-1]}, "an entry of the bibliography"),
    ],
)
def test_a_mend_that_nothing_needs_fails_the_build(tmp_path, left, why):
    # A build that did not write all cannot know; in Vietnamese the theme has other words.
    build(app(tmp_path, "one", "two"), **left)
    build(app(tmp_path, "one", language="vi"), **left)
    with pytest.raises(ExtensionError, match=why):
        build(app(tmp_path, "one"), **left)


def test_the_ids_that_sphinx_proof_repeats_go(tmp_path):
    document = nodes.section("", ids=["top"])
    document += [nodes.admonition("", ids=["proof"]), nodes.section("", ids=["proof-content"]),
                 nodes.paragraph("", "", ids=["proof-eq-a"])]  # fmt: skip
    mend = access.OwnIds.__new__(access.OwnIds)
    mend.document = document
    mend.run()
    assert [node["ids"] for node in document] == [[], [], ["proof-eq-a"]]
    assert document["ids"] == ["top"]


def test_source_maps_and_what_names_them_are_left_out(tmp_path):
    static = tmp_path / "_static" / "scripts"
    static.mkdir(parents=True)
    files = {
        "a.js": "run();\n//# sourceMappingURL=a.js.map",
        "b.css": "p{}\n/*# sourceMappingURL=b.css.map*/\n",
        "c.js": 'const why = "//# sourceMappingURL=x.map";\nrun();\n',
        "a.js.map": "{}",
    }
    for name, text in files.items():
        (static / name).write_text(text, encoding="utf-8")
    clean_js.leave_out_sources(app(tmp_path), None)
    left = {path.name: path.read_text("utf-8") for path in static.iterdir()}
    assert left == {"a.js": "run();\n", "b.css": "p{}\n", "c.js": files["c.js"]}
    assert re.search(r"sourceMappingURL=x", left["c.js"])
