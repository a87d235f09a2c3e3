"""Appendix B knows every letter of the displayed formulas, and where each is defined."""

import re
from collections import Counter

import claims
import pytest
from chapters import ROOT, cells, notebooks, pages

PAGE = (ROOT / "book" / "B-notation.md").read_text(encoding="utf-8")
OURS = PAGE[: PAGE.index("## The names of the source")]
CLASHES = OURS[OURS.index("## One letter, several meanings") :]
SYMBOLS = OURS[: OURS.index("## One letter, several meanings")]
CONSTANTS = {r"\pi", "e"}  # 3.14… and 2.71…
#: Letters of one meaning that stand in several rows: with the names of parts, or as an index.
ONE_MEANING = {"W", "y", "z", "i", "j", r"\partial", "hat g", "E"}  # E besides the sign 𝔼

GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma "
    "tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Omega ell partial"
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
MATH = re.compile(
    r"\$\$(.*?)\$\$|\$([^$]+)\$|^(?:```|:::)\{math\}\n(.*?)^(?:```|:::)$", re.DOTALL | re.MULTILINE
)


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


def in_math(text):
    """The letters of all formulas of a text."""
    formulas = (next(filter(None, match)) for match in MATH.findall(text))
    return set().union(*map(letters, formulas))


def timeless(found):
    return {one.removesuffix("_t") for one in found}


def known(text=SYMBOLS):
    found = CONSTANTS.union(*(in_math(first) for first, *_ in rows(text)))
    # A letter at a time may stand without its time; a letter without one has no value at t.
    return found | timeless(found)


def around(source, start, end, blocks=1):
    """A part of a text with as many blocks before and after it, of those that empty lines part."""
    found = [match.span() for match in re.finditer(r"(?:.*\S.*\n?)+", source)]
    touched = [i for i, (first, stop) in enumerate(found) if stop > start and first < end]
    first, last = max(0, touched[0] - blocks), min(len(found) - 1, touched[-1] + blocks)
    return source[found[first][0] : found[last][1]]


@pytest.fixture(scope="module")
def places():
    """For each label of the book, the letters at it: in a chapter, a statement, by an equation."""
    found = {}
    for path in pages():
        texts = [path.read_text(encoding="utf-8")]
        if path.suffix == ".ipynb":
            texts = [cell.source for cell in cells(path) if cell.kind == "markdown"]
        for text in texts:
            for match in claims.LABEL.finditer(text):
                name, span = match[match.lastgroup], match.span()
                if match["target"]:
                    found[name] = timeless(in_math("\n\n".join(texts)))
                    continue
                if not name.startswith(("eq-", "def-")):
                    span = next(
                        ((one.start, one.end) for one in claims.directives(text)
                         if one.start <= span[0] < one.end), span,
                    )  # fmt: skip
                found[name] = timeless(in_math(around(text, *span)))
    return found


def misplaced(text, places):
    """The rows whose letter does not occur where they say: [(label, first cell)]."""
    found = []
    for first, *others in rows(text):
        own = timeless(in_math(first))
        own = own - {"t", "i", "j", "T"} or own  # of what is at a time, or an entry
        at = [places[name] for _, name in REFERENCE.findall(" | ".join(others))]
        names = [name for _, name in REFERENCE.findall(" | ".join(others))]
        found += [
            (name, first) for name, there in zip(names, at, strict=True) if own.isdisjoint(there)
        ]
        if len(others) == 2 and REFERENCE.search(others[0]):  # a letter of this chapter only
            found += [(one, first) for one in own - set().union(*at)]
    return found


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
    "path", [one for one in notebooks() if one.name[0].isdigit()], ids=lambda path: path.stem
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


def test_every_letter_occurs_where_its_row_says(places):
    signs = [row[0] for row in rows(OURS) if not in_math(row[0])]
    assert signs == [r"$\odot$", r"$\sim$"]
    assert [one for one in misplaced(OURS, places) if one[1] not in signs] == []


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ("| $h$ | how many steps ahead, {eq}`def-bootstrap` |", "def-bootstrap"),
        ("| $P$ | a test period, {eq}`def-dm` |", "def-dm"),
        ("| $F$ | a function whose zero is sought, {eq}`def-newton-hypotheses` |",
         "def-newton-hypotheses"),
        ("| $V$ | the arrays of weights side by side, {eq}`eq-error-at-cuts` |",
         "eq-error-at-cuts"),
        (r"| $\ell_t$ | the line, {eq}`def-line` |", "def-line"),
        (r"| $\tilde z$ | a chapter, {ref}`ch-forward` |", "ch-forward"),
        ("| $Z$, $H$ | a lemma, {prf:ref}`lem-definite` |", None),
        ("| $Z$, $H$ | {prf:ref}`lem-definite` | of one chapter |", "Z"),
    ],
)  # fmt: skip
def test_a_wrong_place_is_seen(row, label, places):
    assert [name for name, _ in misplaced(row, places)] == ([label] if label else [])


def test_a_letter_of_two_rows_is_among_the_clashes():
    explained = Counter(one for row in rows(SYMBOLS) for one in timeless(in_math(row[0])))
    listed = set().union(*(timeless(in_math(first)) for first, _ in rows(CLASHES)))
    twice = {one for one, count in explained.items() if count > 1}
    assert twice - listed == ONE_MEANING


def test_every_place_is_a_label_of_the_book():
    labels = {label.name for label in claims.read().labels}
    assert {name for _, name in REFERENCE.findall(OURS)} <= labels


def test_no_table_lost_its_head():
    """A row behind an empty line is no row."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    assert all(re.match(r"\|.*\n\|[-|: ]+\|\n", block) for block in blocks)
