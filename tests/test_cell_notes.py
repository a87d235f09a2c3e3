"""The line over a cell says what its tags say, and links lead to the strongest cell."""

import re

import pytest
from nbformat.v4 import new_markdown_cell
from tiny import built_by_sphinx, cell, edit, save

PAGES = {
    # The pages in the order of the table of contents, which is not that of their names.
    "z-first": ["illustrates:eq-a", "checks:eq-a", "checks:eq-b", "checks:thm-t"],
    "a-second": ["checks:eq-a", "proves:eq-a", "illustrates:eq-c", "proves:eq-b", "proves:eq-a"],
}
CLAIMS = (
    "$$ a = b $$ (eq-a)\n\n$$ b = c $$ (eq-b)\n\n$$ c = d $$ (eq-c)\n\n"
    ":::{prf:theorem} Name\n:label: thm-t\n\nIt is so.\n:::"
)
INDEX = "# A book\n\n```{toctree}\nz-first\na-second\n```\n\n" + "\n\n".join(
    f"See {{ref}}`the check <proof-{label}>`." for label in ("eq-a", "eq-b", "eq-c", "thm-t")
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The pages of a small book, as HTML."""
    folder = tmp_path_factory.mktemp("notes")
    (folder / "index.md").write_text(INDEX, encoding="utf-8")
    for page, tags in PAGES.items():
        path = folder / f"{page}.ipynb"
        text = [new_markdown_cell(CLAIMS)] if page == "z-first" else []
        many = cell("pass", "export:sub/part", "checks:eq-a", "proves:eq-b", "proves:eq-c")
        save(path, *text, *(cell("pass", tag) for tag in tags), cell("pass"),
             *([many] if page == "z-first" else []))  # fmt: skip
        edit(path, "(ch-x)=", f"(ch-{page})=")
    settings = {
        "extensions": ["myst_nb", "sphinx_proof", "cell_notes"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath", "colon_fence"],
        "math_number_all": False,
        "suppress_warnings": ["myst-nb.lexer"],
    }
    assert built_by_sphinx(folder, settings) == ""
    return {page: (folder / "html" / f"{page}.html").read_text("utf-8") for page in
            ("index", *PAGES)}  # fmt: skip


def notes(page):
    """What the lines of notes say, and the names of their places."""
    found = re.findall(r'<p class="cell-note"(.*?)>(.*?)</p>', page, re.DOTALL)
    return [
        (re.sub(r"<[^>]+>", "", inner), re.findall(r'(?<=id=")[\w-]+', opening + ">" + inner))
        for opening, inner in found
    ]


def test_the_notes_say_what_the_cells_do(built):
    assert [said for said, _ in notes(built["z-first"])] == [
        "illustrates (1)", "checks (1)", "checks (2)", "checks Theorem 1",
        "src/rnn_lit/sub/part.py proves (2), (3); checks (1)",
    ]  # fmt: skip
    assert [said for said, _ in notes(built["a-second"])] == [
        "checks (1)", "proves (1)", "illustrates (3)", "proves (2)", "proves (1)",
    ]  # fmt: skip


def test_a_link_leads_to_what_proves_or_else_checks_or_else_illustrates(built):
    links = re.findall(r'href="([\w-]+\.html#proof-[\w-]+)"', built["index"])
    assert links == [
        "a-second.html#proof-eq-a", "z-first.html#proof-eq-b", "z-first.html#proof-eq-c",
        "z-first.html#proof-thm-t",
    ]  # fmt: skip
    places = {page: [ids for _, ids in notes(built[page])] for page in PAGES}
    assert ["proof-eq-a" in ids for ids in places["a-second"]] == [0, 1, 0, 0, 0]
    assert ["proof-eq-b" in ids for ids in places["z-first"]] == [0, 0, 0, 0, 1]
