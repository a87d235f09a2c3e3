"""Exercises have numbers, and lead to their solutions and back."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from chapters import ROOT, notebooks
from tiny import built_by_sphinx

pytest.importorskip("sphinx")
sys.path.insert(0, str(ROOT / "_ext"))

EXERCISE = re.compile(r"^(:{3,})\{exercise\}\n:label: (\S+)\n\n", re.MULTILINE)
SOLUTION = re.compile(r"^(:{3,})\{solution\} (\S+)$", re.MULTILINE)
HEAD = re.compile(r"^\((?:ch|app)-([\w-]+)\)=$", re.MULTILINE)
#: Whose answer is the folded cell alone.
UNSOLVED = {"ex-jacobians-10"}


def text(path):
    cells = nbformat.read(path, 4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_labels_say_the_page_and_the_place(path):
    """`ex-loss-2` is the second exercise of the page that `ch-loss` names."""
    source = text(path)
    labels = [label for _, label in EXERCISE.findall(source)]
    solved = [label for _, label in SOLUTION.findall(source)]
    assert source.count("{exercise}") == len(labels) and source.count("{solution}") == len(solved)
    if labels:
        name = HEAD.search(source)[1]
        assert labels == [f"ex-{name}-{place}" for place in range(1, len(labels) + 1)]
    assert solved == sorted(solved, key=labels.index), "solutions follow each other"
    assert set(labels) - set(solved) <= UNSOLVED and len(solved) == len(set(solved))
    assert "{admonition} Solution" not in source and not re.search(r"^\*\*\d+\.\*\*", source, re.M)


def test_every_numbered_chapter_has_exercises():
    without = [path.stem for path in notebooks()
               if re.match(r"\d\d-", path.name) and not EXERCISE.search(text(path))]  # fmt: skip
    assert not without


FIRST = """
(ch-first)=
# One

:::{exercise}
:label: ex-first-1

What is $a$? See exercise 2, exercise 9 of chapter 4, `exercise 9`, and {ref}`ex-second-1`.
:::

:::{solution} ex-first-1
:class: dropdown

It is $b$; exercise 1 asks for it.
:::

::::{exercise}
:label: ex-first-2

Show:

:::{note}
Inside.
:::
::::
"""
SECOND = """
# Two

Here {ref}`a word <ex-first-2>` and {ref}`ex-first-1`; exercise 1 is meant.

:::{exercise}
:label: ex-second-1

Again?
:::
"""


def build(folder, **pages):
    """The pages of a small book with two chapters as HTML, and what the build warned of."""
    folder.mkdir(exist_ok=True)
    listed = "\n".join(pages)
    index = f"# A book\n\nIn passing, exercise 7.\n\n```{{toctree}}\n:numbered:\n{listed}\n```\n"
    for name, source in {"index": index, **pages}.items():
        (folder / f"{name}.md").write_text(source, encoding="utf-8")
    said = built_by_sphinx(
        folder,
        {
            "extensions": ["myst_parser", "exercises"],
            "myst_enable_extensions": ["dollarmath", "colon_fence"],
        },
    )
    html = {path.stem: path.read_text("utf-8") for path in Path(folder, "html").glob("*.html")}
    return html, said


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    html, said = build(tmp_path_factory.mktemp("exercises") / "book", first=FIRST, second=SECOND)
    assert said == ""
    return html


def titles(page):
    return [re.sub(r"<[^>]+>", "", one) for one in
            re.findall(r'<p class="admonition-title">(.*?)</p>', page, re.DOTALL)]  # fmt: skip


def links(page):
    """What a page's own text says in links, and where each leads."""
    body = page[page.index('<div class="body"') : page.index('<div class="sphinxsidebar"')]
    found = re.findall(r'<a class="[^"]*" href="([^"]*)"[^>]*>(.*?)</a>', body, re.DOTALL)
    said = [(re.sub(r"<[^>]+>", "", inner), place) for place, inner in found]
    return [one for one in said if "ex-" in one[1]]


def test_each_leads_to_the_other(built):
    page = built["first"]
    assert titles(page) == [
        "Exercise 1.1 solution", "Solution of exercise 1.1", "Exercise 1.2", "Note",
    ]  # fmt: skip
    places = re.findall(r'<div class="([^"]*)" id="(ex-[\w-]*)">', page)
    assert [place for _, place in places] == ["ex-first-1", "ex-first-1-solution", "ex-first-2"]
    assert [sorted(classes.split()) for classes, _ in places] == [
        ["admonition", "exercise"], ["admonition", "dropdown", "solution"],
        ["admonition", "exercise"],
    ]  # fmt: skip
    assert links(page) == [
        ("solution", "#ex-first-1-solution"),
        ("exercise 2", "#ex-first-2"),
        ("exercise 2.1", "second.html#ex-second-1"),
        ("exercise 1.1", "#ex-first-1"),
        ("exercise 1", "#ex-first-1"),
    ]


def test_links_from_other_pages(built):
    assert titles(built["second"]) == ["Exercise 2.1"]
    assert links(built["second"]) == [
        ("a word", "first.html#ex-first-2"),
        ("exercise 1.1", "first.html#ex-first-1"),
        ("exercise 1", "#ex-second-1"),
    ]
    assert links(built["index"]) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{solution} ex-first-1", "{solution} ex-first-3", "ex-first-3, which is not on this page"),
        ("{solution} ex-first-1", "{solution} ex-second-1", "ex-second-1, which is not on"),
        ("See exercise 2,", "See exercise 3,", "there is no exercise 3 on this page"),
        (":label: ex-first-2", ":label: ex-first-1", "there are two exercises ex-first-1"),
        (":label: ex-first-2\n", "", "an exercise needs a :label:"),
    ],
)
def test_what_leads_nowhere_is_a_warning(tmp_path, old, new, told):
    assert FIRST.count(old) == 1
    _, said = build(tmp_path / "book", first=FIRST.replace(old, new), second=SECOND)
    assert told in said


def test_a_second_solution_is_a_warning(tmp_path):
    twice = FIRST + "\n:::{solution} ex-first-1\n\nOr so.\n:::\n"
    _, said = build(tmp_path / "book", first=twice, second=SECOND)
    assert "ex-first-1, which has a solution already" in said
