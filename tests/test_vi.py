"""The Vietnamese pages say what the English ones say, and lose nothing of it.

A sentence whose English has changed is no failure: the page shows it in English until it is
translated anew, and this says which it is. What fails is a page that was not renewed, a
translation without a formula, a number or a link of its original, and an English word in a figure
or a formula.
"""

import base64
import json
import re
import shutil
import warnings
from pathlib import Path

import figures
import messages
import nbformat
import outputs
import pytest
import translate
import yaml
from chapters import ROOT, BookError, pages
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

CATALOGUES = translate.catalogues()
BESIDE = translate.beside()
VERDICTS = {
    "holds": "đúng",
    "holds in one reading": "đúng theo một cách hiểu",
    "holds in part": "đúng một phần",
    "corrected": "đã sửa",
}
GLOSSARY = (ROOT / "book" / "vi-glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r'^\| <span lang="en">([^<]+)</span> \| ([^|]+) \|', GLOSSARY, re.MULTILINE)


def page(name):
    """The texts of a page of the book, as one."""
    return "\n\n".join(translate.texts(translate.original(name)))


# The pages of the book.


def test_the_pages_are_renewed_and_lose_nothing():
    assert translate.faults() == []
    if told := translate.notes():
        warnings.warn("shown in English on a Vietnamese page:\n" + "\n".join(told), stacklevel=1)


def test_the_issue_s_pages_have_a_catalogue_and_stand_in_the_book():
    assert {"index", "A-assignment", "write-up"} <= set(BESIDE) == set(CATALOGUES)
    marked = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    listed = {path.stem for path in pages() if path.stem.startswith("vi-")}
    assert listed == {f"vi-{name}" for name in [*BESIDE, "glossary"]}
    assert marked["page_languages"] == {f"book/{name}": "vi" for name in listed}


@pytest.mark.parametrize("name", BESIDE)
def test_the_two_pages_lead_to_each_other(name):
    (label,) = re.findall(r"\A\(([\w-]+)\)=", page(name))
    assert f'<span lang="vi">Bản tiếng Việt: {{ref}}`{label}-vi`.</span>' in page(name)
    assert re.search(rf'<span lang="en">\*In English: .*<{label}>`\.\*</span>', page(f"vi-{name}"))


@pytest.mark.parametrize("name", BESIDE)
def test_every_label_and_displayed_formula_is_there_once_more(name):
    english, vietnamese = page(name), page(f"vi-{name}")
    labels = translate.labels(translate.original(name))
    formulas = set(re.findall(r"\$\$ \(([\w-]+)\)$", english, re.MULTILINE))
    wanted = {
        f"again-{one}-vi" if one in formulas and not one.startswith("again-") else f"{one}-vi"
        for one in labels
    }
    assert translate.labels(translate.original(f"vi-{name}")) == wanted
    shown = re.compile(r"\$\$.*?\$\$", re.DOTALL)
    first, second = (
        [messages.silent(one) for one in shown.findall(text)] for text in (english, vietnamese)
    )
    assert first == second


@pytest.mark.parametrize("name", BESIDE)
def test_every_figure_and_formula_speaks_vietnamese(name):
    """No word is there that the page's catalogue, or an earlier one, does not translate."""
    there = figures.pictures(translate.original(name))
    here = figures.pictures(translate.original(f"vi-{name}"))
    assert [f"{figure}-vi" for figure in there] == list(here)
    for figure, english in there.items():
        drawn = figures.read(figure)
        assert drawn.png == here[f"{figure}-vi"] and drawn.english == figures.digest(english)
        assert drawn.words and all(drawn.words.values())
    known, wanted = translate.known(), translate.drawn_words(name)
    assert all(known.get(word) for word in wanted)
    texts = translate.texts(translate.original(f"vi-{name}"))
    said = {part[1] for text in texts for part in messages.SPOKEN.finditer(text)}
    assert said.isdisjoint(word for word in wanted if known[word] != word)


def test_the_29_verdicts_are_of_the_same_kind_in_both_languages():
    kinds = []
    for name in ("A-assignment", "vi-A-assignment"):
        text = re.sub(r"</?span[^>]*>", "", page(name))
        headings = re.findall(r"^### (A\d+): (.+)$", text, re.MULTILINE)
        rows = re.findall(r"^\| \{ref\}`(A\d+) [^|]*\|[^|]*\| ([^|]+) \|", text, re.MULTILINE)
        assert headings == rows and len(rows) == 29
        kinds.append(rows)
    assert [(label, VERDICTS[kind]) for label, kind in kinds[0]] == kinds[1]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_no_page_loses_anything_on_its_way_through_messages(path):
    """Put back as they are, the messages give the page again, for the whole edition."""
    for text in translate.texts(path):
        again = messages.render(text, lambda one: one.id)
        before = messages.marks(messages.OTHER.sub("", text))
        after = messages.marks(again)
        if path.stem != "A-assignment":  # whose quotations are followed by English
            assert after == before
        assert [one.id for one in messages.messages(again)] == [
            one.id for one in messages.messages(text) if one.id
        ]


# The terms.


def bare(term):
    return re.sub(r"\s*\([^)]*\)", "", term).strip().lower()


def terms():
    """Each English term, the longest first: how it is found, and the Vietnamese for it."""
    for term in sorted({bare(term) for term, _ in ROWS}, key=len, reverse=True):
        there = re.compile(rf"(?<![\w-]){re.escape(term)}(?:s|es)?(?![\w-])", re.IGNORECASE)
        yield term, there, [bare(ours) for theirs, ours in ROWS if bare(theirs) == term]


TERMS = list(terms())


def otherwise(english, vietnamese):
    """The glossary's terms that a sentence has, and its translation has not."""
    if english == vietnamese:  # a quotation
        return []
    english = messages.ROLE.sub(lambda role: role[2] or " ", english)
    english, missing = messages.CODE.sub(" ", english), []
    for title in re.findall(r"\*[^*]+\*", english):  # which stays as it is
        english = english.replace(title, " ") if title in vietnamese else english
    for term, there, meant in TERMS:
        if there.search(english) and not any(one in vietnamese.lower() for one in meant):
            missing.append(f"{term}: {' or '.join(meant)}")
        english = there.sub(" ", english)
    return missing


@pytest.mark.parametrize("name", CATALOGUES)
def test_the_terms_are_those_of_the_glossary(name):
    told = [
        f"{term}\n  {english[:120]}\n  {vietnamese[:120]}"
        for english, vietnamese in translate.said(translate.read(name)).items()
        for term in otherwise(english, vietnamese)
    ]
    assert not told, "\n".join(told)


def test_another_term_is_noticed():
    assert otherwise("The learning rate is small.", "Tốc độ học nhỏ.") == []
    assert otherwise("The learning rate is small.", "Tỉ lệ học nhỏ.") == [
        "learning rate: tốc độ học"
    ]
    # The longer term is looked for first: a squared error is no error of its own.
    assert otherwise("the recurrent networks", "các mạng nơ-ron hồi quy") == []
    assert otherwise("the cells of an LSTM", "các ô nhớ của LSTM") == []


def test_the_glossary_is_sorted_and_each_term_stands_once():
    terms = [term.casefold() for term, _ in ROWS]
    assert len(terms) == GLOSSARY.count("\n| <span") >= 80
    assert terms == sorted(set(terms), key=lambda term: re.sub(r"\W+", " ", term))


# A small book, and what is planted in it.

ENGLISH = """(app-small)=
# A small page

The state $a_t$ moves by {eq}`eq-x`, as [a page](https://example.org) says in 1990. `code` stays.
<span lang="vi">Bản tiếng Việt: {ref}`app-small-vi`.</span>

> Tiếng Việt ở đây.

(Vietnamese here.) It is quoted.

$$
a_t = 1
$$ (eq-x)
"""
TRANSLATED = {
    "A small page": "Một trang nhỏ",
    "The state $a_t$ moves by {eq}`eq-x`, as [a page](https://example.org) says in 1990. "
    "`code` stays.": "Trạng thái $a_t$ thay đổi theo {eq}`eq-x`, như [một trang]"
    "(https://example.org) viết năm 1990. `code` giữ nguyên.",
    "It is quoted.": "Đoạn ấy được trích.",
}
CAPTIONS = {"Small": "Nhỏ", "Appendices": "Phụ lục"}


@pytest.fixture
def small(tmp_path):
    """A book of two pages, one of them translated; returns its root."""
    book = tmp_path / "book"
    (tmp_path / translate.FOLDER).mkdir(parents=True)
    toc = {
        "format": "jb-book", "root": "book/index",
        "parts": [
            {"caption": "Appendices", "chapters": [{"file": "book/A-small"}]},
            {"caption": "Tiếng Việt", "chapters": [{"file": "book/vi-A-small"}]},
        ],
    }  # fmt: skip
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc, allow_unicode=True), "utf-8")
    own = {
        "page_languages": {"book/vi-A-small": "vi"},
        "search_words": {"book/vi-A-small": ["x"], "book/A-small": ["y"]},
        "pdf_write_ups": ["book/A-small", "book/vi-A-small"],
        "html_theme_options": {"logo": {"text": "Small"}},
    }
    config = {"title": "Small", "sphinx": {"config": own}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config), "utf-8")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# One\n\nText.")]), book / "index.ipynb")
    (book / "A-small.md").write_text(ENGLISH, "utf-8")
    (book / "vi-A-small.md").touch()
    assert translate.main(["--root", str(tmp_path), "--start", "A-small"]) == 0
    change(tmp_path, lambda id, string: TRANSLATED.get(id, string))
    change(tmp_path, lambda id, string: CAPTIONS[id], translate.TOC)
    assert translate.main(["--root", str(tmp_path)]) == 0
    return tmp_path


def change(root, put, name="A-small"):
    catalogue = translate.read(name, root)
    for one in catalogue:
        if one.id:
            one.string = put(one.id, one.string)
    path = root / translate.FOLDER / f"{name}.po"
    path.write_text(translate.written(name, catalogue), "utf-8")


def shown(root):
    return (root / "book" / "vi-A-small.md").read_text("utf-8")


def test_the_small_page_is_translated(small):
    assert translate.faults(small) == [] == translate.notes(small)
    text = shown(small)
    # Its formula repeats the English page's, and has that number.
    assert all(
        string.replace("`eq-x`", "`again-eq-x-vi`") in text for string in TRANSLATED.values()
    )
    assert '# <span lang="vi">Một trang nhỏ</span>' in text and "(app-small-vi)=" in text
    assert "Bản tiếng Việt" not in text and "Vietnamese here" not in text
    assert "> Tiếng Việt ở đây." in text and "$$\na_t = 1\n$$ (again-eq-x-vi)" in text


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("$a_t$ ", "", "formula $a_t$ lost"),
        ("$a_t$", "$a_s$", "formula $a_s$ new"),
        ("{eq}`eq-x`", "đó", "role {eq}`eq-x` lost"),
        ("{eq}`eq-x`", "{eq}`eq-y`", "role {eq}`eq-y` new"),
        ("{eq}`eq-x`", "{eq}`eq-x` và {eq}`eq-x`", "role {eq}`eq-x` new"),
        ("https://example.org", "https://example.com", "link https://example.org lost"),
        ("1990", "1991", "number 1990 lost"),
        ("`code`", "mã", "code `code` lost"),
    ],
)
def test_what_a_translation_loses_or_invents_is_seen(small, there, instead, told):
    change(small, lambda id, string: string.replace(there, instead))
    assert any(told in one for one in translate.faults(small))
    assert translate.main(["--root", str(small), "--check"]) == 1


def test_a_changed_sentence_is_named_and_shown_in_english_until_it_is_translated(small, capsys):
    english = small / "book" / "A-small.md"
    english.write_text(english.read_text("utf-8").replace("is quoted.", "is quoted here."), "utf-8")
    assert any("stale: It is quoted." in one for one in translate.faults(small))
    # Renewed, nothing is at fault any more: the page is true, if not all Vietnamese.
    assert translate.main(["--root", str(small)]) == 0
    assert "A-small: stale: It is quoted here." in capsys.readouterr().out
    assert translate.faults(small) == []
    assert '<span lang="en">It is quoted here.</span>' in shown(small)
    # The old translation is still there for the translator, and is used once the mark is gone.
    path = small / translate.FOLDER / "A-small.po"
    text = path.read_text("utf-8")
    assert '#, fuzzy\nmsgid "It is quoted here."' in text and TRANSLATED["It is quoted."] in text
    path.write_text(text.replace("#, fuzzy\n", ""), "utf-8")
    assert any("vi-A-small.md" in one for one in translate.faults(small))
    assert translate.main(["--root", str(small)]) == 0
    assert translate.notes(small) == [] and TRANSLATED["It is quoted."] in shown(small)


def test_a_line_broken_elsewhere_is_the_same_sentence(small):
    english = small / "book" / "A-small.md"
    english.write_text(english.read_text("utf-8").replace("moves by", "moves\nby"), "utf-8")
    assert translate.faults(small) == []


def test_a_page_edited_by_hand_is_seen(small):
    page = small / "book" / "vi-A-small.md"
    page.write_text(shown(small).replace("trích", "dẫn"), "utf-8")
    assert any("vi-A-small.md: is not what" in one for one in translate.faults(small))


def test_renewing_twice_changes_nothing(small):
    folder = small / translate.FOLDER
    before = {path: path.read_bytes() for path in folder.glob("*.po")}
    assert translate.main(["--root", str(small)]) == 0
    assert before == {path: path.read_bytes() for path in folder.glob("*.po")}
    assert "Date" not in b"".join(before.values()).decode()


def test_the_edition_is_vietnamese_where_there_is_a_translation(small, tmp_path):
    out = tmp_path / "edition"
    translate.edition(out, small)
    text = (out / "book" / "A-small.md").read_text("utf-8")
    assert "# Một trang nhỏ" in text and "(app-small)=" in text and "$$ (eq-x)" in text
    assert "span" not in text
    assert "Text." in nbformat.read(out / "book" / "index.ipynb", 4).cells[0].source
    config, toc = (yaml.safe_load((out / name).read_text("utf-8")) for name in
                   ("_config.yml", "_toc.yml"))  # fmt: skip
    assert config["title"] == "Nhỏ"
    assert config["sphinx"]["config"] == {
        "language": "vi", "page_languages": {}, "search_words": {"book/A-small": ["y"]},
        "pdf_write_ups": ["book/A-small"], "html_theme_options": {"logo": {"text": "Nhỏ"}},
    }  # fmt: skip
    assert [part["caption"] for part in toc["parts"]] == ["Phụ lục"]
    with pytest.raises(translate.BookError, match="not empty"):
        translate.edition(out, small)


# What a message is.


def test_the_parts_of_a_text():
    text = """(ch-x)=
# Title

One *line*
broken \\
hard.

| head | other |
|---|---|
| {ref}`A1 <a>` | $x$ |
| word | $x$ and |

1. First
   goes on.
   - inner

:::{prf:theorem} A name
:label: thm-x

Its body.
:::

```{figure} a.png
:alt: A picture of it.

Its caption.
```

```{math}
:label: eq-y
\\text{in this}
```

$$
x \\text{ and } \\mathrm{not} \\text{so }
$$

> $$
> \\text{nor quoted}
> $$

$y$ {eq}`eq-y`
"""
    found = [one.id for one in messages.messages(text)]
    assert found == [
        "Title", "One *line* broken \\\nhard.", "head", "other", "word", "$x$ and",
        "First goes on.", "inner", "A name", "Its body.", "A picture of it.", "Its caption.",
        "in this", "and", "so",
    ]  # fmt: skip
    said = messages.render(text, lambda one: one.id.upper())
    assert "\n   - INNER\n" in said and "| WORD | $X$ AND |" in said
    assert ":alt: A PICTURE OF IT.\n" in said and "\nBROKEN \\\nHARD." not in said
    assert r"x \text{ AND } \mathrm{not} \text{SO }" in said
    assert said.lower().split() == text.lower().split()


def test_words_in_a_formula_are_translated_where_they_stand():
    text = "$$\na \\text{ per step}\n$$ (eq-x)\n\nHere $b \\text{ is } c$."
    said = {"per step": "mỗi bước", "Here $b \\text{ is } c$.": "Ở đây $b \\text{ là } c$."}
    page = translate.Page(said)
    assert page.text(text) == "$$\na \\text{ mỗi bước}\n$$ (eq-x)\n\nỞ đây $b \\text{ là } c$."
    # In a formula nothing can say that a word is English; the check refuses it instead.
    assert "\\text{ per step}" in translate.Page({}).text(text)
    assert messages.lost("Here $b \\text{ is } c$.", "Ở đây $b \\text{ là } c$.") == []
    assert messages.lost("Here $b \\text{ is } c$.", "Ở đây $b \\text{ là } d$.") != []


@pytest.mark.parametrize(
    ("output", "id", "vietnamese"),
    [
        ("it is .128 of 5,940", "it is ⟨0⟩ of ⟨1⟩", "it is 0,128 of 5.940"),
        ("in 1921–55, $x^2 = 0.01$", "in ⟨0⟩–⟨1⟩, $x^2 = ⟨2⟩$", "in 1921–55, $x^2 = 0{,}01$"),
        ("AR(9), `x 12`, {ref}`3 <b-4>`", "AR(9), `x 12`, {ref}`3 <b-4>`", None),
        ("the end is 7.", "the end is ⟨0⟩.", "the end is 7."),
        ("$a_1 + 2b$ and 1.5%", "$a_1 + 2b$ and ⟨0⟩%", "$a_1 + 2b$ and 1,5%"),
    ],
)
def test_a_computed_number_is_taken_from_the_english_page(output, id, vietnamese):
    text, numbers = messages.computed(output)
    (message,) = messages.messages(text)
    assert message.id == id
    page = translate.Page({id: id})
    assert page.output(output) == (vietnamese or output)


def test_a_notebook_s_outputs_are_translated_and_its_pictures_stay():
    def cell(source, kind, value, tags=("remove-input",), **metadata):
        output = new_output("display_data", data={kind: value})
        return new_code_cell(
            source, outputs=[output], execution_count=1, metadata={"tags": [*tags], **metadata}
        )

    figure = {"mystnb": {"figure": {"name": "fig-a", "caption": "A rise."}}}
    english = new_notebook(
        cells=[
            new_markdown_cell("(ch-x)=\n# One"),
            cell("x = 0.5\nMarkdown(x)", "text/markdown", "half is 0.5"),
            cell("plot(x)", "image/png", "AAAA", **figure),
            cell("Markdown('last')", "text/markdown", "the last is 0.7"),
        ]
    )
    said = {"half is ⟨0⟩": "một nửa là ⟨0⟩", "A rise.": "Đi lên.", "the last is ⟨0⟩": "cuối: ⟨0⟩"}
    page = translate.Page(said, own_labels=frozenset({"ch-x", "fig-a"}))
    one, code, half, picture, last = page.notebook(english).cells
    assert half.source == "một nửa là 0,5" and last.source == "cuối: 0,7"
    # The picture's cell needs the one before it, which is not seen and is silent when it is run.
    assert code.source == "x = 0.5\nMarkdown(x);" and code.outputs == []
    assert "remove-cell" in code.metadata["tags"]
    assert picture.outputs == english.cells[2].outputs and picture.source == "plot(x)"
    assert picture.metadata["mystnb"]["figure"] == {"name": "fig-a-vi", "caption": "Đi lên."}
    assert english.cells[2].metadata["mystnb"]["figure"]["name"] == "fig-a"


def test_a_statement_on_a_vietnamese_page_is_named_in_vietnamese():
    page = translate.Page({"A name": "Một tên"}, own_labels=frozenset({"thm-x"}))
    text = ":::{prf:theorem} A name\n:label: thm-x\n\n$x$\n:::\n\nBy {prf:ref}`đó <thm-x>`."
    said = page.text(text)
    assert said.startswith(":::{admonition} Định lý: Một tên\n:name: thm-x-vi\n")
    assert "{ref}`đó <thm-x-vi>`" in said


def test_the_command_says_what_it_does_not_know(small, capsys):
    assert translate.main(["--root", str(small), "--start", "nowhere"]) == 2
    assert "lists no page nowhere" in capsys.readouterr().err
    shutil.rmtree(small / "book" / "locale")
    assert translate.beside(small) == []
    assert Path(translate.FOLDER).parts[:3] == ("book", "locale", "vi")


# Figures.

DRAWS = """import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 2], label={label!r})
axes.set(title={title!r}, xlabel="$s$", ylabel={ylabel!r})
axes.annotate("", (0, 1), (1, 2), arrowprops={{"arrowstyle": "->"}})
axes.legend()
plt.show()
"""
SAID = {"label": "rise", "title": "by rows", "ylabel": "$t$, the time"}
MEANT = {"rise": "lúc lên", "by rows": "theo hàng", "$t$, the time": "$t$, thời điểm"}


def chapter(root, said, fig="fig-rise"):
    """A chapter that draws a figure in its second cell, and has an error after it."""
    mystnb = {"figure": {"name": fig, "caption": "A rise."}, "image": {"alt": "A line."}}
    cells = [
        new_markdown_cell("(ch-drawn)=\n# Drawn"),
        new_code_cell("label = 'not used'"),
        new_code_cell(DRAWS.format(**said), metadata={"mystnb": mystnb}),
        new_code_cell("raise RuntimeError('nobody needs this cell')"),
    ]
    (root / "book").mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), root / "book" / "01-drawn.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# One")]), root / "book" / "index.ipynb")
    parts = [{"caption": "Small", "chapters": [{"file": "book/01-drawn"}]}]
    toc = {"format": "jb-book", "root": "book/index", "parts": parts}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), "utf-8")
    return root


def test_a_figure_is_drawn_again_by_its_own_cell(tmp_path):
    english, vietnamese = (tmp_path / name for name in ("english", "vietnamese"))
    chapter(english, SAID)
    figures.draw("fig-rise", b"the English one", MEANT, english)
    drawn = figures.read("fig-rise", english)
    assert drawn.words == MEANT and drawn.english == figures.digest(b"the English one")
    assert figures.fault("fig-rise", b"the English one", MEANT, english) is None
    # It is the picture of a chapter that was written in Vietnamese, which needs no translation.
    chapter(vietnamese, {part: MEANT[word] for part, word in SAID.items()})
    figures.draw("fig-rise", b"", {}, vietnamese)
    one, two = (base64.b64encode(figures.read("fig-rise", root).png) for root in
                (english, vietnamese))  # fmt: skip
    assert outputs._look_alike(one, two)
    with pytest.raises(BookError, match="no chapter draws a figure fig-fall"):
        figures.draw("fig-fall", b"", {}, english)


@pytest.fixture
def drawn(small):
    """The small book with a figure of another chapter on its front page, shown in Vietnamese."""
    toc = yaml.safe_load((small / "_toc.yml").read_text("utf-8"))
    toc["parts"][1]["chapters"].append({"file": "book/vi-index"})
    (small / "_toc.yml").write_text(yaml.safe_dump(toc, allow_unicode=True), "utf-8")
    shown = new_output("display_data", data={"image/png": base64.b64encode(b"English").decode()})
    figure = {"mystnb": {"figure": {"name": "fig-again-rise", "caption": "A rise."}}}
    cells = [
        new_markdown_cell("(ch-front)=\n# One\n\n$$\na \\text{ apart}\n$$"),
        new_code_cell("picture('fig-rise')", outputs=[shown], execution_count=1, metadata=figure),
    ]
    nbformat.write(new_notebook(cells=cells), small / "book" / "index.ipynb")
    nbformat.write(new_notebook(), small / "book" / "vi-index.ipynb")
    (small / figures.FOLDER).mkdir()
    (small / figures.FOLDER / "fig-rise.png").write_bytes(b"Vietnamese")
    record(small, b"English", {"by rows": ""})
    assert translate.main(["--root", str(small), "--start", "index"]) == 0
    said = {"by rows": "theo hàng", "apart": "riêng", "One": "Một", "A rise.": "Đi lên."}
    change(small, lambda id, string: said[id], "index")
    record(small, b"English", {"by rows": "theo hàng"})
    assert translate.main(["--root", str(small)]) == 0
    return small


def record(root, english, words):
    kept = json.dumps({"english": figures.digest(english), "words": words}, ensure_ascii=False)
    (root / figures.FOLDER / "fig-rise.json").write_text(kept, "utf-8")


def test_a_page_shows_the_figure_in_its_language(drawn):
    assert translate.faults(drawn) == [] == translate.notes(drawn)
    assert figures.pictures(drawn / "book" / "index.ipynb") == {"fig-rise": b"English"}
    assert figures.pictures(drawn / "book" / "vi-index.ipynb") == {"fig-rise-vi": b"Vietnamese"}
    catalogue = (drawn / translate.FOLDER / "index.po").read_text("utf-8")
    assert '#. in a figure or a formula\nmsgid "by rows"\nmsgstr "theo hàng"' in catalogue
    assert '#. in a figure or a formula\nmsgid "apart"\nmsgstr "riêng"' in catalogue


@pytest.mark.parametrize("word", ["by rows", "apart"])
def test_a_word_that_is_not_translated_in_a_figure_or_a_formula_fails(drawn, word, capsys):
    change(drawn, lambda id, string: "" if id == word else string, "index")
    told = f"index.po: not translated, in a figure or a formula: {word}"
    assert any(told in one for one in translate.faults(drawn))
    assert translate.main(["--root", str(drawn), "--check"]) == 1
    assert told in capsys.readouterr().out


def test_a_figure_that_is_out_of_date_is_told(drawn):
    def told():
        return [one for one in translate.faults(drawn) if "fig-rise.png" in one]

    record(drawn, b"English", {"by rows": "theo cột"})
    assert "has other words than the catalogue" in told()[0]
    record(drawn, b"another", {"by rows": "theo hàng"})
    assert "stands for another English picture" in told()[0]
    page = translate.Page({}, pictures=translate.redrawn(drawn))
    english = nbformat.read(drawn / "book" / "index.ipynb", 4)
    assert page.notebook(english).cells[-1].outputs == english.cells[-1].outputs
    (drawn / figures.FOLDER / "fig-rise.json").unlink()
    assert "is not drawn" in told()[0]
    (drawn / figures.FOLDER / "fig-fall.png").write_bytes(b"left over")
    assert any("fig-fall.png: no Vietnamese page shows it" in e for e in translate.faults(drawn))


def test_what_is_out_of_date_is_drawn_anew(drawn, monkeypatch):
    asked = []
    monkeypatch.setattr(figures, "draw", lambda *arguments: asked.append(arguments))
    assert translate.main(["--root", str(drawn)]) == 0 and asked == []
    record(drawn, b"another", {"by rows": "theo hàng"})
    assert translate.main(["--root", str(drawn)]) == 0
    ((name, english, known, root),) = asked
    assert (name, english, root) == ("fig-rise", b"English", drawn)
    assert known["by rows"] == "theo hàng"
