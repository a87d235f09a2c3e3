"""Every displayed claim of the book is proved by a cell that runs, or covered by one that is."""

from collections import Counter

import claims
import pytest


@pytest.fixture(scope="module")
def book():
    return claims.read()


def test_every_claim_is_proved_or_covered(book):
    unproved = [f"{label.name}  in {label.place}" for label in book.open()]
    assert not unproved, (
        "claims that nothing proves: tag the cell that does with `proves:LABEL`, or write which "
        "proved claim contains it, as in: covered by {eq}`eq-other`\n" + "\n".join(unproved)
    )


def test_labels_are_unique_over_the_whole_book(book):
    count = Counter(label.name for label in book.labels)
    twice = [f"{one.name}  in {one.place}" for one in book.labels if count[one.name] > 1]
    assert not twice, "labels given twice:\n" + "\n".join(twice)


def test_every_proof_names_a_label_of_the_book(book):
    names = {label.name for label in book.labels}
    wrong = [f"{name}  in {place}" for name, places in book.proved.items()
             for place in places if name not in names]  # fmt: skip
    assert not wrong, "cells that prove what the book does not state:\n" + "\n".join(wrong)


def test_what_covers_a_claim_is_a_label_of_the_book(book):
    names = {label.name for label in book.labels}
    wrong = [f"{name} is covered by {other}" for name, others in book.covered.items()
             for other in others | {name} if other not in names]  # fmt: skip
    assert not wrong, "\n".join(wrong)


PAGE = """
$$ a = b $$ (eq-proved)

$$ b = c $$ (eq-silent)

$$ c = d $$ (eq-follows)

This is covered by {eq}`eq-proved`. The rest is another matter.

$$ d = e $$ (eq-circle)

Both {eq}`eq-circle` and {eq}`eq-round` are covered by {eq}`eq-round`.

$$ e = f $$ (eq-round)
"""


def test_open_claims_are_found():
    found = claims.Claims([], {"eq-proved": ["a cell"]}, {})
    claims._read_text(claims.Cell("page.md", 1, "markdown", PAGE, ()), found, None)
    assert [label.name for label in found.open()] == ["eq-silent", "eq-circle", "eq-round"]
    assert found.covered["eq-follows"] == {"eq-proved"}
