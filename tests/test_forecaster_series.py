"""What a series may hold: masks, missing values, objects, columns of pandas, every scale."""

import copy
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from rnn_lit import Forecaster
from rnn_lit._series import (
    check_series,
    index_of,
    lagged,
    powered,
    steps_between,
    unpowered,
)

K = dict(penalty=1e-3, starts=1, rounds=60)
S = 10 + np.sin(0.5 * np.arange(60))
# A user is told of the search, and of nothing else that goes on inside.
pytestmark = pytest.mark.filterwarnings("error", "ignore:the search")


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(2, **K).fit(S)


def uses(forecaster):
    """Every way in for a series, by name."""
    return {
        "fit": lambda series: Forecaster(2, **K).fit(series),
        "one_step": forecaster.one_step,
        "horizon": lambda series: forecaster.horizon(series, 2),
        "predict": lambda series: forecaster.predict(2, series=series),
        "score": forecaster.score,
        "update": copy.deepcopy(forecaster).update,
    }


WAYS = ("fit", "one_step", "horizon", "predict", "score", "update")


@pytest.mark.parametrize("way", WAYS)
def test_masked_values_are_refused_and_an_empty_mask_is_not(fitted, way):
    """Of sherpa#695: the numbers under a mask are no data."""
    masked = np.ma.masked_equal(np.where(np.arange(60) == 7, 1e6, S), 1e6)
    with pytest.raises(ValueError, match=r"has a masked value at position 7, wanted a number"):
        uses(fitted)[way](masked)
    uses(fitted)[way](np.ma.masked_array(S, mask=False))
    with pytest.raises(ValueError, match="series has masked values"):
        lagged(masked, 2)


BAD = [
    (np.where(np.arange(60) == 9, np.nan, S), "holds nan at position 9, wanted finite numbers"),
    (np.where(np.arange(60) == 9, -np.inf, S), "holds -inf at position 9, wanted finite numbers"),
    ([*S[:20], None, *S], "holds a missing value at position 20"),
    (pd.Series([*S[:20], None, *S], dtype="Float64"), "holds (a missing value|nan) at position 20"),
    (pd.array([1, 2, None] * 20, dtype="Int64"), "holds (a missing value|nan) at position 2"),
    ([10**400] * 20, "holds a number at position 0 that is too large"),
    ([*S, Fraction(10**400)], "holds a number at position 60 that is too large"),
    ([*S, "7"], "holds '7' at position 60, wanted real numbers|wanted real numbers"),
    ([*S[:-1], 1 + 2j], "wanted real numbers"),
    (np.array([*S, True], dtype=object), "holds True at position 60, wanted real numbers"),
    (S > 10, "wanted real numbers"),
    (pd.date_range("2000", periods=60), "wanted real numbers"),
    (pd.DataFrame({"a": S}), r"has shape \(60, 1\), wanted one dimension"),
    (S.reshape(60, 1), r"has shape \(60, 1\), wanted one dimension"),
    ([[1.0, 2.0], [3.0]], "rows of different lengths|wanted one dimension"),
    ("0123456789012345", "wanted one dimension"),
    (None, "wanted one dimension"),
    ({"a": 1.0}, "wanted one dimension"),
    (iter(S), "wanted one dimension"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("series, message", BAD)
def test_what_is_no_series_of_numbers_is_refused_everywhere(fitted, way, series, message):
    if way == "predict" and series is None:  # stands for the fitted one
        return
    with pytest.raises(ValueError, match=f"(series|values) .*({message})"):
        uses(fitted)[way](series)


@pytest.mark.parametrize(
    "same",
    [
        S.tolist(),
        tuple(S),
        S.astype(object),
        [Fraction(v) for v in S],
        [Decimal(float(v)) for v in S],
        S.astype(np.longdouble),
        np.asfortranarray(np.stack([S, S], 1))[:, 0],
        S[::-1].copy()[::-1],
        pd.array(S, dtype="Float64"),
        np.ma.masked_array(S, mask=False),
    ],
)
def test_the_same_numbers_in_another_dress_give_the_same_fit(fitted, same):
    again = Forecaster(2, **K).fit(same)
    assert np.array_equal(again.predict(4), fitted.predict(4))


@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "Float32", "int64[pyarrow]", "uint64"])
def test_columns_of_pandas_are_numbers(dtype):
    whole = np.round(3 * S)
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    series = pd.Series(whole).astype(dtype)
    ahead = Forecaster(1, **K).fit(series).predict(3)
    assert isinstance(ahead, pd.Series) and ahead.dtype == np.float64
    assert np.array_equal(ahead, Forecaster(1, **K).fit(whole).predict(3))


@pytest.mark.parametrize("factor", [1e-300, 1e-5, 1e300])
def test_no_scale_is_too_small_or_too_large(fitted, factor):
    f = Forecaster(2, **K).fit(S * factor)
    assert f.mean_ == pytest.approx(fitted.mean_ * factor, rel=1e-12)
    assert f.scale_ == pytest.approx(fitted.scale_ * factor, rel=1e-9)
    band, wanted = f.predict(3, interval=0.8), fitted.predict(3, interval=0.8)
    for part, other in zip(band, wanted):
        assert part / factor == pytest.approx(other, rel=1e-5)
    assert f.score(S * factor) == pytest.approx(fitted.score(S), abs=1e-5)


def test_a_series_far_from_zero_is_not_constant():
    far, near = (
        Forecaster(1, penalty=0.1, starts=3, rounds=500).fit(s + S) for s in (1e12, 0)
    )
    assert far.scale_ == pytest.approx(S.std(), rel=1e-3)
    assert far.predict(3) - 1e12 == pytest.approx(near.predict(3), abs=0.01)
    with pytest.raises(ValueError, match="series varies only in the rounding of its values"):
        Forecaster(1).fit(1e16 + 2 * (np.arange(60) % 2))
    for constant in (np.zeros(50), np.full(50, 0.1), np.full(50, 1e300), np.full(50, 5e-324)):
        with pytest.raises(ValueError, match="series is constant"):
            Forecaster(1).fit(constant)


def test_a_power_that_leaves_the_numbers_is_told():
    with pytest.raises(ValueError, match="too large for power 2"):
        Forecaster(1, power=2.0).fit(S * 1e200)
    with pytest.raises(ValueError, match="series is constant at power 3"):
        Forecaster(1, power=3.0).fit(S * 1e-200)


def test_the_series_of_the_caller_is_neither_kept_nor_changed():
    """Of pyflux#103: what happens to the caller's series later is no business of the fit."""
    index = pd.period_range("2000", periods=60, freq="Y", name="year")
    series = pd.Series(S, index=index, name="level")
    f = Forecaster(2, **K).fit(series)
    wanted = f.predict(2)
    series.loc[index[-1] + 1] = 77.0
    series.name, series.index.name = "other", "other"
    assert f.predict(2).equals(wanted)
    assert (f.predict(2).name, f.predict(2).index.name) == ("level", "year")
    array = S.copy()
    f = Forecaster(2, **K).fit(array)
    wanted = f.predict(2)
    array[:] = 0
    assert np.array_equal(f.predict(2), wanted)
    with pytest.raises(ValueError, match="read-only"):
        f.series_[0] = 1.0


def test_read_only_memory_is_enough(fitted):
    kept = S.copy()
    kept.flags.writeable = False
    assert np.array_equal(Forecaster(2, **K).fit(kept).predict(2), fitted.predict(2))
    assert np.array_equal(fitted.one_step(kept), fitted.one_step(S), equal_nan=True)


@pytest.mark.parametrize(
    "index, other, steps",
    [
        (pd.RangeIndex(10, 30, 2), pd.RangeIndex(16, 30, 2), 3),
        (pd.Index([1.0, 1.5, 2.0]), pd.Index([0.5, 1.0, 1.5]), -1),
        (pd.period_range("2001-01", periods=9, freq="M"),
         pd.period_range("2002-03", periods=4, freq="M"), 14),
        (pd.date_range("2001-01-01", periods=9, freq="MS"),
         pd.date_range("2000-11-01", periods=4, freq="MS"), -2),
        (pd.date_range("2001-01-01", periods=9, freq="MS"),
         pd.date_range("2001-01-01", periods=4, freq="MS"), 0),
        (pd.timedelta_range("1h", periods=9, freq="h"),
         pd.timedelta_range("6h", periods=4, freq="h"), 5),
        (pd.RangeIndex(10), pd.date_range("2001-01-01", periods=4, freq="MS"), 0),
        (None, pd.RangeIndex(3, 9), 0),
        (pd.RangeIndex(10), None, 0),
        (pd.RangeIndex(0), pd.RangeIndex(3, 9), 0),
    ],
)  # fmt: skip
def test_steps_from_one_start_to_another(index, other, steps):
    assert steps_between(index, other) == steps


def test_the_season_of_another_series_is_that_of_its_dates():
    """From wherever a series starts, its end is forecast alike."""
    index = pd.period_range("2001-01", periods=96, freq="M")
    months = np.resize([5.0, 1.0, 2.0, 7.0, 3.0, 9.0, 4.0, 0.0, 8.0, 6.0, 2.5, 1.5], 96)
    noise = 0.1 * np.random.default_rng(2).standard_normal(96)
    s = pd.Series(months + noise, index)
    f = Forecaster(1, linear=1, season=12, penalty=1e6, starts=1, rounds=20).fit(s)
    whole = f.predict(12, series=s)
    for start in (1, 5, 14):
        later = f.predict(12, series=s[start:])
        assert later.to_numpy() == pytest.approx(whole.to_numpy(), abs=1e-6)


def test_a_root_takes_zeros_and_a_logarithm_takes_none():
    values = np.resize([0.0, 1.0, 4.0], 60)
    assert np.array_equal(check_series(values, 10, 0.5), values)
    with pytest.raises(ValueError, match="series holds 0.0 at position 0, wanted no .* zero"):
        check_series(values, 10, 0)
    for power in (0, 0.5, 2):
        with pytest.raises(ValueError, match="series holds -1.0 at position 2, wanted no negative"):
            check_series([1.0, 2.0, -1.0, *range(1, 20)], 10, power)


def test_powers_and_the_way_back():
    values = np.array([0.25, 1.0, 7.0])
    assert powered(values, 0) == pytest.approx([np.log(0.25), 0, np.log(7)])
    assert powered(values, 0.5) == pytest.approx([0.5, 1, np.sqrt(7)])
    for power in (0, 0.5, 1, 2):
        assert unpowered(powered(values, power), power) == pytest.approx(values)
    assert unpowered(np.array([-1.0]), 0.5) == 0 and unpowered(np.array([-1.0]), 0) < 0.37


def test_one_value_shows_no_spacing():
    with pytest.raises(ValueError, match="gaps or without a frequency"):
        index_of(pd.Series([1.0], [5]))
