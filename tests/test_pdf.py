"""The write-ups take what they say from the book, and the PDFs' tools see what is wrong."""

import importlib.util
import re
import sys
from types import SimpleNamespace

import cite
import claims
import nbformat
import pdf
import pytest
import yaml
from chapters import ROOT, BookError, cells, notebooks
from docutils import nodes
from sphinx.ext.napoleon import Config, NumpyDocstring
from tiny import built_by_sphinx

from rnn_lit.verify.cases import Case

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
WRITE_UP = nbformat.read(ROOT / "book" / "write-up.ipynb", 4)
FORMULA = re.compile(r"\$\$(.*?)\$\$(?:[ \t]*\(([\w-]+)\))?", re.DOTALL)


sys.path.insert(0, str(ROOT / "_ext"))  # the extensions import each other


def module(name, folder="_ext"):
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


AGAIN, API, BASE, CELLS, TABLES, LINKS, BOOK = (
    module("again"), module("api_page"), module("pdf_base"), module("pdf_cells"),
    module("pdf_tables"), module("pdf_links"), module("write_up", "book"),
)  # fmt: skip


def prose():
    return "\n".join(c.source for c in WRITE_UP.cells if c.cell_type == "markdown")


def said():
    """All that the write-up says, its cells' output in the places of the cells."""
    texts = []
    for cell in WRITE_UP.cells:
        if cell.cell_type == "markdown":
            texts.append(cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts.append(data.get("text/markdown", data.get("text/latex", "")))
    return "\n\n".join(texts)


# The text.


def formulas():
    """The labelled formulas of the chapters and of the write-up: {page: {label: TeX}}."""
    found = {}
    for path in notebooks():
        text = "\n\n".join(c.source for c in cells(path) if c.kind == "markdown")
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        found[name] = {label: tex for tex, label in FORMULA.findall(text) if label}
    return found


def test_every_formula_of_its_own_line_is_a_chapters_to_the_letter():
    shown = FORMULA.findall(prose())
    assert len(shown) > 30
    assert all(label.startswith(AGAIN.PREFIX) for _, label in shown)
    assert AGAIN.faults(formulas(), CONFIG["page_languages"]) == []


def test_a_formula_that_differs_or_is_nowhere_is_told():
    book = {"a": {"eq-one": "x = 1 ,"}, "vi-b": {"again-eq-one-vi": "x  =\n1 ."}}
    assert AGAIN.faults(book, {"vi-b": "vi"}) == []
    book["vi-b"] = {"again-eq-one-vi": "x = -1 ."}
    (told,) = AGAIN.faults(book, {"vi-b": "vi"})
    assert "vi-b repeats eq-one as" in told and "x = -1" in told
    book["a"]["eq-one"], book["vi-b"] = r"x \text{ each}", {"again-eq-one-vi": r"x \text{ mỗi}"}
    assert AGAIN.faults(book, {"vi-b": "vi"}) == []  # the words are the language's own
    book |= {"b": {"again-eq-one": r"x \text{ every}"}}
    (told,) = AGAIN.faults(book, {"vi-b": "vi"})
    assert "b repeats eq-one as" in told
    del book["b"]
    book["vi-b"] = {"again-eq-two-vi": "x = 1"}
    assert AGAIN.faults(book, {"vi-b": "vi"}) == [
        "vi-b repeats eq-two, but no page has a formula of that label"
    ]


def test_a_repeated_formula_bears_the_number_of_the_first():
    numbers = {
        "a": {"displaymath": {"equation-eq-one": (3, 7)}},
        "b": {"displaymath": {"equation-again-eq-one": (1,)}},
    }
    math = SimpleNamespace(equations={"eq-one": ("a", 1), "again-eq-one": ("b", 2)})
    env = SimpleNamespace(
        again_formulas={"a": {"eq-one": "x"}, "b": {"again-eq-one": "x."}},
        toc_fignumbers=numbers, get_domain=lambda name: math,
    )  # fmt: skip
    app = SimpleNamespace(config=SimpleNamespace(page_languages={}))
    assert AGAIN.number(app, env) == []
    assert numbers["b"]["displaymath"] == {"equation-again-eq-one": (3, 7)}


#: Digits that are names and not numbers of anything computed.
NAMES = (
    r"`[^`]*`", r"\$[^$]*\$", r"Yêu cầu 1", r"Algorithm 1\b", r"\bA\d+\b", r"^\d\. .*$",
    r"\bsteps? [\d.]+( and [\d.]+)?", r"between −1 and 1", r"both are 1\b", r"^ {3}\d\. .*$",
    r"after 1920", r"\bat 0\b", r"\bA29\b", r"go to 8|Go to 2", r"\*best 5\*",
)  # fmt: skip


def test_every_number_comes_from_a_cell():
    text = FORMULA.sub(" ", prose())
    for name in NAMES:
        text = re.sub(name, " ", text, flags=re.MULTILINE)
    assert re.findall(r".{0,30}\d.{0,30}", text) == []


def test_every_statement_has_its_verdict_and_its_sentence():
    table = (ROOT / "book" / "A-assignment.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith("| {ref}`A")]
    assert len(rows) == 29
    for row in rows:
        entries = [one.strip() for one in row.strip("| ").split(" | ")]
        for entry in entries:
            assert f"| {entry}" in said(), entry


def test_a_verdict_that_is_missing_is_told(tmp_path, monkeypatch):
    text = (ROOT / "book" / "A-assignment.md").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("| {ref}`A7 ")]
    (tmp_path / "A-assignment.md").write_text("\n".join(kept), encoding="utf-8")
    monkeypatch.setattr(BOOK, "BOOK", tmp_path)
    with pytest.raises(BOOK.Missing, match="A-assignment.md should have a row for each of A1 to"):
        BOOK.verdicts()


def test_what_the_book_no_longer_says_is_told():
    with pytest.raises(BOOK.Missing, match="no cell of 08-sunspots printed anything like 'no su"):
        BOOK.printed("08-sunspots", "no such text")
    with pytest.raises(BOOK.Missing, match="no cell of 08-sunspots"):
        BOOK.all_printed("08-sunspots", "no such text")
    with pytest.raises(BOOK.Missing, match="no table of 10-decide has a row 'x' and a column 'y'"):
        BOOK.row("10-decide", "x", "y")
    with pytest.raises(BOOK.Missing, match="no chapter shows a figure 'fig-none'"):
        BOOK.picture("fig-none")


def test_figures_are_those_of_the_chapters():
    drawn = {}
    for path in notebooks():
        for cell in nbformat.read(path, 4).cells:
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    drawn[name] = "".join(output["data"]["image/png"]).strip()
    again = {name: png for name, png in drawn.items()  # tests/test_vi.py has the Vietnamese ones
             if name.startswith("fig-again-") and not name.endswith("-vi")}  # fmt: skip
    assert len(again) >= 2
    for name, png in again.items():
        assert png.replace("\n", "") in {
            one.replace("\n", "") for other, one in drawn.items() if other not in again
        }, f"{name} is not what its chapter shows now: make run CHAPTERS=book/write-up.ipynb"


def test_it_has_the_algorithm_of_the_front_page():
    def steps(notebook):
        text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
        return re.findall(r"^ *\d\. .*$", text, re.MULTILINE)

    front = nbformat.read(ROOT / "book" / "index.ipynb", 4)
    assert len(steps(front)) == 11
    assert steps(WRITE_UP) == steps(front)


def test_what_it_relies_on_is_settled():
    """It may repeat a claim only if the book settles it."""
    labels = set(re.findall(r"`(eq-[\w-]+)`", prose()))
    labels |= {label.removeprefix(AGAIN.PREFIX) for _, label in FORMULA.findall(prose())}
    wanted = {label for label in labels if label.startswith("eq-")}
    known = {label for page in formulas().values() for label in page}
    assert wanted <= known
    assert claims.VERBS[0] == "proves"


def test_the_citation_is_that_of_the_file(tmp_path, monkeypatch):
    assert f"Version {pdf.version()}" in BOOK.bibtex()
    assert BOOK.bibtex() + "\n" == cite.entry((ROOT / cite.CITED).read_text("utf-8"))
    (tmp_path / "D-references.md").write_text("# References\n", "utf-8")
    monkeypatch.setattr(BOOK, "BOOK", tmp_path)
    with pytest.raises(BOOK.Missing, match="D-references.md shows no BibTeX"):
        BOOK.bibtex()


# The title page.


def filled(tmp_path, text):
    path = tmp_path / "cover.yml"
    path.write_text(text, encoding="utf-8")
    return pdf.fields(path)


def test_the_title_page_is_empty_until_someone_fills_it_in():
    empty = pdf.fields()
    assert list(empty) == list(pdf.FIELDS) and not any(empty.values())
    page = pdf.cover("A title", empty, "en")
    assert page.count(r"\coverline") == 6 and "Student number" in page


def test_what_is_filled_in_is_on_the_title_page_whatever_its_letters(tmp_path):
    text = "author: 'Ann & Bob_1 #2 {50%} ~ \\x ^'\ncourse: Phương trình\nlecturer: 3\ndate:\n"
    page = pdf.cover("T", filled(tmp_path, text), "vi")
    assert (
        r"Ann \& Bob\_1 \#2 \{50\%\} \textasciitilde{} \textbackslash{}x \textasciicircum{}" in page
    )
    assert r"\coverfield{Môn học}{Phương trình}" in page
    assert r"\coverfield{Giảng viên}{3}" in page
    assert r"\coverfield{Ngày nộp}{\coverline}" in page
    assert "Mã số sinh viên" not in page  # left out of the file


def test_a_title_page_without_fields_has_no_table(tmp_path):
    assert "tabular" not in pdf.cover("T", filled(tmp_path, "# nothing\n"), "en")


@pytest.mark.parametrize("text", ["name: Ann", "author: [a, b]", "- Ann", "author: {"])
def test_a_cover_that_cannot_be_read_is_told(tmp_path, text):
    with pytest.raises(BookError, match="cover.yml"):
        filled(tmp_path, text)


def test_each_language_of_a_write_up_has_its_words():
    languages = {CONFIG["page_languages"].get(page, "en") for page in CONFIG["pdf_write_ups"]}
    assert languages <= set(pdf.WORDS) and languages <= set(BASE.WORDS)
    assert set(pdf.WORDS["vi"]) == set(pdf.WORDS["en"])
    preamble, first = pdf.language_setup("vi")
    assert preamble == "\\setotherlanguage{vietnamese}\n" and "{Hình~}" in first
    assert pdf.language_setup("en") == ("", "")


# The log, and what is missing.

GOOD = """Overfull \\hbox (2.9pt too wide) in paragraph at lines 1--2
Underfull \\vbox (badness 10000) has occurred
LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right.
Output written on book.xdv (312 pages, 1 bytes).
"""


def test_a_good_log_has_no_fault():
    assert pdf.faults(GOOD) == [] and pdf.pages(GOOD) == 312 and pdf.again(GOOD)
    assert not pdf.again("Output written on book.xdv (3 pages")


@pytest.mark.parametrize(
    "line",
    [
        "Overfull \\hbox (3.1pt too wide) in paragraph at lines 5--6",
        "Overfull \\hbox (121.4pt too wide) in alignment at lines 5--6",
        "Overfull \\vbox (14.0pt too high) has occurred while \\output is active []",
        "Missing character: There is no ∂ in font [lmroman10-regular]:mapping=tex-text;!",
        "LaTeX Warning: Reference `equation:a:b' on page 3 undefined on input line 7.",
        "LaTeX Warning: Citation `yule1927' on page 3 undefined on input line 7.",
        "LaTeX Warning: Label `x' multiply defined.",
        "! Undefined control sequence.",
    ],
)
def test_a_fault_in_the_log_is_found(line):
    assert pdf.faults(GOOD + line + "\n") == [line]


def test_what_is_missing_is_named_with_its_package():
    assert pdf.missing(which=lambda name: None) == [
        "xelatex (texlive-xetex)", "kpsewhich (texlive-binaries)"
    ]  # fmt: skip
    there = lambda *command: "" if "lmroman10-regular.otf" in command else "x"  # noqa: E731
    assert pdf.missing(which=str, run=there) == ["lmroman10-regular.otf (lmodern)"]


def test_without_tex_nothing_is_built_and_the_reason_is_given(monkeypatch, capsys):
    monkeypatch.setattr(pdf, "missing", lambda: ["xelatex (texlive-xetex)"])
    monkeypatch.setattr(pdf, "sphinx", lambda: pytest.fail("it went on"))
    assert pdf.main([]) == 1
    told = capsys.readouterr().err
    assert "xelatex (texlive-xetex)" in told and "apt-get install" in told


def test_letters_that_the_fonts_lack_come_from_another():
    code = "\\begin{sphinxVerbatim}\nễ\n\\end{sphinxVerbatim}"
    assert pdf.letters("Nguyễn") == "" and pdf.letters(f"Nguyễn {code}").count("fallback") == 1
    found = pdf.letters("Định lý: ∂L ≤ 3, “a”–b, ŷ, ⟨x⟩")
    assert found.splitlines() == [
        r"\newunicodechar{∂}{\fallback{2202}}", r"\newunicodechar{≤}{\fallback{2264}}",
        r"\newunicodechar{⟨}{\fallback{27E8}}", r"\newunicodechar{⟩}{\fallback{27E9}}",
    ]  # fmt: skip


# The pages as LaTeX, and the links to the PDFs.


def test_a_docstring_keeps_its_first_line():
    code = 'def f(x):\n    """One line.\n\n    More.\n    """\n    return x\n\n\ny = """a\nb"""'
    assert CELLS.first_lines(code) == (
        'def f(x):\n    """One line."""\n    return x\n\n\ny = """a\nb"""'
    )
    assert CELLS.first_lines('"""A module.\n\nMore."""\n') == '"""A module."""\n'
    assert CELLS.first_lines("%matplotlib inline\nx = 1") == "%matplotlib inline\nx = 1"
    once = 'class A:\n    """Short."""'
    assert CELLS.first_lines(once) == once


def test_a_table_of_pandas_is_read():
    text = "<table><tr style='x'><th></th><th>p</th></tr><tr><th>a &lt; b</th><td>1</td></table>"
    assert TABLES.table_rows(text) == [["", "p"], ["a < b", "1"]]
    found = TABLES.table(TABLES.table_rows(text))
    assert [e.astext() for e in found.findall(nodes.entry)] == ["", "p", "a < b", "1"]


def test_a_wide_table_keeps_its_words_and_its_short_columns_whole():
    words, lines = [3, 11, 4, 12], [3, 40, 22, 90]
    widths = TABLES.shares(lines, words, 100)
    assert widths[0] == 50 and widths[2] == 240
    assert all(width >= 10 * (word + 2) for width, word in zip(widths, words, strict=True))
    assert abs(sum(widths) - 1000) <= 2 and widths[3] > widths[1]
    assert TABLES.shares([50], [50], 40) == [520]  # a word that is longer than the line


def computed(rows):
    """A table of pandas as LaTeX gets it: what stands around it and in its entries."""
    section = nodes.section("", TABLES.table(rows))
    TABLES._computed(next(section.findall(nodes.table)))
    spec = next(node["spec"] for node in section if "spec" in node)
    size = re.search(r"widetable\}\{(\w+)", section.astext())
    return spec.strip(), size and size[1], [e.astext() for e in section.findall(nodes.entry)]


def test_a_number_in_a_table_is_in_one_piece_and_has_a_minus():
    rows = [["", "88 years ± error", "p"], ["W_aa,12", "-0.405 ± 0.093", "0.02"],
            ["1921-55, at −3", "+1.45 ± 0.18", "-.5"]]  # fmt: skip
    spec, size, said = computed(rows)
    assert (spec, size) == ("lrr", None)
    assert said[4:6] == ["−0.405\xa0±\xa00.093", "0.02"]
    assert said[3] == "W_{aa,12}" and said[6] == "1921-55, at −3" and said[8] == "−.5"


def test_columns_of_a_computed_table_have_room_for_their_numbers_and_two_lines_of_a_name():
    name, number = "electrical equipment, monthly", "1.45 ± 0.18"
    rows = [["", *"abcdefg"], *([name, *7 * [number]] for _ in range(40))]
    spec, size, _ = computed(rows)
    columns = re.findall(r"\\([XY])\{(\d+)\}\{(\d+)\}", spec)
    assert size == "footnotesize" and [kind for kind, *_ in columns] == ["X", *7 * "Y"]
    room = int(columns[0][2])
    assert sum(int(width) for _, width, _ in columns) <= room
    widths = [int(width) / 10 - TABLES.GAP for _, width, _ in columns]
    assert widths[0] >= TABLES.drawn_width(name) / 2
    assert min(widths[1:]) >= TABLES.drawn_width(number)


def test_a_table_that_fits_no_size_fills_the_line():
    size, widths = TABLES.balanced([50, 50, 50], [50, 50, 50])
    assert size == "tiny" and sum(widths) == pytest.approx(TABLES.DIGITS["tiny"])


def noted(*cells):
    """The notes over cells as LaTeX gets them; a cell of no lines is folded."""
    section = nodes.section()
    for lines in cells:
        section += nodes.paragraph("", f"checks {lines}", classes=["cell-note"], ids=["one"])
        cell = nodes.container(nb_element="cell_code", classes=[] if lines else ["tag_hide-cell"])
        cell += nodes.literal_block("", "\n".join(["x"] * lines))
        section += cell
    document = SimpleNamespace(findall=section.findall)
    CELLS.Cells.run(SimpleNamespace(document=document))
    its = SimpleNamespace(home=lambda node: "page", tongue="en")
    its.document, its._note = document, lambda note: CELLS.Notes._note(its, note)
    its._joined = lambda note: CELLS.Notes._joined(its, note)
    CELLS.Notes.run(its)
    return section


def test_a_note_stands_over_the_beginning_of_its_cell():
    section = noted(3, 40)
    rooms = re.findall(r"\\needspace\{(\d+)", section.astext())
    assert rooms == ["6", f"{CELLS.BEGIN + 3}"]


def test_of_a_folded_cell_the_note_says_that_it_is_not_printed():
    folded, shown = [one.astext() for one in noted(0, 3).findall(nodes.paragraph)]
    assert folded.endswith("checks 0 (folded on its page, not printed)")
    assert shown.endswith("checks 3")
    assert noted(0, 0, 0, 3).astext().count("not printed") == 1


def boxed(*blocks, write_up=False):
    """A text and boxes with the room that is asked for before them, in lines."""
    section = nodes.section("", *blocks)
    its = SimpleNamespace(
        document=SimpleNamespace(findall=section.findall), write_up=write_up,
        _lines=lambda block: CELLS.Together._lines(SimpleNamespace(write_up=write_up), block),
    )  # fmt: skip
    CELLS.Together.run(its)
    return [re.sub(r"\D", "", one.astext()) if isinstance(one, nodes.raw) else type(one).__name__
            for one in section]  # fmt: skip


def test_what_announces_a_box_stands_on_its_page():
    def box(lines, first="x"):
        return nodes.literal_block("", "\n".join([first] + ["x"] * (lines - 1)))

    lead, text = nodes.paragraph("", "The class:"), nodes.paragraph("", "No more.")
    assert boxed(lead.deepcopy(), box(40)) == ["12", "paragraph", "literal_block"]
    assert boxed(text.deepcopy(), box(40)) == ["paragraph", "literal_block"]
    assert boxed(text.deepcopy(), box(5)) == ["paragraph", "7", "literal_block"]
    printed = 12 * " " + "printed   exact"
    assert boxed(box(17)) == ["literal_block"] and boxed(box(17, printed))[0] == "19"
    rows = [["", "p"], ["lead:", "1"]]
    assert boxed(lead.deepcopy(), TABLES.table(rows)) == ["6", "paragraph", "table"]
    assert boxed(TABLES.table(rows), box(40)) == ["table", "literal_block"]


def test_a_box_with_a_wide_line_is_set_smaller():
    for letters, size in ((80, None), (112, "scriptsize"), (150, "tiny")):
        section = nodes.section("", nodes.literal_block("", "x" * letters))
        CELLS.Widths.run(SimpleNamespace(document=SimpleNamespace(findall=section.findall)))
        found = re.search(r"fontsize=.(\w+)", section.astext())
        assert (found and found[1]) == size


def test_a_mark_for_a_program_is_not_printed():
    assert CELLS.MARK.sub("", "a = 1  # fmt: skip\nb # fmt: skip it") == "a = 1\nb # fmt: skip it"


# The page of the API.


def shown(what, text):
    """A docstring after both of the extensions that rewrite it."""
    lines = text.split("\n")
    API.keep_prose(None, what, "x", None, None, lines)
    said = Config(napoleon_use_param=False, **{
        name: CONFIG[name] for name in ("napoleon_use_rtype", "napoleon_custom_sections")
    })  # fmt: skip
    lines = NumpyDocstring(lines, said, what=what, name="x").lines()
    API.link_labels(None, what, "x", None, None, lines)
    return "\n".join(lines)


def test_what_is_said_of_a_variable_is_no_type():
    said = "Bugs elsewhere: in the losses."
    assert shown("data", said).strip() == said


def test_attributes_on_one_line_keep_their_names():
    text = shown("class", "X.\n\nAttributes\n----------\na, b : float\n    Both.\nc : int\n")
    assert "**a, b** (*float*) -- Both." in text and ":ivar" not in text


def test_a_default_with_a_name_is_shown_by_it():
    told = API.name_defaults(None, "class", "Case", Case, None, "(x)", None)[0]
    assert "g_1=tanh, g_2=identity" in told and "r=None" in told and "<" not in told
    assert API.name_defaults(None, "class", "x", dict, None, "(x)", None) is None


def test_a_formula_is_as_wide_as_it_is_drawn():
    assert TABLES.drawn(r"W_{aa}") == "Waa"
    assert TABLES.drawn(r"T \left(k + n^{2}\right) - k") == "T(kxx+xn2)- k"


def test_links_are_shown_only_to_what_is_there():
    def pathto(name, resource):
        return "../" + name

    assert LINKS.links({}, "en", pathto) == ""
    one = LINKS.links({"book": "x"}, "en", pathto)
    assert one.count("<a ") == 1 and 'href="../pdf/book.pdf"' in one
    vietnamese = LINKS.links(dict.fromkeys(("book", "write-up", "vi-write-up")), "vi", pathto)
    assert vietnamese.count("<a ") == 3 and 'hreflang="vi"' in vietnamese
    assert vietnamese.index("vi-write-up") < vietnamese.index("pdf/write-up")


# A small book with two papers, from its text to LaTeX.

WORKS = "".join(
    f"@book{{{key}, author={{{name}}}, title={{{key}}}, year={{1990}}, publisher={{P}}}}\n"
    for key, name in (("cited", "Ann Ash"), ("uncited", "Bob Birch"))
)
CHAPTER = """
(ch-one)=
# One

After {cite}`uncited` and {cite}`cited`.

$$
a = b .
$$ (eq-one)

$$
c = d .
$$ (eq-two)

:::{prf:theorem} Both
:label: thm-one
They hold.
:::

:::{prf:proof}
We prove {eq}`eq-one`. Look.
:::
"""
PAPER = """
(ch-paper{0})=
# A paper

*In another language.*

(write-up-abstract{0})=
## In short

A few words.

## The rest

$$
a  = b ,
$$ (again-eq-one{0})

By {{eq}}`eq-one`, {{eq}}`eq-two`, {{prf:ref}}`thm-one` and {{ref}}`ch-one` {{cite}}`cited`. \
<span lang="{1}">See {{ref}}`there <ch-one>`.</span>

(write-up-references{0})=
## Works

Elsewhere.
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The documents of the small book, as LaTeX: {name: text}."""
    folder = tmp_path_factory.mktemp("pdf")
    index = "(ch-front)=\n# A book\n\nIn brief.\n\n"
    index += "```{toctree}\n:numbered:\n:caption: I. The first part\none\n```\n"
    index += "```{toctree}\nrefs\nvi-page\npaper\nvi-paper\n```\n"
    pages = {
        "index": index, "one": CHAPTER, "vi-page": "# Trang\n\nXem {ref}`ch-one`.\n",
        "refs": "# Works\n\n```{bibliography}\n```\n",
        "paper": PAPER.format("", "vi"), "vi-paper": PAPER.format("-vi", "en"),
    }  # fmt: skip
    for name, source in pages.items():
        (folder / f"{name}.md").write_text(source, encoding="utf-8")
    (folder / "works.bib").write_text(WORKS, encoding="utf-8")
    settings = {
        "extensions": [
            "myst_parser", "sphinx_proof", "sphinxcontrib.bibtex", "chapter_refs",
            "page_language", "again", "pdf_pages",
        ],
        "bibtex_bibfiles": ["works.bib"],
        "myst_enable_extensions": ["dollarmath", "colon_fence"],
        "numfig": True, "math_numfig": True, "math_eqref_format": "({number})",
        "html_title": "A book",
        "page_languages": {"vi-paper": "vi", "vi-page": "vi"}, "pdf_references": "refs",
        "pdf_write_ups": ["paper", "vi-paper"],
    }  # fmt: skip
    assert [built_by_sphinx(folder, settings, one) for one in ("html", "latex")] == ["", ""]
    found = {path.stem: path.read_text("utf-8") for path in (folder / "latex").glob("*.tex")}
    return found | {"paper.html": (folder / "html" / "paper.html").read_text("utf-8")}


def test_a_paper_has_the_books_numbers_and_says_what_is_elsewhere(made):
    for name, theorem, chapter in (
        ("paper", "Theorem 1.1", "chapter 1"), ("vi-paper", "Định lý 1.1", "chương 1"),
    ):  # fmt: skip
        text = made[name]
        ending = "-vi" if name == "vi-paper" else ""
        again = f"equation:{name}:again-eq-one{ending}"
        assert f"\\tag{{1.1}}\\label{{{again}}}" in text and f"\\ref{{{again}}}" in text
        assert "(1.2)" in text and theorem in text and chapter in text
        assert "\\begin{bookabstract}{In short}" in text
        assert "In another language" not in text and "there" not in text
        assert "\\renewcommand{\\refname}{Works}" in text and "Elsewhere" not in text
        assert "Ann Ash" in text and "Bob Birch" not in text
    assert re.findall(r'<span class="eqno">\(([\d.]+)', made["paper.html"]) == ["1.1"]


def test_the_book_has_its_parts_and_not_the_papers(made):
    text = made["book"]
    assert "\\part{The first part}" in text and "\\tag{1.2}" in text
    assert "{chương 1}" in text and "at the end of this book" in text
    assert "In short" not in text and "\\chapter{The book in brief}" in text
    assert "\\begin{bookproof}" in text and "\\title{A book}" in text
