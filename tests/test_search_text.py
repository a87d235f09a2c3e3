"""What the search of the pages reads of them."""

import json
import sys
from types import SimpleNamespace

import pytest
import yaml
from chapters import ROOT, pages

pytest.importorskip("sphinx")
sys.path.insert(0, str(ROOT / "_ext"))
import search_text  # noqa: E402
from docutils import nodes  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]


def section(name, title, *children):
    return nodes.section("", nodes.title("", title), *children, ids=[name])


def paragraph(*parts):
    return nodes.paragraph("", "", *(nodes.Text(p) if isinstance(p, str) else p for p in parts))


def document():
    """A page: prose, a formula, a note over a cell, code, a theorem's own section, a subsection."""
    theorem = nodes.admonition(
        "", nodes.title("", "The theorem"), nodes.section("", paragraph("It holds."), ids=["x"])
    )
    code = nodes.container("", nodes.literal_block("", "print(1)"), nodes.raw("", "<b>out</b>"))
    listed = nodes.bullet_list("", nodes.list_item("", paragraph("one")),
                               nodes.list_item("", paragraph("two")))  # fmt: skip
    note = nodes.paragraph("", "proves (1)", classes=["cell-note"])
    top = section(
        "top", "A page", paragraph("The state ", nodes.math("", "a_{t-1}"), " of ",
                                   nodes.math("", r"\frac{a}{b}"), "."),
        nodes.math_block("", "a = b"), note, code, theorem, listed,
        section("below", "More", paragraph("said ", nodes.literal("", "here"))),
    )  # fmt: skip
    return nodes.container("", top)


def test_the_tags_in_a_heading_are_not_read():
    marked = section("a", "", paragraph("Chữ."))
    marked[0] += [nodes.raw("", "<b>"), nodes.Text("Một trang"), nodes.raw("", "</b>")]
    assert search_text.sections(nodes.container("", marked)) == [["a", "Một trang", "Chữ."]]


def test_the_prose_by_sections():
    assert search_text.sections(document()) == [
        ["top", "A page", "The state a_t-1 of …. The theorem It holds. one two"],
        ["below", "More", "said here"],
    ]


@pytest.mark.parametrize(
    ("tex", "said"),
    [("T", "T"), ("W_{aa}", "W_aa"), ("O(N)", "O(N)"), ("n = m", "n = m"), (r"\alpha", "…"),
     ("a" * 30, "…")],
)  # fmt: skip
def test_a_short_formula_is_shown(tex, said):
    assert search_text.formula(tex) == said


def app(tmp_path, words):
    (tmp_path / "_static").mkdir(exist_ok=True)
    title = nodes.title("", "A page", secnumber=["C"])
    env = SimpleNamespace(titles={"one": title}, search_texts={"one": [["a", "A page", "Text"]]})
    return SimpleNamespace(builder=SimpleNamespace(name="html"), outdir=tmp_path, env=env,
                           config=SimpleNamespace(search_words=words))  # fmt: skip


def test_the_script(tmp_path):
    search_text.write(app(tmp_path, {"one": "một, hai"}), None)
    script = (tmp_path / "_static" / "search_text.js").read_text(encoding="utf-8")
    told = json.loads(script.removeprefix("const SEARCH_TEXT = ").removesuffix(";\n"))
    assert told == {"one": {"title": "C. A page", "words": "một, hai",
                            "sections": [["a", "A page", "Text"]]}}  # fmt: skip
    ranking = (tmp_path / "_static" / "search.js").read_text(encoding="utf-8")
    assert "SEARCH_TEXT" in ranking
    # There, Jupyter Book would load it on every page, and before what it builds on.
    assert not (ROOT / "_static" / "search.js").exists()


def test_words_for_a_page_that_is_not_there_fail_the_build(tmp_path):
    with pytest.raises(ExtensionError, match="no page of the book: two"):
        search_text.write(app(tmp_path, {"two": "x"}), None)
    known = {path.relative_to(ROOT).with_suffix("").as_posix() for path in pages()}
    assert set(CONFIG["search_words"]) <= known
