"""Appendix B knows every letter of the displayed formulas, and where each is defined."""

import re

import claims
import pytest
from chapters import ROOT, cells, notebooks

PAGE = (ROOT / "book" / "B-notation.md").read_text(encoding="utf-8")
OURS = PAGE[: PAGE.index("## The names of the source")]
CLASHES = OURS[OURS.index("## One letter, several meanings") :]
SYMBOLS = OURS[: OURS.index("## One letter, several meanings")]
CHAPTERS = {"01", "02", "03", "04", "06", "09", "12", "13", "14", "15"}
CONSTANTS = {r"\pi", "e"}  # 3.14… and 2.71…

GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma "
    "tau phi varphi psi omega Gamma Delta Theta Lambda Sigma Phi Omega ell partial"
).replace(" ", "|")
ABOVE = "tilde|hat|bar|dot|mathcal"
IN_WORDS = re.compile(
    r"\\(?:text|texttt|operatorname\*?|mathrm|mathbf|mathbb|begin|end)\s*\{[^{}]*\}"
    r"|\\mathrm\s*\w|\\mathsf\s*(?:\{T\}|T)"
)
COMMAND = re.compile(rf"\\(?!(?:{GREEK}|{ABOVE})(?![a-zA-Z]))[a-zA-Z]+")
LETTER = re.compile(
    rf"(?:\\({ABOVE})\s*\{{?\s*)?(\\(?:{GREEK})(?![a-zA-Z])|(?<![\\a-zA-Z])[a-zA-Z](?![a-zA-Z]))"
)
OF_TIME = re.compile(r"\}?(?:\^(?:\{[^}]*\}|\w))?_\{?t")
REFERENCE = re.compile(r"\{(eq|ref|prf:ref)\}`(?:[^`<]*<)?([\w-]+)>?`")


def letters(tex):
    """The letters of a formula, each with what stands above it, and with _t if t is its index."""
    tex = COMMAND.sub(" ", IN_WORDS.sub(" ", tex))
    return {
        (f"{m[1]} " if m[1] else "") + m[2] + ("_t" if OF_TIME.match(tex[m.end() :]) else "")
        for m in LETTER.finditer(tex)
    }


def rows(text):
    """The rows of the tables that begin with a formula, as their cells."""
    lines = re.findall(r"^\| (\$.*) \|$", text, re.MULTILINE)
    return [re.split(r"\s*(?<!\\)\|\s*", line) for line in lines]


def known(text=SYMBOLS):
    found = set(CONSTANTS)
    for first, *_ in rows(text):
        for formula in re.findall(r"\$([^$]+)\$", first):
            found |= letters(formula)
    # A letter at a time may stand without its time; a letter without one has no value at t.
    return found | {one.removesuffix("_t") for one in found}


def used(path):
    """The letters of a chapter's displayed formulas: {letter: one of the formulas}."""
    found = {}
    for cell in cells(path):
        if cell.kind == "markdown":
            before, *exercises = cell.source.split("\n## Exercises")
            for formula in re.findall(r"\$\$(.*?)\$\$", before, re.DOTALL):
                found |= dict.fromkeys(letters(formula), formula.strip())
            if exercises:
                break
    return found


def test_letters_are_told_apart():
    gate = r"\tilde a_t = \operatorname{diag}(f_t)\,G^f_t W_{aa}^{\mathsf T} + \beta"
    assert letters(gate) == {"tilde a_t", "f_t", "G_t", "W", r"\beta", "t"}
    assert letters(r"\hat{s}_{t+1} J_{s+1} \cdots J_T") == {"hat s_t", "J", "s", "T", "t"}


@pytest.mark.parametrize(
    "path", [one for one in notebooks() if one.name[:2] in CHAPTERS], ids=lambda path: path.stem
)
def test_every_letter_of_a_displayed_formula_is_listed(path):
    missing = {one: formula for one, formula in used(path).items() if one not in known()}
    assert not missing, missing


@pytest.mark.parametrize(
    ("row", "letter"),
    [("$K_t$", "K_t"), (r"$c_t$, $\tilde c_t$", r"tilde c_t"), (r"$s$, $r$, $\beta(s, r)$", None)],
)
def test_a_row_that_is_lost_is_seen(row, letter):
    lost = re.sub(rf"^\| {re.escape(row)} \|.*\n", "", SYMBOLS, flags=re.MULTILINE)
    assert lost != SYMBOLS
    # The letters of the last row have other rows: that they mean something else is not seen.
    assert known() - known(lost) == ({letter} if letter else set())
    if letter:
        assert letter in used(ROOT / "book" / "06-vanishing.ipynb")


def test_every_row_of_a_single_chapter_says_where():
    own = SYMBOLS[SYMBOLS.index("### Only in the model, the loss and the gradient") :]
    assert len(rows(own)) > 50
    assert [row for row in rows(own) if len(row) != 3 or not REFERENCE.search(row[1])] == []


def test_a_letter_with_several_meanings_has_as_many_places():
    assert len(rows(CLASHES)) > 25
    few = [row for row in rows(CLASHES) if len({name for _, name in REFERENCE.findall(row[1])}) < 2]
    assert few == []


def test_every_place_is_a_label_of_the_book():
    labels = {label.name for label in claims.read().labels}
    assert {name for _, name in REFERENCE.findall(OURS)} <= labels


def test_no_table_lost_its_head():
    """A row behind an empty line is no row."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    assert all(re.match(r"\|.*\n\|[-|: ]+\|\n", block) for block in blocks)
