"""Every displayed claim of the book is settled, by what its cells and its proofs say of it."""

import json
import re
import subprocess
import sys
from collections import Counter

import claims
import pytest
from chapters import ROOT, Cell, notebooks
from nbformat.v4 import new_markdown_cell
from tiny import cell, save


@pytest.fixture(scope="module")
def whole():
    return claims.read()


def test_every_claim_is_settled(whole):
    unsettled = [
        f"{one.name}  in {one.place}: {whole.lacking(one.name) or 'nothing'}"
        for one in whole.open()
    ]
    assert not unsettled, (
        "claims that nothing settles: tag the cell that does for all sizes with `proves:LABEL`; "
        "or write a prf:proof beside a cell with `checks:LABEL`; or write which settled claim "
        "contains it, as in: this follows from {eq}`eq-other`\n" + "\n".join(unsettled)
    )


def test_labels_are_unique_over_the_whole_book(whole):
    count = Counter(label.name for label in whole.labels)
    twice = [f"{one.name}  in {one.place}" for one in whole.labels if count[one.name] > 1]
    assert not twice, "labels given twice:\n" + "\n".join(twice)


def test_every_cell_names_a_label_of_the_book(whole):
    names = {label.name for label in whole.labels}
    wrong = [f"{verb}:{name}  in {place}" for name, cell in whole.tagged.items()
             for verb, places in cell.items() for place in places if name not in names]  # fmt: skip
    assert not wrong, "cells tagged with what the book does not state:\n" + "\n".join(wrong)


def test_every_proof_names_a_label_of_the_book(whole):
    names = {label.name for label in whole.labels}
    wrong = [f"{name}  in {places[0]}" for name, places in whole.proofs.items()
             if name not in names]  # fmt: skip
    assert not wrong, "proofs of what the book does not state:\n" + "\n".join(wrong)


def test_what_a_claim_follows_from_is_a_label_of_the_book(whole):
    names = {label.name for label in whole.labels}
    wrong = [
        f"{name} follows from {other}"
        for name, sentences in whole.follows.items()
        for other in {name}.union(*sentences)
        if other not in names
    ]
    assert not wrong, "\n".join(wrong)


def test_every_label_that_the_book_tags_is_listed_by_its_verb(whole):
    """Counted a second time, in the files, so that a tag that no tool reads is noticed."""
    seen = Counter()
    for path in notebooks():
        for entry in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for tag in entry["metadata"].get("tags", ()):
                verb, colon, _ = tag.partition(":")
                seen[verb] += bool(colon) and verb != "export"
    listed = Counter()
    for verbs in whole.tagged.values():
        for verb, places in verbs.items():
            listed[verb] += len(places)
    assert +seen == +listed and set(listed) <= set(claims.VERBS)


def read(*cells):
    """The claims of one page: a string is a markdown cell, a pair the verbs of a code cell."""
    page = [
        Cell("page.ipynb", number, "markdown", one, ())
        if isinstance(one, str)
        else Cell("page.ipynb", number, "code", "pass", tuple(one))
        for number, one in enumerate(cells, 1)
    ]
    return claims.read_page(page, claims.Claims([], {}, {}, {}))


def opened(*cells):
    return [label.name for label in read(*cells).open()]


CLAIM = "$$ a = b $$ (eq-a)"
THEOREM = (
    ":::{prf:theorem} Name\n:label: thm-a\n\nLet it be so. Then\n\n$$\na = b\n$$ (eq-a)\n"
    "\nand\n\n```{math}\n:label: eq-b\nb = c\n```\n:::"
)
PROOF = ":::{prf:proof}\nIt follows.\n:::"
OF = ":::{prf:proof}\nWe prove {eq}`eq-a`. It follows, by {eq}`eq-z`.\n:::"


@pytest.mark.parametrize("verb", claims.VERBS)
def test_alone_only_a_cell_that_proves_settles(verb):
    assert opened(CLAIM, [f"{verb}:eq-a"]) == ([] if verb == "proves" else ["eq-a"])


@pytest.mark.parametrize("verb", claims.VERBS)
def test_beside_a_proof_a_cell_that_checks_settles_too(verb):
    assert opened(CLAIM, OF, [f"{verb}:eq-a"]) == (["eq-a"] if verb == "illustrates" else [])


def test_a_proof_without_a_cell_settles_nothing():
    assert opened(CLAIM, OF) == ["eq-a"]
    assert opened(THEOREM + "\n\n" + PROOF) == ["eq-a", "eq-b"]


def test_a_check_of_another_claim_settles_nothing():
    assert opened(CLAIM, OF, ["checks:eq-ab", "checks:thm-a", "proves:eq-b"]) == ["eq-a"]


CHECKED = ["checks:eq-a", "checks:eq-b"]


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n \n\n"])
def test_a_proof_settles_the_statement_directly_before_it(between):
    assert opened(THEOREM + between + PROOF, CHECKED) == []
    assert set(read(THEOREM + between + PROOF).proofs) == {"thm-a", "eq-a", "eq-b"}


def test_the_statement_may_end_the_cell_before():
    assert opened(THEOREM + "\n\n", PROOF, CHECKED) == []


@pytest.mark.parametrize(
    "between",
    ["A sentence.", ":::{prf:remark}\nAside.\n:::", PROOF.replace("proof", "algorithm")],
)
def test_a_proof_further_down_settles_nothing(between):
    assert opened(f"{THEOREM}\n\n{between}\n\n{PROOF}", CHECKED) == ["eq-a", "eq-b"]
    assert opened(THEOREM, between, PROOF, CHECKED) == ["eq-a", "eq-b"]


def test_a_proof_after_a_cell_or_after_another_proof_settles_nothing():
    assert opened(THEOREM, CHECKED, PROOF) == ["eq-a", "eq-b"]
    assert set(read(CLAIM, THEOREM, PROOF + "\n" + OF, PROOF).proofs["eq-b"]) == {
        f"page.ipynb, cell 3 ({PROOF.splitlines()[0]!r})"
    }


@pytest.mark.parametrize("kind", ["remark", "algorithm", "definition", "example", "conjecture"])
def test_what_is_no_statement_is_not_proved(kind):
    page = THEOREM.replace("prf:theorem", f"prf:{kind}") + "\n" + PROOF
    assert opened(page, CHECKED) == ["eq-a", "eq-b"]


@pytest.mark.parametrize("kind", ["theorem", "lemma", "corollary", "proposition"])
def test_a_statement_is(kind):
    page = THEOREM.replace("prf:theorem", f"prf:{kind}") + "\n" + PROOF
    assert opened(page, CHECKED) == []


def test_both_fences_are_read_and_longer_ones():
    ticks = OF.replace(":::", "```")
    dropdown = OF.replace("{prf:proof}\n", "{prf:proof}\n:class: dropdown\n\n")
    inside = "::::{prf:theorem} N\n:label: thm-a\n\n:::{math}\n:label: eq-a\na = b\n:::\n::::"
    for text in (ticks, dropdown):
        assert opened(CLAIM, text, ["checks:eq-a"]) == []
    assert opened(inside + "\n" + PROOF, ["checks:eq-a"]) == []
    long = "````{prf:proof}\nWe prove {eq}`eq-b` and {eq}`eq-a`.\n```{math}\nx\n```\nall.\n````"
    assert set(read(long).proofs) == {"eq-a", "eq-b"}


@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("We prove {eq}`eq-a`. By {eq}`eq-z`, it is so.", {"eq-a"}),
        ("We prove {eq}`eq-a` by {eq}`eq-z` and {eq}`eq-y`.", {"eq-a"}),
        ("We prove {eq}`eq-a` and\n{eq}`eq-b`, by {eq}`eq-z`.", {"eq-a", "eq-b"}),
        ("We\nprove {eq}`eq-a`, {eq}`eq-b` and {eq}`eq-c`.", {"eq-a", "eq-b", "eq-c"}),
        ("We prove {eq}`the sum <eq-a>`: by {eq}`eq-z`.", {"eq-a"}),
        ("By {eq}`eq-a` we prove {eq}`eq-z`.", set()),
        ("We prove that {eq}`eq-a` holds.", set()),
        ("Of {eq}`eq-a`: yes.", set()),
        ("It is so. We prove {eq}`eq-a`.", set()),
    ],
)
def test_of_which_claims_a_proof_is(first, named):
    assert set(read(f"{CLAIM}\n\nfor all $a$.\n\n:::{{prf:proof}}\n{first}\n:::").proofs) == named


@pytest.mark.parametrize(
    ("between", "first", "settled"),
    [
        ("\n\n", "It is so, by {eq}`eq-z`.", {"eq-a"}),
        ("\n", ":class: dropdown\n\nIt is so.", {"eq-a"}),
        ("\n\n", "We prove {eq}`eq-b`.", {"eq-b"}),
        ("\n\nfor all $a$.\n\n", "It is so.", set()),
        ("\n\n$$ b = c $$ (eq-b)\n\n", "It is so.", {"eq-b"}),
        ("\n\n$$ b = c $$ (def-b)\n\n", "It is so.", set()),
        ("\n\n$$ b = c $$\n\n", "It is so.", set()),
    ],
)
def test_a_proof_without_a_name_is_of_the_claim_right_above_it(between, first, settled):
    page = f"{CLAIM}{between}:::{{prf:proof}}\n{first}\n:::"
    assert set(read(page).proofs) == settled
    assert set(read(CLAIM, ["checks:eq-a"], f":::{{prf:proof}}\n{first}\n:::").proofs) <= {"eq-b"}


FOLLOWING = """
$$ a = b $$ (eq-proved)

$$ b = c $$ (eq-silent)

$$ c = d $$ (eq-follows)

This follows from {eq}`eq-proved`. The rest is another matter.

$$ d = e $$ (eq-circle)

Both {eq}`eq-circle` and {eq}`eq-round` follow from {eq}`eq-round`.

$$ e = f $$ (eq-round)

$$ f = g $$ (eq-both)

which is a case of {eq}`eq-proved` and {eq}`eq-silent`.
"""


def test_what_follows_is_as_settled_as_what_it_follows_from():
    found = read(FOLLOWING, ["proves:eq-proved"])
    left = ["eq-silent", "eq-circle", "eq-round", "eq-both"]
    assert [label.name for label in found.open()] == left
    assert found.follows["eq-follows"] == [{"eq-proved"}]
    more = ["eq-proved", "eq-silent", "eq-follows", *left[1:]]
    assert opened(FOLLOWING, ["checks:eq-proved"]) == more
    assert opened(FOLLOWING, ["proves:eq-proved", "proves:eq-silent", "proves:eq-round"]) == []


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("which follows\nfrom {eq}`eq-z`.", {"eq-a"}),
        ("By {eq}`eq-y`, this is the case $t = 3$ of {eq}`eq-z`.", {"eq-a"}),
        ("{eq}`eq-b` and {eq}`eq-c` are special cases of {eq}`eq-z`.", {"eq-b", "eq-c"}),
        ("By {eq}`eq-y`, {eq}`eq-b` follows from {prf:ref}`eq-z`.", {"eq-b"}),
        ("This follows from that. It agrees with {eq}`eq-z`.", set()),
        ("The pairing with a direction follows from {eq}`eq-z`.", set()),
        ("This does not follow from {eq}`eq-z`.", set()),
        ("The rest is covered by a tube {eq}`eq-z`.", set()),
    ],
)
def test_of_which_claims_a_sentence_speaks(sentence, named):
    assert read(f"{CLAIM}\n\n{sentence}").follows == dict.fromkeys(named, [{"eq-z"}])


def command(root):
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "claims.py", "--root", root],
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip


def save_page(root, *tags):
    """A page of six claims, with a code cell for each of the tags."""
    equations = "\n\n".join(f"$$ {one} $$ (eq-{one})" for one in "abcdef")
    proof = ":::{prf:proof}\nWe prove {eq}`eq-b`. It is so.\n:::"
    save(
        root / "book" / "1-first.ipynb",
        new_markdown_cell(equations),
        new_markdown_cell(proof + "\n\nThe claim {eq}`eq-c` is a case of {eq}`eq-b`."),
        *(cell("pass", tag) for tag in tags),
    )


MIXED = ("proves:eq-a", "checks:eq-b", "illustrates:eq-d", "checks:eq-e")


def test_the_command_says_how_each_claim_is_settled(book):
    save_page(book, *MIXED)
    done = command(book)
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert done.returncode == 1 and not done.stderr
    assert said["eq-a"].startswith("proves in book/1-first.ipynb, cell")
    assert re.match(r"proof in book/1-.* \+ checks in book/1-", said["eq-b"])
    assert said["eq-c"] == "follows from eq-b"
    assert said["eq-d"].startswith("OPEN (illustrates in book/1-first.ipynb")
    assert said["eq-e"].startswith("OPEN (checks in book/1-first.ipynb")
    assert said["eq-f"] == "OPEN (nothing)"
    assert "3 claims open" in done.stdout


def test_the_command_is_content_when_all_is_settled(book):
    save_page(book, *MIXED, *(f"proves:eq-{letter}" for letter in "def"))
    assert command(book).returncode == 0
