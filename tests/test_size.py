"""The book keeps to the length that it promises, and tools/size.py sees where it does not."""

import re

import nbformat
import pytest
import size
import yaml
from chapters import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SIZES = size.book()
CHAPTERS = [one for one in SIZES if one.kind == "chapter"]
#: The reading paths of the front page: the chapters of each by number, and its appendices.
PATHS = {
    "Student": ([1, 2, 3, 4, 7, 8], []),
    "Forecaster": ([8, 10, 11], ["app-api"]),
    "Verifier": ([4, 5, 9], ["app-coq"]),
    "Engineer": ([13, 14, 15], ["app-benchmark"]),
}  # fmt: skip


@pytest.mark.parametrize("one", SIZES, ids=lambda one: one.path)
def test_a_page_keeps_its_limits(one):
    assert size.faults([one]) == []


@pytest.mark.parametrize("kind, most", [("chapter", 25_000), ("appendix", 6_000)])
def test_all_together_keep_theirs(kind, most):
    assert size.together(SIZES, kind) <= most


def test_the_limits_are_those_that_were_set():
    assert (size.COLUMNS, size.VISIBLE) == (79, 12)
    assert list(size.LIMITS.values()) == [2200, 25_000, 900, 6000]


def test_every_page_is_of_the_kind_that_its_place_says():
    kinds = [one.kind for one in SIZES]
    numbered = [one.path for one in SIZES if re.match(r"book/\d\d-", one.path)]
    assert kinds[0] == "front page" and kinds.count("front page") == 1
    assert [one.path for one in CHAPTERS] == numbered and len(numbered) >= 14
    assert [one.path for one in SIZES if one.kind == "another language"] == [
        "book/vi-index.ipynb", "book/vi-write-up.ipynb",
    ]  # fmt: skip
    assert [one.path for one in SIZES if one.kind == "write-up"] == ["book/write-up.ipynb"]


# The tool, on a book of one chapter, a front page and an appendix.

TOC = """
root: book/index
parts:
- numbered: true
  chapters:
  - file: book/01-one
- chapters:
  - file: book/A-text
  - file: book/vi-index
"""
FORMULAS = "$a + b$ and\n\n$$\na = b + c\n$$ (eq-x)\n\nso $c$.\n"  # four words


@pytest.fixture
def write(tmp_path):
    """Write a page of the small book from its cells; returns the faults of the whole."""
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text(TOC, encoding="utf-8")
    config = {"sphinx": {"config": {"page_languages": {"book/vi-index": "vi"}}}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def write(page, *cells):
        for name in ("index", "01-one", "A-text", "vi-index"):
            path = tmp_path / "book" / f"{name}.ipynb"
            if name == page or not path.exists():
                nbformat.write(new_notebook(cells=list(cells) if name == page else []), path)
        return size.faults(size.book(tmp_path))

    return write


def text(count):
    return new_markdown_cell("word " * count)


@pytest.mark.parametrize(
    ("page", "limit", "told"),
    [
        ("01-one", 2200, ["book/01-one.ipynb: 2201 words, at most 2200 are wanted"]),
        ("index", 900, ["book/index.ipynb: 901 words, at most 900 are wanted"]),
        ("A-text", 6000, ["the appendices together: 6001 words, at most 6000 are wanted"]),
        ("vi-index", 9000, []),
    ],
)
def test_one_word_too_many_is_seen(write, page, limit, told):
    assert write(page, text(limit)) == []
    assert write(page, text(limit - 200), text(201)) == told


def test_the_chapters_together(write):
    one = size.Size("book/01-one.ipynb", "chapter", 2100, 0, [])
    assert size.faults([one] * 11) == []
    assert size.faults([one] * 12) == [
        "the chapters together: 25200 words, at most 25000 are wanted"
    ]


def test_formulas_solutions_and_exercises_are_not_counted(write):
    solution = ":::{solution} ex-one-1\n:class: dropdown\nMany words here.\n:::\n"
    cells = [new_markdown_cell(FORMULAS + solution), text(2196)]
    assert write("01-one", *cells) == []
    assert write("01-one", *cells, new_markdown_cell("## Exercises\n\nmore"), text(9)) == []
    assert write("01-one", *cells, new_markdown_cell("one\n\n## Exercises\n\nmore")) == [
        "book/01-one.ipynb: 2201 words, at most 2200 are wanted"
    ]


def test_a_listing_is_code_and_not_text():
    assert size.words("one\n```coq\nDefinition x := a $ b.\n```\ntwo `three` four $a$\n") == 5
    assert size.words("```{figure} a.png\none two\n```\n") == 5  # a directive holds text


@pytest.mark.parametrize("tags", [[], ["hide-input"]])
@pytest.mark.parametrize("after", [[], [new_markdown_cell("## Exercises")]])
def test_a_line_of_80_columns_is_seen_wherever_it_stands(write, tags, after):
    def cell(columns):
        return new_code_cell("x = 1\n" + "#" * columns, metadata={"tags": tags})

    assert write("01-one", *after, cell(79)) == []
    (told,) = write("01-one", *after, cell(80))
    assert f"cell {len(after) + 1}, line 2" in told


def test_a_thirteenth_visible_cell_is_seen(write):
    shown = [new_code_cell("x = 1") for _ in range(13)]
    folded = [new_code_cell("x", metadata={"tags": [tag]}) for tag in size.FOLDED]
    rest = [*folded, new_code_cell(""), new_markdown_cell("## Exercises"), new_code_cell("x")]
    assert write("01-one", *shown[:12], *rest) == []
    (told,) = write("01-one", *shown, *rest)
    assert "13 visible code cells" in told


def test_the_command_prints_every_page_and_fails_when_a_limit_is_passed(write, tmp_path, capsys):
    write("01-one", text(2200))
    assert size.main(["--root", str(tmp_path)]) == 0
    assert "no limit is passed" in (said := capsys.readouterr().out)
    assert all(f"book/{name}.ipynb" in said for name in ("index", "01-one", "A-text", "vi-index"))
    write("01-one", text(2201))
    assert size.main(["--root", str(tmp_path)]) == 1
    assert "2201 words" in capsys.readouterr().out


# What the front page says of the time that reading takes.


def paths(page, heading):
    """The reading paths of a front page: {reader: (hours, labels)}."""
    notebook = nbformat.read(ROOT / "book" / f"{page}.ipynb", as_version=4)
    section = notebook.cells[-1].source.split(heading)[-1]
    found = re.findall(
        r"^- \*\*([^*]+)\*\*, (\d)(½?) (?:hours|giờ)( rưỡi)?:(.*)$", section, re.MULTILINE
    )
    return {
        reader: (int(hours) + bool(half or rest) / 2, re.findall(r"<([\w-]+)>", path))
        for reader, hours, half, rest, path in found
    }


def test_the_paths_of_the_front_page_are_the_chapters_meant_and_take_the_hours_said():
    file = {int(one.path[5:7]): one for one in CHAPTERS}
    labels = {
        number: nbformat.read(ROOT / one.path, as_version=4).cells[0].source.split(")=")[0][1:]
        for number, one in file.items()
    }
    appendix = {"app-coq": "H-coq", "app-benchmark": "G-benchmark"}
    said = paths("index", "## How to read")
    assert list(said) == list(PATHS)
    for reader, (numbers, appendices) in PATHS.items():
        hours, named = said[reader]
        there = [number for number in numbers if number in file]
        assert named == [labels[number] for number in there] + appendices, reader
        files = [f"book/{appendix[name]}.ipynb" for name in appendices if name in appendix]
        read = sum(file[n].words for n in there)
        read += sum(one.words for one in SIZES if one.path in files)
        assert hours - 0.3 <= read / 50 / 60 <= hours + 0.3, f"{reader}: {read} words"


def test_the_vietnamese_front_page_has_the_same_paths():
    vietnamese = paths("vi-index", "Nên đọc theo thứ tự nào")
    assert list(vietnamese.values()) == list(paths("index", "## How to read").values())
