"""Appendix A answers every statement of the source: verdict, quotation, equation, cell.

Its quotations are compared with `data/assignment-source.txt`, the text as it was recognised from
a PDF, without its author's line. Where a character of that text is not what the page must have
shown, `data/assignment-readings.json` says what is read there.
"""

import json
import re
from collections import Counter

import claims
import numpy as np
import pytest
from chapters import ROOT

from rnn_lit import Parameters, backward, forward, sigmoid, softmax, tanh

PAGE = (ROOT / "book" / "A-assignment.md").read_text(encoding="utf-8")
SOURCE = (ROOT / "tests" / "data" / "assignment-source.txt").read_text(encoding="utf-8")
DATA = json.loads(
    (ROOT / "tests" / "data" / "assignment-readings.json").read_text(encoding="utf-8")
)
STATEMENTS = [f"A{number}" for number in range(1, 30)]
VERDICTS = {"holds", "holds in one reading", "holds in part", "corrected"}
DEFINITIONS = {"A2", "A4", "A8"}  # nothing to prove: their links lead to definitions
NO_EQUATION = {"A29"}  # a list of references

TRANSLATION = re.compile(r"^\([^()]*(\([^()]*\)[^()]*)*\)\s*")
HEADING = re.compile(r"^### (A\d+): (.+)$", re.MULTILINE)
ENTRIES = {
    match[1]: (match[2], PAGE[match.end() : after])
    for match, after in zip(
        HEADING.finditer(PAGE),
        [m.start() for m in HEADING.finditer(PAGE)][1:] + [len(PAGE)],
        strict=True,
    )
}
ROW = re.compile(r"^\| \{ref\}`(A\d+) <assignment-(a\d+)>` \|([^|]+)\|([^|]+)\|([^|]*)\|$", re.M)

#: A line's bullet, as the recognition wrote it: •, -, o, O or a TeX ring.
BULLET = re.compile(
    r"^[ \t]*(?:\$\$)?[ \t]*(?:-[ \t]+)?(?:\\circ|\\bullet|[oO](?=[ \t])|•)?[ \t]*(?:\\quad)?",
    re.MULTILINE,
)
#: What typography may differ in: the marks of TeX and Markdown, and two signs with two spellings.
MARKS = re.compile(
    r"\$|`|\\begin\{aligned\}|\\end\{aligned\}|\\displaystyle|\\quad|\\\\|\\$|&|[{}]|\s",
    re.MULTILINE,
)
EMPHASIS = re.compile(r"\*(?=\S)([^*\n]+)(?<=\S)\*")
SPELT = {r"\text": "", r"\_": "_", r"\times": "×", r"\leftarrow": "←", r"\eta": "η"}


def plain(text):
    """A text without what the quotations need not share with the copy."""
    text = EMPHASIS.sub(r"\1", text)
    for tex, sign in SPELT.items():
        text = text.replace(tex, sign)
    return MARKS.sub("", text)


def pattern(text):
    """Find a text with any white space between its words, or none."""
    return re.compile(r"\s*".join(re.escape(word) for word in text.split()))


def read(copy):
    """The copy as the book reads it, with every reading in its place, in plain letters."""
    for reading in DATA["readings"]:
        copy, count = pattern(reading["copy"]).subn(lambda _, new=reading["reading"]: new, copy)
        assert count == 1, f"{reading['at']}: found {count} times: {reading['copy']}"
    return plain(BULLET.sub("", copy))


def quotations(page):
    """The block quotations of a page, in order."""
    blocks = re.findall(r"(?:^>.*\n?)+", page, re.MULTILINE)
    return [re.sub(r"^> ?", "", block, flags=re.MULTILINE) for block in blocks]


def left_over(page, copy):
    """What no quotation holds, as plain text in pieces; ValueError if one is not in the copy."""
    text, at, left = read(copy), 0, []
    for quotation in quotations(page):
        for word in DATA["supplied"]:
            quotation = quotation.replace(word, "")
        for piece in quotation.split("[…]"):
            wanted = plain(piece)
            start = text.find(wanted, at)
            if not wanted or start < 0:
                raise ValueError(f"not in the source, or not in its order: {piece.strip()}")
            left.append(text[at:start])
            at = start + len(wanted)
    return [piece for piece in [*left, text[at:]] if piece]


@pytest.fixture(scope="module")
def book():
    return claims.read()


def test_every_statement_is_answered_once_and_in_order():
    assert [match[1] for match in HEADING.finditer(PAGE)] == STATEMENTS


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_verdict_is_one_of_the_four_and_the_entry_has_an_anchor(statement):
    assert ENTRIES[statement][0] in VERDICTS
    assert f"(assignment-{statement.lower()})=\n### {statement}: " in PAGE


def test_the_table_gives_each_verdict_once_as_the_entry_does():
    rows = ROW.findall(PAGE)
    assert [(label, link) for label, link, *_ in rows] == [(s, s.lower()) for s in STATEMENTS]
    for label, _, statement, verdict, change in rows:
        assert verdict.strip() == ENTRIES[label][0]
        assert 3 <= len(re.sub(r"\$[^$]*\$", "x", statement).split()) <= 8, label
        assert bool(change.strip()) == (verdict.strip() != "holds"), label


def test_the_sentence_under_the_table_counts_right():
    count = Counter(verdict for verdict, _ in ENTRIES.values())
    names = {2: "two", 4: "four", 8: "eight", 15: "fifteen"}
    said = (
        f"So {names[count['holds']]} statements hold, {names[count['holds in one reading']]} hold "
        f"in one reading, {names[count['holds in part']]} hold in part and "
        f"{names[count['corrected']]} are corrected."
    )
    assert said in " ".join(PAGE.split())


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_is_quoted_and_judged_in_a_sentence(statement):
    _, text = ENTRIES[statement]
    assert re.search(r"^> \S", text, re.MULTILINE), "no quotation"
    elsewhere = (">", "#", "Settled:", "Defined:", "(assignment-")
    said = [p.strip() for p in re.split(r"\n\s*\n", text) if not p.lstrip().startswith(elsewhere)]
    judged = [TRANSLATION.sub("", paragraph) for paragraph in said]
    assert any(paragraph.endswith(".") for paragraph in judged), "no sentence that judges it"


@pytest.mark.parametrize("statement", [s for s in STATEMENTS if s not in NO_EQUATION])
def test_the_links_lead_to_an_equation_and_to_a_cell_about_it(statement, book):
    _, text = ENTRIES[statement]
    proof = text[re.search(r"^(?:Settled|Defined):", text, re.MULTILINE).start() :]
    proof = proof[: proof.find("\n\n") + 1 or None]
    equations = re.findall(r"\{(?:eq|prf:ref)\}`([\w-]+)`", proof)
    cells = re.findall(r"<proof-([\w-]+)>", proof)
    assert equations
    assert bool(cells) == (statement not in DEFINITIONS)
    known = {label.name for label in book.labels}
    assert [name for name in equations if name not in known] == []
    assert [name for name in cells if name not in book.tagged] == []
    assert [name for name in cells if name not in equations] == []


def test_the_quotations_are_the_source_and_hold_the_whole_of_it():
    left = left_over(PAGE, SOURCE)
    assert left == [plain(piece["copy"]) for piece in DATA["left"]]


@pytest.mark.parametrize(
    ("printed", "planted"),
    [
        ("không thể được phân tán song song", "không thể song song hoá"),
        (r"= -\frac{1}{N} \sum_{t=1}^{N} \sum_{k", r"= \frac{1}{N} \sum_{t=1}^{N} \sum_{k"),
        ("dh_next = dh_raw × W_aa;", "dh_next = W_aa × dh_raw;"),
        ("> for t ← T to 1 do \\\n", "> for t ← 1 to T do \\\n"),
        ("xử lý một cách tuần tự", "xử lý […]"),
        ("[6] Lioutas", "[7] Lioutas"),
    ],
)  # fmt: skip
def test_a_changed_or_missing_word_is_seen(printed, planted):
    assert PAGE.count(printed) == 1
    page = PAGE.replace(printed, planted)
    try:
        left = left_over(page, SOURCE)
    except ValueError:
        return
    assert left != [plain(piece["copy"]) for piece in DATA["left"]]


@pytest.mark.parametrize("statement", ["A3", "A4"])
def test_the_superscripts_that_the_copy_lost_are_those_of_a2_and_a6(statement):
    """And A6 alone would not do: it has no state of time t."""
    start = SOURCE.index("là trạng thái")
    a2 = plain(SOURCE[SOURCE.rindex("\n", 0, start) : SOURCE.index("O Tại thời điểm t")])
    a6 = plain(SOURCE[SOURCE.index("$$y^{< t>}") : SOURCE.index("O Loss Function")])
    (reading,) = [plain(r["reading"]) for r in DATA["readings"] if r["at"] == statement]
    read_there = set(re.findall(r"[axy]\^<[^>]+>", reading))
    assert read_there <= set(re.findall(r"[axy]\^<[^>]+>", a2 + a6))
    assert read_there - set(re.findall(r"[axy]\^<[^>]+>", a6)) == {"a^<t>"}


def test_the_title_that_a29_gives_is_that_of_the_references():
    _, text = ENTRIES["A29"]
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entry = bibliography[bibliography.index("{geron2019,") :]
    title = re.search(r"title = \{(.*)\},$", entry, re.M)[1].translate({ord(c): None for c in "{}"})
    assert f"the title, which is *{title}*." in text
    printed = re.search(r'^> \[1\] .* "(.*)"', text, re.M)[1]
    words = [set(re.findall(r"[\w-]+", t.lower())) for t in (printed, title)]
    assert words[0] - words[1] == {"farnham"} and words[1] - words[0] == {"and"}  # printed as &


def test_the_copy_names_nobody_and_holds_no_number_of_a_student():
    assert "Nhựt" not in SOURCE
    # The years, the course and the dates of the references are the longest numbers.
    assert max(len(number) for number in re.findall(r"\d+", SOURCE)) <= 4


def test_with_one_output_softmax_and_cross_entropy_have_nothing_to_learn():
    series = np.array([[3.0], [-1.5], [0.0], [40.0]])
    logits = np.array([[-2.0], [0.0], [5.0], [700.0]])
    y_hat = softmax.f(logits)
    assert (y_hat == 1).all() and (series * np.log(y_hat)).sum() == 0
    # The loss of A20 does not move with the logits, however far.
    loss = [-(series * np.log(softmax.f(logits + h))).sum() for h in (-1.0, 1.0)]
    assert loss == [0, 0]


@pytest.mark.parametrize(
    ("g_1", "never_lowered"),
    [(tanh, {"b_y"}), (sigmoid, {"b_y", "W_ya"})],
    ids=["tanh", "logistic"],
)
def test_what_the_derivative_by_the_output_never_lowers(g_1, never_lowered):
    random = np.random.default_rng(21)
    signs = {name: set() for name in Parameters._fields}
    for _ in range(20):
        shapes = {"W_aa": (4, 4), "W_ax": (4, 1), "b_a": (4,), "W_ya": (3, 4), "b_y": (3,)}
        parameters = Parameters(**{name: random.normal(size=s) for name, s in shapes.items()})
        x, y = random.normal(size=(12, 1)), np.eye(3)[random.integers(3, size=12)]
        states = forward(parameters, x, g_1=g_1, g_2=softmax)
        gradient, _ = backward(parameters, x, states, -y / states.y_hat, g_1=g_1)
        for name, values in zip(gradient._fields, gradient, strict=True):
            signs[name] |= set(np.sign(values).ravel().astype(int).tolist())
    # An update subtracts: a negative entry raises the parameter, a positive one lowers it.
    assert {name for name, seen in signs.items() if seen <= {-1, 0}} == never_lowered
    assert all({-1, 1} <= seen for name, seen in signs.items() if name not in never_lowered)


def test_the_difference_is_the_derivative_by_the_logits_for_class_probabilities():
    """The reading in which A21's code is right: by the complex step, on A20 as it is printed."""
    random = np.random.default_rng(20)
    logits, y = random.normal(size=(5, 3)), np.eye(3)[random.integers(3, size=5)]

    def derivative(y):
        moved = [logits + 1e-30j * unit.reshape(5, 3) for unit in np.eye(15)]
        shares = [np.exp(o) / np.exp(o).sum(axis=1, keepdims=True) for o in moved]
        return np.reshape([-(y * np.log(s)).sum().imag / 1e-30 for s in shares], (5, 3))

    y_hat = softmax.f(logits)
    np.testing.assert_allclose(derivative(y), y_hat - y, rtol=0, atol=1e-14)
    # Values that do not add up to 1 are no class probabilities: the difference is not it.
    assert abs(derivative(3 * y) - (y_hat - 3 * y)).min() > 1e-3


@pytest.mark.parametrize("own_outputs", [False, True], ids=["training", "many steps ahead"])
def test_the_output_feeds_back_in_a_forecast_many_steps_ahead_and_not_in_training(own_outputs):
    """The premise of A25: b_y moves the outputs, and by them the states, or no state."""
    random = np.random.default_rng(25)
    shapes = {"W_aa": (2, 2), "W_ax": (2, 1), "b_a": (2,), "W_ya": (1, 2), "b_y": (1,)}
    parameters = Parameters(**{name: random.normal(size=s) for name, s in shapes.items()})
    series = random.normal(size=(5, 1))

    def visited(parameters):
        a, x, states = np.zeros(2), series[:1], []
        for t in range(4):
            step = forward(parameters, x, a)
            a, states = step.a[-1], [*states, step.a[-1]]
            x = step.y_hat if own_outputs else series[t + 1 : t + 2]
        return np.array(states)

    moved = abs(visited(parameters._replace(b_y=parameters.b_y + 1)) - visited(parameters))
    assert (moved[0] == 0).all() and (moved[1:] > 0).all() == own_outputs
    assert (moved > 0).any() == own_outputs
