"""A table of public functions against what people pass: a right result, or an error that names it.

Each way in gets each hostile array where it wants numbers. It may refuse it by a ValueError or
TypeError that names the argument, or return what the same numbers give as plain float64; it may
not fail otherwise, not run on with a NaN, and not change what it was given.
"""

import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from rnn_lit import Forecaster, Parameters, initialise
from rnn_lit._search import hessian, join, minimise, polish, separate, side_by_side
from rnn_lit._series import lagged
from rnn_lit.equation import (
    canonical_form,
    components,
    digits_needed,
    fixed_point,
    half_units,
    in_units,
    linearise,
    nested,
    rearrange,
    rounded,
    rounding_bound,
    sensitivity,
)
from rnn_lit.training import flatten

S = 10 + np.sin(0.5 * np.arange(40)) + 0.3 * np.cos(1.1 * np.arange(40))
LATER = 10 + np.sin(0.5 * np.arange(40, 60))
P = initialise(1, 2, 1, np.random.default_rng(0))
P = P._replace(b_a=np.array([0.2]), b_y=np.array([0.4]))
THETA = flatten(P)
X, Y = lagged((S - S.mean()) / S.std(), 2)
X = X[:-1]


def forecaster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Forecaster(1, lags=2, penalty=1e-2, starts=1, rounds=15).fit(S)


FITTED = forecaster()


def quietly(function):
    def call(value):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return function(value)

    return call


def parameter(name, use):
    """A way in that gives one of the arrays of Parameters."""
    return lambda value: use(P._replace(**{name: value}))


def fitted_again(series, **settings):
    f = Forecaster(1, lags=2, penalty=1e-2, starts=1, rounds=15, **settings).fit(series)
    return f.predict(2)


def quadratic(theta):
    return (theta**2).sum(axis=1), 2 * theta


# The way in: (the function of one array, good values for it, how an error may name it)
WAYS = {
    "fit": (fitted_again, S, "series"),
    "fit, with a season": (lambda v: fitted_again(v, season=4), S, "series"),
    "fit, of logarithms": (lambda v: fitted_again(v, power=0), S, "series"),
    "fit, any power": (lambda v: fitted_again(v, power=None), S, "series"),
    "one_step": (FITTED.one_step, LATER, "series"),
    "horizon": (lambda v: FITTED.horizon(v, 2), LATER, "series"),
    "predict": (lambda v: FITTED.predict(2, series=v), LATER, "series"),
    "score": (FITTED.score, LATER, "series"),
    "update": (lambda v: forecaster().update(v).predict(2), LATER, "values"),
    "lagged": (lambda v: lagged(v, 2)[0], LATER, "series"),
    "join": (lambda v: flatten(join(v, 1, 2)), THETA[None], "theta"),
    "side_by_side, theta": (lambda v: side_by_side(v, 1, X, Y, 0.1)[1], THETA[None], "theta|[Wb]_"),
    "side_by_side, x": (lambda v: side_by_side(THETA[None], 1, v, Y, 0.1)[1], X, "x|y"),
    "side_by_side, y": (lambda v: side_by_side(THETA[None], 1, X, v, 0.1)[1], Y, "y"),
    "minimise": (lambda v: minimise(quadratic, v, 5).theta, THETA[None], "theta"),
    "hessian": (lambda v: hessian(v, 1, X, Y, 0.1), THETA, "theta"),
    "polish": (lambda v: polish(v, 1, X, Y, 1.0)[0], THETA, "theta"),
    "in_units": (parameter("W_ax", lambda p: in_units(p, 1.0, 2.0).W_ax), P.W_ax, "W_ax"),
    "canonical_form": (parameter("W_ya", lambda p: canonical_form(p).W_aa), P.W_ya, "W_ya|W_aa"),
    "components": (parameter("b_a", lambda p: str(components(p, 3))), P.b_a, "b_a"),
    "nested": (parameter("W_aa", lambda p: str(nested(p, 3))), P.W_aa, "W_aa"),
    "rounded": (parameter("W_ax", lambda p: rounded(p, 3).W_ax), P.W_ax, "W_ax"),
    "half_units": (parameter("W_ax", lambda p: half_units(p, 3)), P.W_ax, "W_ax"),
    "rearrange": (parameter("W_ax", lambda p: rearrange(p, [0], [-1]).W_ax), P.W_ax, "W_ax"),
    "sensitivity": (lambda v: sensitivity(P, v), X, "x"),
    "rounding_bound": (lambda v: rounding_bound(P, v, 3), X, "x"),
    "digits_needed": (lambda v: digits_needed(P, v, 1e-3), X, "x"),
    "fixed_point": (parameter("b_y", lambda p: fixed_point(p, 0.0)[0]), P.b_y, "b_y"),
    "linearise": (parameter("b_a", lambda p: linearise(p, 0.0).phi), P.b_a, "b_a"),
    "separate": (parameter("b_a", separate), P.b_a, "b_a|W_aa"),
}


def put(value):
    def change(good):
        bad = np.array(good, dtype=np.float64)
        bad.flat[bad.size // 2] = value
        return bad

    return change


REFUSED = {
    "nan": put(np.nan),
    "inf": put(np.inf),
    "-inf": put(-np.inf),
    "empty": lambda good: np.zeros((0,) * good.ndim),
    "a rank more": lambda good: good[..., None],
    "no rank": lambda good: np.float64(1.0),
    "strings": lambda good: good.astype(str),
    "a string": lambda good: "many numbers",
    "nothing": lambda good: None,
    "objects": lambda good: np.full(good.shape, object()),
    "None inside": lambda good: np.where(np.arange(good.size).reshape(good.shape), good, None),
    "masked": lambda good: np.ma.masked_equal(good, good.flat[0]),
    "dates": lambda good: good.astype("datetime64[s]"),
    "ragged": lambda good: [[1.0, 2.0], [3.0]],
}
SAME = {
    "read-only": lambda good: _frozen(good.copy()),
    "Fortran order": np.asfortranarray,
    "backwards": lambda good: np.flip(np.flip(good).copy()),
    "every other": lambda good: np.repeat(good, 2, axis=0)[::2],
    "a list": lambda good: good.tolist(),
    "other byte order": lambda good: good.astype(good.dtype.newbyteorder()),
    "unmasked": lambda good: np.ma.masked_array(good, mask=False),
}
# Lists are for series; the network's own functions want arrays, as chapter 1 says.
SERIES = ("fit", "one_step", "horizon", "predict", "score", "update", "lagged")


def _frozen(array):
    array.flags.writeable = False
    return array


def _copy(value):
    return value.copy() if isinstance(value, np.ndarray) else value


def same(a, b):
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return np.array_equal(np.asarray(a, float), np.asarray(b, float), equal_nan=True)


@pytest.mark.parametrize("hostile", REFUSED)
@pytest.mark.parametrize("name", WAYS)
def test_what_cannot_be_right_is_refused_by_name(name, hostile):
    use, good, wanted = WAYS[name]
    if name == "predict" and hostile == "nothing":  # stands for the fitted series
        return
    value = REFUSED[hostile](good)
    before = _copy(value)
    if name in PASSES_ON.get(hostile, ()):
        quietly(use)(value)
    else:
        with pytest.raises((ValueError, TypeError)) as caught:
            quietly(use)(value)
        told = str(caught.value)
        # What an object is, chapter 1 leaves to its own arithmetic.
        own = hostile == "objects" and type(caught.value) is TypeError
        assert own or re.match(rf"(the )?({wanted})\b", told), told
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        assert np.array_equal(value, before, equal_nan=True)


#: Functions that only move numbers about give back what they got.
PASSES_ON = {
    hostile: ("lagged", "join", "separate")
    for hostile in ("nan", "inf", "-inf", "objects", "None inside")
} | dict.fromkeys(("strings", "dates"), ("lagged",))


@pytest.mark.parametrize("hostile", SAME)
@pytest.mark.parametrize("name", WAYS)
def test_the_same_numbers_in_other_memory_give_the_same(name, hostile):
    use, good, _ = WAYS[name]
    value = SAME[hostile](good)
    before = _copy(value)
    result, wanted = quietly(use)(value), quietly(use)(good)
    if not same(result, wanted):  # other strides may be summed in another order
        assert np.allclose(np.asarray(result, float), np.asarray(wanted, float), 1e-9, 1e-9, True)
    assert np.array_equal(np.asarray(value), np.asarray(before))


@pytest.mark.parametrize("name", [n for n in SERIES if n != "lagged"])
@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_huge_and_tiny_series_are_series(name, factor):
    if name == "fit":
        small = quietly(fitted_again)(S * factor)
        assert np.allclose(small / factor, quietly(fitted_again)(S), rtol=1e-6)
        return
    use, good, _ = WAYS[name]
    assert not np.isnan(np.ravel(quietly(use)(good * factor))[-1])  # a score may be -inf


@pytest.mark.parametrize("name", [n for n in SERIES if n != "lagged"])
def test_whole_numbers_fractions_and_columns_are_series(name):
    use, good, _ = WAYS[name]
    whole = np.round(8 * good)
    wanted = np.asarray(quietly(use)(whole), float)
    kinds = [whole.astype(int), whole.astype("uint64"), [Fraction(int(v)) for v in whole]]
    if name != "update":  # a Series has an index there, and the fit had none
        kinds += [pd.Series(whole), pd.Series(whole, dtype="Int64")]
    for kind in kinds:
        result = np.asarray(quietly(use)(kind), float)
        assert np.array_equal(result, wanted, equal_nan=True)


def test_every_public_name_of_these_modules_is_in_the_table_or_has_its_own_test():
    import rnn_lit
    from rnn_lit import _search, equation, forecast

    elsewhere = {"Forecast", "Minimum", "Linearised", "linear", "one_output", "fitting"}
    # What Forecaster's methods call:
    elsewhere |= {"in_form", "search_all", "evaluator", "random_starts"}
    named = {name.split(",")[0] for name in WAYS} | {"Forecaster"} | elsewhere
    for module in (_search, forecast, equation):
        assert set(module.__all__) <= named, set(module.__all__) - named
    assert rnn_lit.Parameters is Parameters
