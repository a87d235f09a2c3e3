"""The compiled functions return what the plain ones do, and leave to those what they cannot do."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import rnn_lit
from rnn_lit import compiled
from rnn_lit.activations import (
    ACTIVATIONS,
    Activation,
    identity,
    sigmoid,
    sine,
    softmax,
    softplus,
    tanh,
)
from rnn_lit.loss import mean_squared_error, softmax_cross_entropy
from rnn_lit.model import Parameters, initialise

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


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [g.name for g in ACTIVATIONS.values() if g.df])
def test_every_activation_agrees(name, dtype):
    for size in SHAPES[:4]:
        compare(size, dtype, ACTIVATIONS[name], ACTIVATIONS[name])
    compare(SHAPES[4], dtype, ACTIVATIONS[name])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_activations_far_from_zero_agree(dtype):
    """Where tanh is flat and exponentials overflow or vanish."""
    for g in (tanh, sigmoid, softplus, sine):
        parameters, x, y, a_0 = problem(6, None, 4, 2, 1, dtype)
        x *= dtype(300)
        found, wanted = (m.forward(parameters, x, a_0, g) for m in (compiled, rnn_lit))
        assert np.isfinite(found.a).all()
        if g is not sine:  # of large arguments the last digits decide
            assert distance(found, wanted) < 10 * TOLERANCE[dtype]


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
    swapped = [w.astype(">f8") for w in (*parameters, x)]  # Numba takes no such bytes
    assert (compiled.forward(swapped[:5], swapped[5]).o == rnn_lit.forward(parameters, x).o).all()
    fixed = [w.copy() for w in (*parameters, x, y)]
    for array in fixed:
        array.flags.writeable = False
    again, gradient = compiled.loss_and_gradient(Parameters(*fixed[:5]), *fixed[5:])
    assert abs(again - wanted) < 1e-14
    whole = (10 * x).astype(int)
    assert (compiled.forward(parameters, whole).z == rnn_lit.forward(parameters, whole).z).all()


def test_no_layout_of_memory_compiles_the_loops_again():
    """To Numba a read-only array, or one by columns, is of another type."""
    from rnn_lit import _numba as loops

    parameters, x, y, a_0 = problem(6, 3, 4, 2, 1)
    wanted = compiled.loss_and_gradient(parameters, x, y, a_0)
    _, e = mean_squared_error(rnn_lit.forward(parameters, x, a_0), y)
    known = [list(loop.signatures) for loop in (loops.forward_loop, loops.backward_loop)]
    for change in (np.copy, np.asfortranarray):
        *theta, x_1, y_1, start, e_1 = (change(v) for v in (*parameters, x, y, a_0, e))
        states = rnn_lit.States(*map(change, rnn_lit.forward(parameters, x, a_0)))
        for array in (*theta, x_1, y_1, start, e_1, *states):
            array.flags.writeable = False
        theta = Parameters(*theta)
        found = compiled.loss_and_gradient(theta, x_1, y_1, start)
        assert abs(found[0] - wanted[0]) < 1e-14 and distance(found[1], wanted[1]) < 1e-13
        gradient, _ = compiled.backward(theta, x_1, states, e_1)
        assert distance(gradient, wanted[1]) < 1e-13
    assert known == [list(loop.signatures) for loop in (loops.forward_loop, loops.backward_loop)]


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


SCRIPT = """
import json, numpy as np, rnn_lit
from rnn_lit import _numba, compiled
parameters = rnn_lit.initialise(3, 1, 1, np.random.default_rng(0))
x = np.linspace(-1, 1, 8)[:, None]
L, gradient = compiled.loss_and_gradient(parameters, x, x)
wanted, other = rnn_lit.loss_and_gradient(parameters, x, x)
assert abs(L - wanted) < 1e-14 and abs(gradient.W_aa - other.W_aa).max() < 1e-14
found = [_numba.forward_loop.stats, _numba.backward_loop.stats]
print(json.dumps([
    [sum(s.cache_hits.values()), sum(s.cache_misses.values()), s.cache_path is not None]
    for s in found
]))
"""


def run(script, **variables):
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **variables}, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_second_process_finds_the_machine_code(tmp_path):
    for wanted in ([0, 1, True], [1, 0, True]):
        assert json.loads(run(SCRIPT, NUMBA_CACHE_DIR=str(tmp_path))) == [wanted] * 2


def test_where_no_folder_can_be_written_nothing_is_kept(tmp_path):
    """Also for the superuser: a file stands where each folder would have to be made."""
    package = Path(rnn_lit.__file__).parent
    shutil.copytree(package, tmp_path / "rnn_lit", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "rnn_lit" / "__pycache__").write_text("no folder")
    nowhere = str(tmp_path / "rnn_lit" / "__pycache__" / "below")
    variables = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), nowhere)
    told = run(SCRIPT, PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1", **variables)
    assert json.loads(told) == [[0, 1, False]] * 2


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
        == ['rnn_lit.compiled needs Numba and SciPy: pip install numba scipy, or in a checkout '
            'pip install ".[fast]"'] * 2
    ), done.stderr


def test_importing_the_package_does_not_bring_numba():
    script = "import sys, rnn_lit, rnn_lit.compiled; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_plain_names_stay_plain():
    assert rnn_lit.forward is rnn_lit.model.forward
    assert rnn_lit.loss_and_gradient is rnn_lit.bptt.loss_and_gradient
