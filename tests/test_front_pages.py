"""The front pages, English and Vietnamese, say the same, and the second is marked as Vietnamese."""

import importlib.util
import re
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from chapters import ROOT
from docutils import nodes
from docutils.utils import new_document
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError

EN, VI = (nbformat.read(ROOT / "book" / f"{name}.ipynb", 4) for name in ("index", "vi-index"))
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
FORMULA = re.compile(r"\$([^$]+)\$")


@pytest.fixture(scope="module")
def extension():
    spec = importlib.util.spec_from_file_location(
        "page_language", ROOT / "_ext" / "page_language.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(page):
    return "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")


def outputs(page):
    return [o for cell in page.cells if cell.cell_type == "code" for o in cell.outputs]


def steps(page):
    """The numbered lines of the algorithm, their formulas and the equations that they name."""
    lines = re.findall(r"^ *\d\. .*$", text(page), re.MULTILINE)
    return [(sorted(FORMULA.findall(line)), re.findall(r"`(eq-[\w-]+)`", line)) for line in lines]


def test_the_front_page_follows_its_order():
    """Credit, question, equation, verdict; the algorithm, its cost, what is proved; the scores."""
    shown = [
        cell.source if cell.cell_type == "markdown" else
        "\n".join("".join(o["data"].get("text/markdown", o["data"].get("text/latex", "")))
                  for o in cell.outputs)
        for cell in EN.cells
    ]  # fmt: skip
    whole = "\n".join(shown)
    order = [
        "Nguyễn Minh Nhựt", "Yêu cầu 1", "(def-front)", r"\begin{aligned}a_{1,t}",
        "On these years a line is better", ":label: alg-front", r"\tau$ or $i = R",
        "softmax gives", "L-BFGS", "## The gradient", "## The complexity", "{eq}`eq-cost`",
        "## What is proved", "`thm-shipped`", "<bptt-trusted>", "| AR(9) |", "## How to read",
    ]  # fmt: skip
    places = [whole.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    # Nothing but the initial state stands between the equation and what it is worth.
    assert "{ref}" not in whole[places[3] : places[4]] and places[4] - places[3] < 500


def test_both_pages_have_one_algorithm():
    assert len(steps(EN)) == 11  # eight, and three in the fifth
    assert steps(VI) == steps(EN)


def test_both_pages_show_one_equation_and_the_same_scores():
    latex = [["".join(o["data"]["text/latex"]) for o in outputs(page) if "text/latex" in o["data"]]
             for page in (EN, VI)]  # fmt: skip
    assert latex[0] == [one.replace("{,}", ".") for one in latex[1]] and len(latex[0]) == 1
    (english,) = [o["data"]["text/markdown"] for o in outputs(EN)
                  if "a line is better" in o["data"].get("text/markdown", "")]  # fmt: skip
    (vietnamese,) = [cell.source for cell in VI.cells if "một mô hình tuyến tính" in cell.source]
    scores = re.findall(r"(?<!\d)\.\d+", english)
    assert len(scores) == 6
    assert re.findall(r"\b0,\d+", vietnamese) == ["0" + one.replace(".", ",") for one in scores]


def test_the_pages_lead_to_each_other():
    assert "{ref}`ch-front-vi`" in text(EN) and "(ch-front)=" in text(EN)
    assert re.search(r"\{ref\}`[^`]*<ch-front>`", text(VI)) and "(ch-front-vi)=" in text(VI)


def test_the_vietnamese_page_is_marked_in_its_headings_and_as_a_whole():
    headings = re.findall(r"^#+ (.*)$", text(VI), re.MULTILINE)
    assert len(headings) == 8
    assert all(re.fullmatch(r'<span lang="vi">[^<]+</span>', one) for one in headings)
    assert CONFIG["page_languages"]["book/vi-index"] == "vi"


def test_the_language_is_written_on_the_outermost_section(extension):
    words = {"figure": "Fig. %s", "table": "Table %s"}
    app = SimpleNamespace(
        config=SimpleNamespace(page_languages={"one": "vi"}, numfig_format=words)
    )  # fmt: skip
    body = '<!-- a --><section class="x" id="y"><p>a</p><section id="z"></section></section>'

    def marked(page, body, doctree=True):
        context = {"body": body}
        extension.mark(app, page, "page.html", context, doctree)
        return context["body"]

    assert marked("one", body) == body.replace("<section class", '<section lang="vi" class')
    assert marked("two", body) == body
    figure = '<section><span class="caption-number">Fig. 3</span> Fig. 4</section>'
    assert marked("two", figure) == figure
    assert marked("one", figure).endswith('"caption-number">Hình 3</span> Fig. 4</section>')
    assert marked("one", "", doctree=None) == ""  # a page without a text, such as the search
    with pytest.raises(ExtensionError, match="one has no section"):
        marked("one", "<p>a</p>")
    with pytest.raises(ExtensionError, match="no page of the book: one"):
        extension.known(app, SimpleNamespace(found_docs={"two"}))
    extension.known(app, SimpleNamespace(found_docs={"one"}))


@pytest.mark.parametrize(("page", "language"), [("one", "en"), ("two", "vi")])
def test_words_in_formulas_have_the_letters_of_a_page_in_another_language(
    extension, page, language
):
    """Both of a page of its own in an English book and of a book that is not English."""
    added = []
    app = SimpleNamespace(
        config=SimpleNamespace(page_languages={"one": "vi"}, language=language),
        builder=SimpleNamespace(add_js_file=lambda *_, **options: added.append(options)),
    )
    extension.letters(app, page, "page.html", {}, None)
    (script,) = added
    assert "mtextInheritFont: true" in script["body"] and script["priority"] > 500
    app.config.language = "en"
    extension.letters(app, "two", "page.html", {}, None)
    assert added == [script]


def test_a_theorem_is_named_in_the_page_s_language(extension):
    def link(domain, explicit):
        inside = nodes.inline("", "x")
        return pending_xref("", inside, refdomain=domain, reftarget="thm-x", refexplicit=explicit)

    links = [link("prf", False), link("prf", True), link("std", False)]
    document = new_document("a page")
    document += nodes.paragraph("", "", *links)
    config = SimpleNamespace(page_languages={"one": "vi"})
    document.settings.env = SimpleNamespace(
        docname="one", config=config,
        proof_list={"thm-x": {"docname": "two", "countertype": "theorem", "realtype": "theorem"}},
        toc_fignumbers={"two": {"theorem": {"thm-x": (4, 1)}}},
    )  # fmt: skip
    extension.Statements(document).run()
    assert [one.astext() for one in links] == ["Định lý 4.1", "x", "x"]
    links[0]["refexplicit"], config.page_languages = False, {}
    links[0].clear()
    extension.Statements(document).run()
    assert links[0].astext() == ""  # an English page is left to sphinx-proof
