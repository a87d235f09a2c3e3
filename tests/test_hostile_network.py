"""The table of tests/test_hostile_input.py, continued for the network, its gradients and training.

Each way in gets each hostile array. It refuses it by an error that names the argument, or returns
what the same numbers give as plain float64; what it was given stays as it was.
"""

import importlib
import pkgutil
import re

import numpy as np
import pandas as pd
import pytest
from test_hostile_input import REFUSED, SAME, WAYS, put, quietly

import rnn_lit
from rnn_lit import (
    Parameters,
    clip,
    compiled,
    forward,
    identity,
    initialise,
    jacobian_product_gradient,
    mean_squared_error,
    objective,
    sigmoid,
    sine,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
    train,
)
from rnn_lit.bptt import backward_in_pieces
from rnn_lit.gradients import (
    checkpointed_gradient,
    jacobian_product,
    newton_forward,
    newton_step,
    scan,
    scan_backward,
    truncated_gradient,
)
from rnn_lit.training import flatten, unflatten, without_first

RNG = np.random.default_rng(0)
P = initialise(2, 3, 2, RNG)._replace(b_a=np.array([0.2, -0.1]), b_y=np.array([0.4, 0.3]))
X, Y, A_0 = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2)), RNG.standard_normal(2)
S = forward(P, X, A_0)
E = mean_squared_error(S, Y)[1]
CLASSES = np.eye(2)[[0, 1, 1, 0, 1]]
PARAMETERS = Parameters._fields


def numbers(result):
    """All numbers of a result in one row, whatever tuples they lie in."""
    if isinstance(result, tuple):
        return np.concatenate([numbers(part) for part in result])
    return np.ravel(np.asarray(result, float))


def ways(name, use, *fields):
    """Ways into a function of the parameters, x, y, a_0 and what else is named."""
    good = dict(P._asdict(), x=X, y=Y, a_0=A_0, z=S.z, a=S.a, o=S.o, e=E, r=A_0)

    def way(field):
        def call(value):
            given = {**good, field: value}
            given["p"] = Parameters(*(given[w] for w in PARAMETERS))
            given["s"] = S._replace(z=given["z"], a=given["a"], o=given["o"], y_hat=given["o"])
            return numbers(use(given))

        return call, good[field], field

    return {f"{name}, {field}": way(field) for field in fields}


def trained(g, **options):
    settings = dict(rounds=2, eta=0.01, a_0=g["a_0"]) | options
    return train(g["p"], g["x"], g["y"], **settings).losses


SWEPT = (*PARAMETERS, "x", "z", "a", "e", "r")
LOSSES = (*PARAMETERS, "x", "y", "a_0")
NETWORK = {}
for plain in (rnn_lit, compiled):
    at = "" if plain is rnn_lit else "compiled."
    NETWORK |= ways(
        f"{at}forward",
        lambda g, f=plain.forward: f(g["p"], g["x"], g["a_0"]),
        *(*PARAMETERS, "x", "a_0"),
    )
    NETWORK |= ways(
        f"{at}backward",
        lambda g, f=plain.backward: f(g["p"], g["x"], g["s"], g["e"], tanh, g["r"]),
        *SWEPT,
    )
    NETWORK |= ways(
        f"{at}loss_and_gradient",
        lambda g, f=plain.loss_and_gradient: f(g["p"], g["x"], g["y"], g["a_0"]),
        *LOSSES,
    )
for function in (jacobian_product_gradient, objective):
    NETWORK |= ways(
        function.__name__,
        lambda g, f=function: f(g["p"], g["x"], g["y"], g["a_0"]),
        *LOSSES,
    )
for function in (truncated_gradient, checkpointed_gradient):
    NETWORK |= ways(
        function.__name__,
        lambda g, f=function: f(g["p"], g["x"], g["y"], 2, g["a_0"]),
        *LOSSES,
    )
NETWORK |= ways(
    "backward_in_pieces",
    lambda g: backward_in_pieces(g["p"], g["x"], g["s"], g["e"], tanh, g["r"], 2),
    *SWEPT,
)
NETWORK |= ways(
    "scan_backward",
    lambda g: scan_backward(g["p"], g["x"], g["s"], g["e"], tanh, g["r"]),
    *SWEPT,
)
NETWORK |= ways(
    "newton_forward",
    lambda g: newton_forward(g["p"], g["x"], g["a_0"])[0],
    *(*PARAMETERS, "x", "a_0"),
)
NETWORK |= ways("newton_step", lambda g: newton_step(g["p"], g["x"], g["a"]), "W_aa", "x", "a")
NETWORK |= ways("mean_squared_error", lambda g: mean_squared_error(g["s"], g["y"]), "y")
NETWORK["mean_squared_error, o"] = (
    lambda v: numbers(mean_squared_error(S._replace(o=v, y_hat=v), Y)),
    S.o,
    "o|y",
)
NETWORK |= ways(
    "without_first", lambda g: without_first(mean_squared_error, 1)(g["s"], g["y"], identity), "y"
)
NETWORK |= ways("train", trained, *LOSSES)
NETWORK |= ways("clip", lambda g: clip(g["p"], 0.5), *PARAMETERS)
NETWORK |= ways("flatten", lambda g: flatten(g["p"]), *PARAMETERS)
NETWORK["train, validation x"] = (
    lambda v: trained(dict(p=P, x=X, y=Y, a_0=A_0), validation=(v, Y)),
    X,
    "the validation stretch's x|x",
)
NETWORK["train, validation y"] = (
    lambda v: trained(dict(p=P, x=X, y=Y, a_0=A_0), validation=(X, v)),
    Y,
    "the validation stretch's y|y",
)
NETWORK["softmax_cross_entropy, o"] = (
    lambda v: numbers(softmax_cross_entropy(S._replace(o=v), CLASSES)),
    S.o,
    "o|y",
)
NETWORK["softmax_cross_entropy, y"] = (
    lambda v: numbers(softmax_cross_entropy(S, v)),
    CLASSES,
    "y",
)
NETWORK["unflatten, vector"] = (lambda v: numbers(unflatten(v, P)), flatten(P), "vector")
NETWORK["jacobian_product, W_aa"] = (lambda v: jacobian_product(v, S.z, 4, 1), P.W_aa, "W_aa|d")
NETWORK["jacobian_product, d"] = (lambda v: jacobian_product(P.W_aa, v, 4, 1), S.z, "W_aa|d")
M = RNG.standard_normal((5, 2, 2))
NETWORK["scan, M"] = (lambda v: scan(v, S.z, A_0), M, "M|c|start")
NETWORK["scan, c"] = (lambda v: scan(M, v, A_0), S.z, "M|c|start")
NETWORK["scan, start"] = (lambda v: scan(M, S.z, v), A_0, "M|c|start")


NOT_FINITE = ("nan", "inf", "-inf")
OTHER_SHAPES = ("empty", "a rank more", "no rank")
#: What a sweep is given it has not checked to be finite, so that a training sees it diverge: NaN
#: and infinity go on into the result, as through the functions that only move numbers about.
SWEEPS = ("backward", "compiled.backward", "backward_in_pieces", "scan_backward", "scan")
PASSES_ON = dict.fromkeys((*SWEEPS, "jacobian_product"), NOT_FINITE) | {
    "jacobian_product, d": ("None inside",),  # of a time outside the product
    "flatten": (*NOT_FINITE, *OTHER_SHAPES, "nothing", "None inside"),
    "unflatten": (*NOT_FINITE, "None inside"),
    "clip": OTHER_SHAPES,  # its entries in any shape
    "mean_squared_error, o": NOT_FINITE,
    "softmax_cross_entropy, o": NOT_FINITE,
    "without_first": ("masked", "None inside"),  # in the step that does not count
}
UNUSED = ("W_ax", "b_a", "b_y", "z", "x")  # by a sweep, or where the slope of tanh is a's


def passes_on(name, hostile):
    function, _, field = name.partition(", ")
    if hostile == "nothing" and field in ("a_0", "r"):  # stands for zeros
        return True
    if hostile in ("objects", "None inside") and function in SWEEPS and field in UNUSED:
        return True
    return hostile in PASSES_ON.get(function, ()) + PASSES_ON.get(name, ())


def refused(name, hostile):
    """What is wrong with the answer to a hostile array; None if nothing."""
    use, good, wanted = NETWORK[name]
    value = REFUSED[hostile](good)
    before = value.copy() if isinstance(value, np.ndarray) else value
    try:
        result = quietly(use)(value)
    except (ValueError, TypeError) as error:
        told = re.sub(r"^in the chunk that starts with row \d+: ", "", str(error))
        # What an object is, chapter 1 leaves to its own arithmetic.
        own = hostile in ("objects", "None inside") and type(error) is TypeError
        named = re.match(rf"(the |gradient's )*({wanted})'?s? (has|holds|is) ", told)
        if not (own or named or told.endswith(f"steps of {wanted}")):
            return told
    except Exception as error:
        return repr(error)
    else:
        if not passes_on(name, hostile):
            return f"gives {result}"
        if hostile in NOT_FINITE:  # it is seen, or it was not needed
            size = abs(np.asarray(result, float)).max()
            if size < 1e300 and not np.array_equal(result, use(good)):
                return f"gives {result}"
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        if not np.array_equal(value, before, equal_nan=True):
            return "changed"
    return None


@pytest.mark.parametrize("name", NETWORK)
def test_what_cannot_be_right_is_refused_by_name(name):
    told = {hostile: refused(name, hostile) for hostile in REFUSED}
    assert not {hostile: wrong for hostile, wrong in told.items() if wrong}


KINDS = SAME | {
    "whole numbers": lambda good: np.round(8 * good).astype(int),
    "pandas": lambda good: pd.DataFrame(good) if good.ndim == 2 else pd.Series(good),
    "single precision": lambda good: good.astype(np.float32),
}


@pytest.mark.parametrize("name", NETWORK)
def test_the_same_numbers_in_other_memory_give_the_same(name):
    use, good, _ = NETWORK[name]
    for kind, change in KINDS.items():
        if kind == "pandas" and (good.ndim == 3 or name.endswith(", o")):
            continue  # `forward` returns arrays
        if kind == "whole numbers" and name == "softmax_cross_entropy, y":
            continue  # no probabilities
        value = change(good)
        before = value.copy() if hasattr(value, "copy") else value
        result = quietly(use)(value)
        wanted = quietly(use)(np.array(value, dtype=np.float64))
        near = 1e-6 if kind == "single precision" else 1e-12
        assert np.allclose(result, wanted, near, 1e-12), kind
        assert np.array_equal(np.asarray(value), np.asarray(before)), kind


@pytest.mark.parametrize("name", NETWORK)
def test_huge_and_tiny_numbers_are_numbers(name):
    use, good, _ = NETWORK[name]
    if name == "softmax_cross_entropy, y":  # probabilities are of one size
        return
    for factor in (1e-300, 1e-160):
        assert np.isfinite(quietly(use)(good * factor)).all()
    for factor in (1e160, 1e300):  # what overflows is told
        try:
            quietly(use)(good * factor)
        except (ValueError, FloatingPointError) as error:
            told = str(error)
            assert re.search("diverged|cannot start|overflows|holds -?(inf|nan)", told), told


@pytest.mark.parametrize(
    "g", [tanh, sigmoid, softplus, sine, identity, softmax], ids=lambda g: g.name
)
def test_activations_of_every_kind_of_number(g):
    z = np.array([[0.3, -2.0, 40.0, -700.0], [1e300, 0.0, -1e-300, 5.0]])
    limits = {tanh: (-1, 1), sigmoid: (0, 1), softmax: (0, 1), sine: (-1, 1)}
    before, plain = z.copy(), g.f(z)
    low, high = limits.get(g, (0 if g is softplus else -np.inf, np.inf))
    assert plain.shape == z.shape and (plain >= low).all() and (plain <= high).all()
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(g.f(z)).all()
    for kind in ("read-only", "Fortran order", "backwards", "every other"):
        assert np.allclose(g.f(SAME[kind](z)), plain, 1e-15, 0)
    assert np.allclose(g.f(z[:1].astype(np.float32)), plain[:1], 1e-6)
    with np.errstate(invalid="ignore"):
        assert np.isnan(g.f(put(np.nan)(z))).any()
    if g.df is not None:
        assert g.df(z, plain).shape == z.shape and np.isfinite(g.df(z, plain)).all()
    assert np.array_equal(z, before)


@pytest.mark.parametrize("name", ["n", "m", "k"])
@pytest.mark.parametrize("size", [0, -1, 2.0, np.nan, np.inf, "2", None, [2], np.array([2, 3])])
def test_a_size_is_a_whole_number(name, size):
    sizes = dict(n=2, m=1, k=1) | {name: size}
    with pytest.raises((ValueError, TypeError), match=rf"^{name} is "):
        initialise(**sizes, rng=np.random.default_rng(0))


#: Public names without numbers of their own to check, or whose files are.
ELSEWHERE = {
    "Activation", "ACTIVATIONS", "Parameters", "States", "History", "Forecast", "Minimum",
    "Linearised", "Loss",  # tuples, and a type
    "Diverged", "Interrupted",  # errors
    "Forecaster",  # by each of its methods
    "tanh", "sigmoid", "softplus", "sine", "identity", "softmax",  # in a test above
    "initialise",  # in a test above
    "fitting", "one_output", "linear", "in_form",  # of what `in_units` and `linearise` returned
    "forward_loop", "backward_loop",  # behind rnn_lit.compiled
    "forward_steps", "backward_steps",  # behind `forward` and `backward`
}  # fmt: skip
#: What checks the arguments of all others, and is not to be called by a user.
CHECKS = {
    "as_array", "no_number", "check_array", "common_type", "conform", "rows", "check_series",
    "check_count", "check_number", "check_numbers", "check_power", "check_penalty", "check_flag",
    "check_seed", "check_settings", "drawn_seed", "SETTINGS", "centre_and_scale", "index_of",
    "index_after", "index_extended", "series_like", "save_arrays", "load_arrays",
}  # fmt: skip


def public():
    """Every public name of the package, of its public modules and of the Forecaster."""
    yield from rnn_lit.__all__
    for module in pkgutil.walk_packages(rnn_lit.__path__, "rnn_lit."):
        if not any(part in module.name.split(".") for part in ("verify", "certify")):
            if not module.name.rpartition(".")[2].startswith("_"):
                yield from importlib.import_module(module.name).__all__
    settings = {"equation", "get_params", "set_params", "save", "load"}  # no series comes in
    yield from {name for name in vars(rnn_lit.Forecaster) if name[0].islower()} - settings


def test_every_public_name_is_in_a_table():
    tables = {name.partition(", ")[0].removeprefix("compiled.") for name in (*WAYS, *NETWORK)}
    missing = set(public()) - tables - ELSEWHERE - CHECKS
    assert not missing, f"in no table of hostile input: {sorted(missing)}"
