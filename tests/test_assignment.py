"""Appendix A answers every statement of the assignment: verdict, quotation, equation, check."""
import re

import claims
import pytest
from chapters import ROOT

PAGE = (ROOT / "book" / "A-assignment.md").read_text(encoding="utf-8")
STATEMENTS = [f"A{number}" for number in range(1, 30)]
VERDICTS = {"holds", "holds as corrected", "holds in one reading", "wrong"}
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


@pytest.fixture(scope="module")
def book():
    return claims.read()


def test_every_statement_is_answered_once_and_in_order():
    assert [match[1] for match in HEADING.finditer(PAGE)] == STATEMENTS


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_verdict_is_one_of_the_four(statement):
    assert ENTRIES[statement][0] in VERDICTS


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_statement_is_quoted_and_judged_in_a_sentence(statement):
    _, text = ENTRIES[statement]
    assert re.search(r"^> \S", text, re.MULTILINE), "no quotation"
    elsewhere = (">", "#", "Proof:", "(assignment-")
    said = [p.strip() for p in re.split(r"\n\s*\n", text) if not p.lstrip().startswith(elsewhere)]
    judged = [TRANSLATION.sub("", paragraph) for paragraph in said]
    assert any(paragraph.endswith(".") for paragraph in judged), "no sentence that judges it"


@pytest.mark.parametrize("statement", [s for s in STATEMENTS if s not in NO_EQUATION])
def test_the_links_lead_to_an_equation_and_to_a_cell_about_it(statement, book):
    _, text = ENTRIES[statement]
    proof = text[text.index("Proof:") :]
    equations = re.findall(r"\{eq\}`([\w-]+)`", proof)
    checks = re.findall(r"<proof-([\w-]+)>", proof)
    assert equations and checks
    known = {label.name for label in book.labels}
    assert [name for name in equations if name not in known] == []
    assert [name for name in checks if name not in book.tagged] == []
