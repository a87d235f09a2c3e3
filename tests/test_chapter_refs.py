"""_ext/chapter_refs.py: a bare link to a chapter says its number, as its sentence wants it."""

import sys
from pathlib import Path

import pytest
from docutils import nodes

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "_ext"))
import chapter_refs  # noqa: E402
from sphinx.addnodes import pending_xref  # noqa: E402


@pytest.mark.parametrize(
    ("number", "page", "language", "said"),
    [
        (4, "book/04-bptt", "en", "chapter 4"),
        (4, "book/04-bptt", "vi", "chương 4"),
        ("H", "book/H-coq", "en", "appendix H"),
        (None, "book/H-coq", "en", "appendix H"),
        (None, "book/H-coq", "vi", "phụ lục H"),
        (None, "book/index", "en", None),
    ],
)
def test_what_a_page_is_called(number, page, language, said):
    assert chapter_refs.name(number, page, language) == said


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", True),
        ("It ends. ", True),
        ("It ends: ", True),
        ("Is it so? (", True),
        ("By ", False),
        ("as said, ", False),
        ("see (", False),
    ],
)
def test_a_sentence_begins_with_a_capital(text, begins):
    link = pending_xref("", nodes.inline("", "The proof"))
    nodes.paragraph("", "", nodes.Text(text), link, nodes.Text(" is long."))
    assert chapter_refs.before(link) == text
    assert bool(chapter_refs.BEGINS.search(text)) == begins
