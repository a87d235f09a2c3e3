"""Every planted bug is caught by a check, and the shipped source by none."""

import json
from fractions import Fraction
from importlib.resources import files

import numpy as np
import pytest

from rnn_lit.activations import Activation, softmax
from rnn_lit.verify.bugs import BUGS, ELSEWHERE, SWEEP, TIMES, TRANSPOSES
from rnn_lit.verify.cases import SHIPPED, dyadic, gradient_of, make_case
from rnn_lit.verify.field import prime_field
from rnn_lit.verify.mutants import Mutant, plant, sources
from rnn_lit.verify.ring import OpaqueRing
from rnn_lit.verify.rungs import (
    complex_step,
    gap,
    random_case,
    relative_error,
    stored_error,
    wrong_entries,
)

STORED = json.loads((files("rnn_lit._book") / "torch_reference.json").read_text("utf-8"))["cases"]


def ring(*size, r=True):
    def sees(code):
        algebra = OpaqueRing(*size)
        if not r:
            algebra.case = algebra.case._replace(r=None)
        return bool(wrong_entries(algebra, code))

    return sees


def field(code):
    return gap(*random_case(prime_field(), np.random.default_rng(3), 3, 2, 2, 3), code) != 0


def fractions(code):
    g = Activation("z² + z", lambda z: z * z + z, lambda z, a: 2 * z + 1)
    fill = dyadic(np.random.default_rng(4), Fraction)
    case = make_case(fill, 2, 2, 2, 2, g_1=g, g_2=g)
    direction = {name: fill(name, leaf.shape) for name, leaf in case.leaves().items()}
    return gap(case, direction, code) != 0


def steps(code):
    fill = dyadic(np.random.default_rng(5), float)
    case = make_case(fill, 3, 2, 2, 3, g_1=code.tanh, g_2=code.sigmoid)
    return relative_error(gradient_of(case, code), complex_step(case, code)) > 1e-12


def classes(code):
    fill = dyadic(np.random.default_rng(6), float)
    case = make_case(fill, 3, 2, 4, 3, g_2=softmax, loss="softmax_cross_entropy")
    case = case._replace(y=np.eye(4)[[0, 3, 2]])
    return relative_error(gradient_of(case, code), complex_step(case, code)) > 1e-12


def stored(code):
    return max(stored_error(entry, code) for entry in STORED) > 1e-12


CHECKS = {
    "ring": ring(2, 2, 2, 2),
    "field": field,
    "fractions": fractions,
    "complex step": steps,
    "complex step, classes": classes,
    "PyTorch": stored,
}


def notices(check, code):
    try:
        return check(code)
    except Exception:  # a bug that stops the program is noticed as well
        return True


@pytest.mark.parametrize("name", CHECKS)
def test_the_shipped_source_passes_every_check(name):
    assert not CHECKS[name](SHIPPED)
    assert not CHECKS[name](plant())


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_planted_bug_is_caught(bug):
    code = plant(bug)
    assert [name for name, check in CHECKS.items() if notices(check, code)]


@pytest.mark.parametrize("bug", TRANSPOSES + TIMES + SWEEP, ids=lambda bug: bug.name)
def test_the_exact_checks_alone_catch_every_bug_of_the_sweep(bug):
    code = plant(bug)
    assert notices(CHECKS["ring"], code) and notices(CHECKS["field"], code)


@pytest.mark.parametrize("bug", TRANSPOSES, ids=lambda bug: bug.name)
def test_transposes_are_invisible_if_every_size_is_one(bug):
    code = plant(bug)
    assert not ring(1, 1, 1, 1)(code) and not ring(1, 1, 1, 3)(code)


@pytest.mark.parametrize("bug", TIMES, ids=lambda bug: bug.name)
def test_one_step_is_blind_to_what_needs_two(bug):
    code = plant(bug)
    assert not ring(2, 2, 2, 1, r=False)(code)
    assert ring(1, 1, 1, 2, r=False)(code)


def test_there_are_enough_bugs_and_no_two_are_the_same():
    assert len(BUGS) == len(TRANSPOSES) + len(TIMES) + len(SWEEP) + len(ELSEWHERE)
    assert sum(bug.module == "bptt" for bug in BUGS) >= 15
    assert len({bug.name for bug in BUGS}) == len({bug[1:] for bug in BUGS}) == len(BUGS)


def test_a_bug_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="0 times in bptt"):
        plant(Mutant("no such line", "bptt", "no such text", ""))
    with pytest.raises(ValueError, match="times in bptt"):
        plant(Mutant("not unique", "bptt", "delta", "gamma"))


def test_planting_leaves_the_package_alone():
    before = sources()
    code = plant(TRANSPOSES[0])
    assert code.backward is not SHIPPED.backward
    assert sources() == before and not ring(2, 2, 2, 2)(SHIPPED)
