"""Dates: the index of a forecast continues the index of its series exactly, or is refused."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.offsets import BDay, CustomBusinessDay, DateOffset

from rnn_lit import Forecaster
from rnn_lit._series import index_after, index_of

K = dict(penalty=1e-3, starts=1, rounds=5)
S = 10 + np.sin(0.5 * np.arange(60))
pytestmark = pytest.mark.filterwarnings("error", "ignore:the search")
holidays = CustomBusinessDay(holidays=["2024-01-15", "2024-02-19", "2024-05-01"])
berlin = dict(tz="Europe/Berlin")

# Each is 64 values long: the first 60 are fitted, the last 4 are what must follow.
LONG = {
    "days": pd.date_range("2024-01-01", periods=64, freq="D"),
    "days in Berlin, into summer": pd.date_range("2024-02-20", periods=64, freq="D", **berlin),
    "days in Berlin, just before": pd.date_range("2024-01-31", periods=64, freq="D", **berlin),
    "days in Berlin, out of summer": pd.date_range("2024-08-29", periods=64, freq="D", **berlin),
    "hours across the change": pd.date_range("2024-03-29", periods=64, freq="h", **berlin),
    "business days": pd.bdate_range("2024-01-01", periods=64),
    "trading days": pd.date_range("2024-01-01", periods=64, freq=holidays),
    "month ends": pd.date_range("2000-01-31", periods=64, freq="ME"),
    "month starts": pd.date_range("2000-01-01", periods=64, freq="MS"),
    "last business day": pd.date_range("2000-01-31", periods=64, freq="BME"),
    "quarters": pd.date_range("2000-03-31", periods=64, freq="QE-MAR"),
    "years": pd.date_range("1940", periods=64, freq="YS"),
    "Sundays": pd.date_range("2024-01-07", periods=64, freq="W"),
    "every other Wednesday": pd.date_range("2024-01-03", periods=64, freq="2W-WED"),
    "months from 29 February": pd.date_range(
        "2000-02-29", periods=64, freq=DateOffset(months=1)
    ),
    "months from the 15th": pd.date_range("2000-01-15", periods=64, freq=DateOffset(months=1)),
    "milliseconds": pd.date_range("2024-01-01", periods=64, freq="250ms"),
    "periods of years": pd.period_range("1900", periods=64, freq="Y"),
    "periods of 3 months": pd.period_range("2000-01", periods=64, freq="3M"),
    "time gone by": pd.timedelta_range("0s", periods=64, freq="90s"),
    "days gone by": pd.timedelta_range("3 days", periods=64, freq="D"),
    "numbers": pd.RangeIndex(1900, 1964),
    "every tenth": pd.RangeIndex(5, 645, 10),
    "whole numbers": pd.Index(np.arange(64)),
    "unsigned": pd.Index(np.arange(64), dtype="uint64"),
    "small unsigned": pd.Index(np.arange(64), dtype="uint8"),
    "huge whole numbers": pd.Index(2**62 + 3 * np.arange(64)),
    "halves": pd.Index(np.arange(64) / 2),
    "tenths of seconds since 1970": pd.Index(1.7e9 + 0.1 * np.arange(64)),
    "nanometres": pd.Index(np.arange(64) * 1e-9),
    "falling": None,
}
UNEXPECTED = {"trading days"}  # no frequency can be seen in these


def check(index, following, series=S, same=True):
    f = Forecaster(1, linear=0, **K).fit(pd.Series(series, index=index, name="level"))
    for ahead in (f.predict(4), *f.predict(4, interval=0.5)):
        assert ahead.name == "level" and ahead.index.name == index.name
        assert type(ahead.index) is type(following) and ahead.index.dtype == index.dtype
        if following.dtype.kind == "f":
            assert np.allclose(ahead.index, following, rtol=1e-15, atol=0)
        else:
            assert ahead.index.equals(following)
        if same and getattr(following, "freq", None) is not None:
            assert ahead.index.freq == following.freq
    return f


@pytest.mark.parametrize("name", [name for name in LONG if LONG[name] is not None])
def test_a_forecast_continues_its_index(name):
    index = LONG[name].rename("when")
    check(index[:60], index[60:])


@pytest.mark.parametrize(
    "name", [n for n, i in LONG.items() if hasattr(i, "freq") and n not in UNEXPECTED]
)
def test_dates_of_no_stated_frequency_are_continued_too(name):
    index = LONG[name]
    if isinstance(index, pd.PeriodIndex):
        return
    bare = type(index)(index, freq=None).rename("when")
    assert bare.freq is None
    check(bare[:60], index[60:], same=False)


def test_what_follows_keeps_the_fitted_frequency():
    """Of pyflux#103: five business days in a row look like five days."""
    index = pd.DatetimeIndex(pd.bdate_range("2024-01-01", periods=120).to_numpy())
    series = pd.Series(10 + np.sin(0.5 * np.arange(120)), index=index)
    f = Forecaster(1, linear=0, **K).fit(series)
    for length in (2, 3, 5):
        ahead = f.predict(2, series=series[-length:])
        assert list(ahead.index) == [pd.Timestamp("2024-06-17"), pd.Timestamp("2024-06-18")]
    for name, bad in (("trading days", 50), ("months from 29 February", 30)):
        index = LONG[name]
        f = Forecaster(1, linear=0, **K).fit(pd.Series(S, index=index[:60]))
        bare = pd.DatetimeIndex(index[bad : bad + 6].to_numpy())
        ahead = f.predict(2, series=pd.Series(S[:6], index=bare))
        assert ahead.index.equals(index[bad + 6 : bad + 8])


def test_another_regular_index_than_the_fitted_is_taken_at_its_word():
    f = Forecaster(1, linear=0, **K).fit(pd.Series(S, index=LONG["days"][:60]))
    months = LONG["month ends"]
    assert f.predict(4, series=pd.Series(S, index=months[:60])).index.equals(months[60:])
    numbers = pd.Series(S[:3], index=[3, 6, 9])
    assert f.predict(2, series=numbers).index.tolist() == [12, 15]
    assert isinstance(f.predict(2, series=S), np.ndarray)


@pytest.mark.parametrize(
    "index, message",
    [
        (pd.Index(np.delete(np.arange(61), 20) * 1e-9), "with gaps"),
        (pd.Index(np.delete(1.7e9 + 0.1 * np.arange(61), 20)), "with gaps"),
        (pd.Index([*range(59), 2.0**60]), "with gaps"),
        (LONG["business days"][:60].delete(31).append(LONG["business days"][60:61]), "with gaps"),
        (LONG["trading days"][:60].rename(None)._with_freq(None), "to_numpy"),
        (LONG["days in Berlin, into summer"][:61].delete(20), "with gaps"),
        (LONG["time gone by"][:61].delete(20), "with gaps"),
        (pd.DatetimeIndex([*LONG["days"][:59], pd.NaT]), "not sorted|missing"),
        (pd.MultiIndex.from_product([range(6), range(10)]), "evenly spaced numbers"),
        (pd.Index([True, False] * 30), "twice"),
        (pd.Index(np.arange(60) * 1j), "not sorted|evenly spaced"),
        (pd.Index([*np.arange(59.0), np.inf]), "with gaps"),
    ],
)
def test_an_index_with_gaps_is_refused_at_every_scale(index, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(1, linear=0, **K).fit(pd.Series(S[: len(index)], index=index))


def test_the_end_of_a_small_type_is_told():
    index = pd.Index(np.arange(192, 252), dtype="uint8")
    f = Forecaster(1, linear=0, **K).fit(pd.Series(S, index=index))
    assert f.predict(4).index.tolist() == [252, 253, 254, 255]
    with pytest.raises(ValueError, match="steps is 5.*uint8"):
        f.predict(5)


def test_columns_of_pyarrow_may_be_an_index():
    pytest.importorskip("pyarrow")
    whole = pd.Index(np.arange(60), dtype="int64[pyarrow]")
    found = Forecaster(1, linear=0, **K).fit(pd.Series(S, index=whole))
    assert found.predict(2).index.tolist() == [60, 61]
    dates = pd.Index(LONG["business days"][:60], dtype="timestamp[ns][pyarrow]")
    ahead = Forecaster(1, linear=0, **K).fit(pd.Series(S, index=dates)).predict(4)
    assert list(ahead.index) == list(LONG["business days"][60:])


def test_horizon_and_one_step_keep_the_index():
    index = LONG["business days"][:60].rename("day")
    series = pd.Series(S, index=index, name="level")
    f = Forecaster(1, linear=0, lags=2, **K).fit(series)
    table = f.horizon(series, 3)
    assert isinstance(table, pd.DataFrame) and table.index.equals(index)
    assert table.columns.tolist() == [1, 2, 3] and table.index.name == "day"
    assert np.array_equal(table, f.horizon(S, 3), equal_nan=True)
    line = f.one_step(series)
    assert line.index.equals(index) and line.name == "level" and line.index.name == "day"


def test_update_wants_what_follows():
    index = LONG["business days"]
    series = pd.Series(np.resize(S, 64), index=index, name="level")
    f = Forecaster(2, linear=0, **K).fit(series[:60])
    before = f.predict(4)
    for wrong in (series[61:], series[59:], series[60:][::-1], series.iloc[[60, 62]]):
        with pytest.raises(ValueError, match="values has an index .*, wanted 2024-03-25"):
            f.update(wrong)
        assert f.predict(4).equals(before)
    assert f.update(series[60:62]) is f
    assert f.predict(2).index.equals(index[62:])
    assert f.update(series[62:].to_numpy()).predict(1).index[0] == index[-1] + BDay()
    assert len(f.series_) == 64 and f.index_.equals(index)
    whole = f.predict(5, series=series)
    assert f.predict(5).to_numpy() == pytest.approx(whole.to_numpy(), rel=1e-13)
    plain = Forecaster(2, linear=0, **K).fit(S)
    with pytest.raises(ValueError, match="values has an index, but the fitted series had none"):
        plain.update(series)


def test_the_helpers_alone():
    index = LONG["business days"]
    assert index_of(S) is None and index_of([1, 2]) is None
    assert index_of(pd.DataFrame({"a": S})) is None
    found = index_of(pd.Series(S, index=index[:60]))
    assert index_after(found, 4).equals(index[60:])


def test_every_second_month_is_seen_across_the_new_year():
    months = ["2000-12", *(f"2001-{month:02}" for month in (2, 4, 6, 8, 10, 12))]
    index = pd.DatetimeIndex([f"{month}-15" for month in months])
    following = index_after(index_of(pd.Series(range(7), index)), 2)
    assert following.strftime("%Y-%m-%d").tolist() == ["2002-02-15", "2002-04-15"]


def test_the_first_value_that_an_index_has_twice_is_named():
    series = pd.Series(range(6), [1, 2, 2, 3, 5, 5])
    with pytest.raises(ValueError, match="series has an index with 2 twice"):
        index_of(series)
