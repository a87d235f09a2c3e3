"""tools/check_html.py finds what it is there to find."""

from pathlib import Path

import check_html
import pytest

WORDS = "a sentence of more than ten words so that the page is not empty " * 2
PAGE = """<html><head><title>One</title>
<link rel="canonical" href="https://example.org/one.html"><link href="_static/a.css"></head><body>
<article id="top">{}</article><script src="_static/a.js"></script></body></html>"""


@pytest.fixture
def built(tmp_path):
    mathjax = tmp_path / check_html.MATHJAX
    mathjax.parent.mkdir(parents=True)
    mathjax.write_text("")

    def build(article):
        (tmp_path / "one.html").write_text(PAGE.format(article), encoding="utf-8")
        found, count = check_html.faults(tmp_path, [Path("one.html")])
        assert count == 1
        return [what for _, what in found]

    return build


def test_a_good_page_has_no_fault(built):
    article = WORDS + r'<a href="#top">up</a> <img src="_images/a.png" alt="A rising curve.">'
    assert built(article + r'<span class="math">\(a$$\)</span><code>{eq}`eq-x`</code>') == []
    drawn = r'<div class="math">\[a^{2}\]</div><pre>W_{aa} $HOME</pre><code>a_{t-1}</code>'
    docstring = '<dl class="py function"><dd><p>z_t += W_aa a_{t-1}</p></dd></dl>'
    assert built(article + drawn + "a_t, W_aa and x^2 are no TeX" + docstring) == []


@pytest.mark.parametrize(
    ("article", "told"),
    [
        ("few words", "is empty"),
        (WORDS + "see {eq}`eq-x`", "shows source text"),
        (WORDS + "$$ a = b $$", "shows source text"),
        (WORDS + "for $W", "shows source text"),
        (WORDS + "<em>(andlikewisefor</em>W_{aa}", "shows source text"),
        (WORDS + "<blockquote><p>a^{t} is</p></blockquote>", "shows source text"),
        (WORDS + '<img src="_images/a.png" alt="a.png">', "with the description 'a.png'"),
        (WORDS + '<img src="_images/a.png">', "with the description None"),
        (WORDS + '<img src="https://example.org/a.png" alt="A curve.">', "fetches https"),
        (WORDS + '<script src="//example.org/a.js"></script>', "fetches //example.org"),
        (WORDS + '<a href="two.html">two</a>', "which is not there"),
        (WORDS + '<a href="#nowhere">there</a>', "which is not there"),
        (WORDS + '<p id="proof">a</p><p id="proof">b</p>', "two places called 'proof'"),
        (WORDS + '<span class="eqno">(A.1)</span>' * 2, "numbers something (A.1), as one.html"),
    ],
)
def test_a_fault_is_found(built, article, told):
    assert any(told in what for what in built(article))


def test_a_page_that_was_not_built_and_a_missing_script(tmp_path):
    found, _ = check_html.faults(tmp_path, [Path("two.html")])
    assert ("two.html", "was not built") in [(str(page), what) for page, what in found]
    assert any("formulas would stay TeX" in what for _, what in found)


def test_numbers_are_those_of_one_thing_in_the_whole_book(tmp_path):
    for name, number in (("one", "(3.1)"), ("two", "(A.1)"), ("three", "(3.1)")):
        numbered = f'{WORDS}<div class="math"><span class="eqno">{number}</span></div>'
        again = '<div class="math" id="equation-again-eq-x"><span class="eqno">(3.1)</span></div>'
        figure = f'<span class="caption-number">Fig. {name} </span>'
        page = PAGE.format(again + numbered + figure)
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    told = [(str(page), what) for page, what in check_html.faults(tmp_path, [])[0]]
    clashes = [one for one in told if "numbers something" in one[1]]
    assert clashes == [("three.html", "numbers something (3.1), as one.html does")]


@pytest.mark.parametrize(
    ("label", "number", "told"),
    [
        ("again-eq-x", "(3.1)", None),
        ("again-eq-x-vi", "(3.1)", None),
        ("again-eq-x-vi", "(34)", "repeats equation-eq-x, number (3.1), as (34)"),
        ("again-eq-y", "(3.1)", "repeats equation-eq-y, number None, as (3.1)"),
    ],
)
def test_a_repeated_formula_has_the_number_of_the_first(built, label, number, told):
    formula = '<div class="math" id="equation-{}"><span class="eqno">{}<a>#</a></span></div>'
    found = built(WORDS + formula.format("eq-x", "(3.1)") + formula.format(label, number))
    assert [what for what in found if "repeats" in what] == ([told] if told else [])
