"""The algorithm that Coq proved and the shipped one compute the same numbers; needs no Coq."""

import json
import re
from fractions import Fraction

import coq
import coq_link
import numpy as np
import pytest
from chapters import ROOT, cells

from rnn_lit.activations import Activation
from rnn_lit.model import Parameters
from rnn_lit.verify.cases import Case, gradient_of, loss_of
from rnn_lit.verify.field import prime_field

KEPT = json.loads(coq_link.RESULTS.read_text(encoding="utf-8"))
CASES = coq_link.cases()
ELEMENT = prime_field(coq_link.PRIME)
G_1 = Activation("z² + z", lambda z: z * z + z, lambda z, a: 2 * z + 1)
G_2 = Activation("o²", lambda o: o * o, lambda o, y_hat: 2 * o)
PROOFS = sorted(coq_link.PROOFS.glob("*.v"))


def shipped(case):
    """The loss, the gradient and r_0 by the shipped functions, listed as Coq lists them."""
    n, m, k, T, B = case["sizes"]
    convert = ELEMENT if case["field"] == "prime" else Fraction

    def array(values, *shape):
        return np.array([convert(v) for v in values], dtype=object).reshape(shape)

    shapes = {"W_aa": (n, n), "W_ax": (n, m), "b_a": (n,), "W_ya": (k, n), "b_y": (k,)}
    parameters = Parameters(*(array(case[name], *shape) for name, shape in shapes.items()))
    x, y = (
        array([v for t in range(T) for one in case["batch"] for v in one[name][t]], T, B, size)
        for name, size in (("x", m), ("y", k))
    )
    r, a_0 = (array([v for one in case["batch"] for v in one[name]], B, n) for name in ("r", "a_0"))
    whole = Case(parameters, a_0, x, y, r, G_1, G_2)
    gradient = gradient_of(whole)
    entries = [loss_of(whole), *(v for leaf in gradient.values() for v in np.ravel(leaf))]
    return [str(v.residue if case["field"] == "prime" else v) for v in entries]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda i: str(CASES[i]["sizes"]))
def test_the_shipped_functions_compute_what_coq_computed(number):
    assert shipped(CASES[number]) == KEPT["answers"][number]


def test_there_are_enough_cases_and_they_differ():
    sizes = {tuple(case["sizes"]) for case in CASES}
    assert len(sizes) == len(CASES) == len(KEPT["answers"]) >= 12
    assert any(k == 4 for _, _, k, _, _ in sizes)
    assert {12, 50} <= {T for _, _, _, T, _ in sizes} and any(B > 1 for *_, B in sizes)


def test_the_numbers_were_computed_by_the_gallina_that_stands_here():
    assert KEPT["source"] == coq_link.source_hash(), "run `make coq` with --write after an edit"


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: path.name)
def test_nothing_is_admitted(path):
    text = re.sub(r"\(\*.*?\*\)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    words = r"\b(Admitted|admit|Axiom|Parameter|Conjecture|Abort|bypass_check|Unset Guard\w*)\b"
    assert not re.findall(words, text)


def test_only_coqs_own_axioms_are_used():
    found = coq.axioms_of((coq_link.PROOFS / "assumptions.txt").read_text(encoding="utf-8"))
    ring = {"sweep_is_double_sum", "delta_is_double_sum", "gradient_is_double_sum"}
    assert {"bptt_is_the_derivative", "batch", "partial_W_aa", *ring} <= set(found)
    assert {name for name in found if not found[name]} == ring
    assert set().union(*found.values()) == {
        "sig_not_dec", "sig_forall_dec", "functional_extensionality_dep", "classic",
    }  # fmt: skip


def test_a_new_axiom_is_seen():
    text = (coq_link.PROOFS / "assumptions.txt").read_text(encoding="utf-8")
    added = text.replace("Closed under the global context", "Axioms:\nmine.convenient : False", 1)
    assert coq.axioms_of(added) != coq.axioms_of(text)


def test_the_gallina_that_appendix_h_shows_is_that_of_the_proofs():
    """It is copied into the notebook, which shows it then wherever it is opened."""
    page = "\n".join(one.source for one in cells(ROOT / "book" / "H-coq.ipynb"))
    shown = re.findall(r"^```coq\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [block.split()[1] for block in shown] == [
        "sweep", "differentiable", "bptt_is_the_derivative"
    ]  # fmt: skip
    proved = "\n".join(path.read_text(encoding="utf-8") for path in PROOFS)
    assert all(f"\n{block}" in proved for block in shown)
    assert "literalinclude" not in page  # JupyterLab shows nothing in its place
