"""The compiled functions return what the plain ones do, and leave to those what they cannot do."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import rnn_lit
from rnn_lit import compiled
from rnn_lit.activations import ACTIVATIONS, Activation, identity, softmax, tanh
from rnn_lit.loss import mean_squared_error, softmax_cross_entropy
from rnn_lit.model import Parameters, initialise
from rnn_lit.rewriting import rewritten

SHAPES = [  # T, B, n, m, k
    (1, None, 1, 1, 1),
    (9, None, 5, 2, 3),
    (6, 1, 3, 1, 1),
    (7, 4, 6, 3, 2),
    (4, 70, 9, 1, 1),
]
TOLERANCE = {np.float64: 1e-13, np.float32: 2e-5}


def problem(T, B, n, m, k, dtype=np.float64):
    rng = np.random.default_rng([T, n])
    batch = () if B is None else (B,)
    parameters = initialise(n, m, k, rng)
    parameters = parameters._replace(b_a=rng.normal(size=n), b_y=rng.normal(size=k))
    arrays = [rng.normal(size=(T, *batch, size)) for size in (m, k)] + [
        rng.normal(size=(*batch, n))
    ]
    return Parameters(*(w.astype(dtype) for w in parameters)), *(a.astype(dtype) for a in arrays)


def distance(found, wanted):
    """The largest difference over the largest entry; types and shapes have to be the same."""
    worst = 0
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        worst = max(worst, abs(one - other).max() / max(1e-3, abs(other).max()))
    return worst


def compare(size, dtype, g_1=tanh, g_2=identity, a_0=True):
    parameters, x, y, start = problem(*size, dtype)
    start = start if a_0 else None
    found, wanted = (
        module.loss_and_gradient(parameters, x, y, start, g_1, g_2)
        for module in (compiled, rnn_lit)
    )
    errors = [abs(found[0] - wanted[0]) / wanted[0], distance(found[1], wanted[1])]
    assert type(found[0]) is type(wanted[0]) and type(found[1]) is Parameters
    states = rnn_lit.forward(parameters, x, start, g_1, g_2)
    errors.append(distance(compiled.forward(parameters, x, start, g_1, g_2), states))
    _, e = mean_squared_error(states, y, g_2)
    for r in (None, problem(*size, dtype)[3]):
        one, r_0 = compiled.backward(parameters, x, states, e, g_1, r)
        other, wanted_r_0 = rnn_lit.backward(parameters, x, states, e, g_1, r)
        errors += [distance(one, other), distance([r_0], [wanted_r_0])]
    assert max(errors) < TOLERANCE[dtype], errors


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_compiled_and_plain_agree(dtype):
    for size in SHAPES:
        compare(size, dtype)
    compare(SHAPES[1], dtype, a_0=False)


def test_the_rewritten_source_agrees_for_all_activations():
    """Run by Python as it stands, since compiling it for every pair takes minutes."""
    script = """
import numba
assert numba.config.DISABLE_JIT
import sys
sys.path.insert(0, "tests")
from test_compiled import ACTIVATIONS, SHAPES, TOLERANCE, compare
pairs = 0
for g_1 in ACTIVATIONS.values():
    for g_2 in ACTIVATIONS.values():
        if g_1.df and g_2.df:
            for dtype in TOLERANCE:
                compare(SHAPES[1], dtype, g_1, g_2)
                compare(SHAPES[3], dtype, g_1, g_2)
            pairs += 1
print(pairs)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str((len(ACTIVATIONS) - 1) ** 2), done.stderr


def test_a_large_batch_is_taken_in_parts(monkeypatch):
    monkeypatch.setattr(compiled, "_PART", 300)
    monkeypatch.setattr(compiled, "_LEAST", 8)
    for B in (8, 16, 21, 70):
        compare((4, B, 9, 1, 1), np.float64)


def test_other_losses_are_called_between_the_passes():
    parameters, x, _, a_0 = problem(7, 4, 6, 3, 2)
    y = np.eye(2)[np.random.default_rng(0).integers(2, size=(7, 4))]
    arguments = (parameters, x, y, a_0, tanh, softmax, softmax_cross_entropy)
    L, gradient = compiled.loss_and_gradient(*arguments)
    wanted, wanted_gradient = rnn_lit.loss_and_gradient(*arguments)
    assert abs(L - wanted) < 1e-14 and distance(gradient, wanted_gradient) < 1e-13


def test_other_numbers_and_activations_take_the_plain_way():
    parameters, x, y, a_0 = problem(4, None, 2, 1, 1)
    fractions = [
        np.vectorize(lambda v: Fraction(round(v * 16), 16))(v) for v in (*parameters, x, y)
    ]
    square = Activation("square", lambda z: z * z, lambda z, a: 2 * z)
    for arrays, g in ((fractions, square), ([*parameters, x, y], square)):
        theta, (x_1, y_1) = Parameters(*arrays[:5]), arrays[5:]
        L, gradient = compiled.loss_and_gradient(theta, x_1, y_1, None, g)
        wanted, wanted_gradient = rnn_lit.loss_and_gradient(theta, x_1, y_1, None, g)
        assert L == wanted
        assert all((u == v).all() for u, v in zip(gradient, wanted_gradient, strict=True))
    # a list, whole numbers, an array whose rows are not next to each other in memory
    wanted = rnn_lit.loss_and_gradient(parameters, x, y)[0]
    double = np.repeat(x, 2, axis=0)[::2]
    for given in (x.tolist(), double, np.ma.array(x)):
        assert abs(compiled.loss_and_gradient(parameters, given, y)[0] - wanted) < 1e-14
    whole = (10 * x).astype(int)
    assert (compiled.forward(parameters, whole).z == rnn_lit.forward(parameters, whole).z).all()


def test_bad_input_gets_the_plain_errors():
    parameters, x, y, a_0 = problem(5, None, 3, 2, 1)
    hole = x.copy()
    hole[3, 1] = np.nan
    gap = y.copy()
    gap[2] = np.inf
    bad = parameters._replace(b_a=np.full(3, np.nan))
    states = rnn_lit.forward(parameters, x)
    for arguments, told in (
        ((parameters, hole, y), "x holds nan at index"),
        ((parameters, x, gap), "y holds inf at index"),
        ((bad, x, y), "b_a holds nan"),
        ((parameters, x, y[:-1]), "y has shape"),
        ((parameters, x[:0], y[:0]), "x has shape"),
        ((parameters[:4], x, y), "parameters holds 4 arrays"),
        ((parameters, x, y, a_0[:-1]), "a_0 has shape"),
        ((parameters, x, y, None, softmax), "g_1 is softmax"),
        ((parameters, x, y, None, tanh, softmax), "g_2 is softmax"),
    ):
        with pytest.raises(ValueError, match=told):
            compiled.loss_and_gradient(*arguments)
    with pytest.raises(ValueError, match="x holds nan"):
        compiled.forward(parameters, hole)
    with pytest.raises(ValueError, match="e has shape"):
        compiled.backward(parameters, x, states, y[:-1])


def test_nothing_is_changed_in_place():
    parameters, x, y, a_0 = problem(5, 40, 3, 2, 1)
    arrays = [*parameters, x, y, a_0]
    before = [array.copy() for array in arrays]
    compiled.loss_and_gradient(parameters, x, y, a_0)
    states = compiled.forward(parameters, x, a_0)
    kept = [array.copy() for array in states]
    compiled.backward(parameters, x, states, y, r=a_0)
    assert all((u == v).all() for u, v in zip(arrays, before, strict=True))
    assert all((u == v).all() for u, v in zip(states, kept, strict=True))


def test_the_rules_leave_no_product_and_no_activation_by_its_name():
    loops = {
        rnn_lit.forward_steps: ["_add_product(z[t], a[t], W_aa_T)", "_put(a[t + 1], z[t])"],
        rnn_lit.backward_steps: [
            "_add(delta[t], r)",
            "_scale(delta[t], z[t], a[t + 1])",
            "_put_product(r, delta[t], W_aa)",
        ],
    }
    for function, body in loops.items():
        text = rewritten(function)
        inner = text[text.index("for t in") :].splitlines()[1 : len(body) + 1]
        assert [line.strip() for line in inner] == body
    for function in (rnn_lit.forward, rnn_lit.backward, mean_squared_error):
        code = rewritten(function).split('"""')[2]
        assert "@" not in code and "g_1" not in code and ".f(" not in code


def counts_down(delta, r):
    delta -= r


def sums_columns(delta):
    return delta.sum(axis=1)


def sums_differences(x, y):
    return (x - y).sum()


@pytest.mark.parametrize("function", [counts_down, sums_columns, sums_differences])
def test_an_operation_without_a_rule_is_refused(function):
    with pytest.raises(NotImplementedError, match="no rule for"):
        rewritten(function)


def test_the_machine_code_is_kept():
    """A second process finds it: the kernel's cache reports a hit and no miss."""
    script = """
import numpy as np, rnn_lit
from rnn_lit import compiled
from rnn_lit.kernels import kernels
parameters = rnn_lit.initialise(2, 1, 1, np.random.default_rng(0))
compiled.loss_and_gradient(parameters, np.ones((3, 1)), np.ones((3, 1)))
kernel = kernels(rnn_lit.tanh, rnn_lit.identity, np.dtype(float)).loss_and_gradient
print(len(kernel.stats.cache_hits), len(kernel.stats.cache_misses))
"""
    answers = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert answers[1].split() == ["1", "0"]


def test_without_numba_the_plain_functions_work_and_the_compiled_say_what_is_missing():
    script = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "numba":
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import numpy as np
import rnn_lit
from rnn_lit import compiled
parameters = rnn_lit.initialise(2, 1, 1, np.random.default_rng(0))
x = np.ones((3, 1))
rnn_lit.loss_and_gradient(parameters, x, x)
for call in (compiled.loss_and_gradient, lambda p, x, y: compiled.forward(p, x)):
    try:
        call(parameters, x, x)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (
        done.stdout.splitlines()
        == ['rnn_lit.compiled needs Numba: pip install "rnn_lit[fast]"'] * 2
    ), done.stderr


def test_importing_the_package_does_not_bring_numba():
    script = "import sys, rnn_lit, rnn_lit.compiled; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_plain_names_stay_plain():
    assert rnn_lit.forward is rnn_lit.model.forward
    assert rnn_lit.loss_and_gradient is rnn_lit.bptt.loss_and_gradient
