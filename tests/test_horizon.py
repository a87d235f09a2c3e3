"""Many steps ahead: against a recursion written out, and the closed form for linear series."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rnn_lit import Forecaster

pytestmark = pytest.mark.filterwarnings("ignore:the search")
PHI = (1.2, -0.5)  # s_t = 1.2 s_{t-1} - 0.5 s_{t-2} + noise


def linear_series(length, seed):
    rng = np.random.default_rng(seed)
    s = np.zeros(length + 50)
    for t in range(2, len(s)):
        s[t] = PHI[0] * s[t - 1] + PHI[1] * s[t - 2] + rng.standard_normal()
    return s[50:]


@pytest.fixture(scope="module")
def fitted():
    f = Forecaster(2, linear=0, lags=2, penalty=1e-6, starts=2, rounds=200)
    return f.fit(linear_series(8000, 1))


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_the_closed_loop_is_the_recursion_written_out(power):
    series = 30 + linear_series(150, 2)
    f = Forecaster(3, linear=0, lags=3, power=power, penalty=1e-3, starts=2, rounds=60).fit(series)
    W_aa, W_ax, b_a, W_ya, b_y = (w.tolist() for w in f.parameters_)
    u = [(s**power - f.mean_) / f.scale_ for s in series]
    a = [0.0] * 3
    for t in range(2, len(series) + 14):
        x = (u[t], u[t - 1], u[t - 2])
        sums = [np.dot(W_aa[i], a) + np.dot(W_ax[i], x) + b_a[i] for i in range(3)]
        a = [math.tanh(z) for z in sums]
        if t >= len(series) - 1:  # nothing is known any more: the forecast is the next input
            u.append(float(np.dot(W_ya[0], a)) + b_y[0])
    wanted = [(f.mean_ + f.scale_ * v) ** (1 / power) for v in u[len(series) :]]
    assert f.predict(15) == pytest.approx(wanted, rel=1e-9)


def test_intervals_grow_as_the_weights_of_a_linear_series_say(fitted):
    """The half width h steps ahead is z sqrt(1 + psi_1² + …); it is neither constant nor linear."""
    psi = [1.0, PHI[0]]
    for _ in range(8):
        psi.append(PHI[0] * psi[-1] + PHI[1] * psi[-2])
    wanted = 2 * stats.norm.ppf(0.95) * np.sqrt(np.cumsum(np.square(psi)))
    band = fitted.predict(10, interval=0.9)
    assert band.upper - band.lower == pytest.approx(wanted, rel=0.1)
    assert wanted[-1] > 1.5 * wanted[0]  # noise that is not fed back would fail above


@pytest.mark.parametrize("interval", [0.5, 0.9])
def test_intervals_of_a_simulated_series_hold_as_often_as_they_say(fitted, interval):
    later = linear_series(4000, 3)
    inside = []
    for t in range(50, 3980, 8):  # apart, so that the windows hardly depend on each other
        band = fitted.predict(6, interval=interval, series=later[t - 40 : t])
        inside.append((band.lower <= later[t : t + 6]) & (later[t : t + 6] <= band.upper))
    shares = np.mean(inside, axis=0)
    assert abs(shares - interval).max() < 0.08


def test_the_point_forecast_of_a_nearly_linear_series_is_the_linear_one(fitted):
    later = linear_series(300, 4)
    wanted = list(later[-2:])
    for _ in range(5):
        wanted.append(PHI[0] * wanted[-1] + PHI[1] * wanted[-2])
    assert fitted.predict(5, series=later) == pytest.approx(wanted[2:], abs=0.35)


@pytest.mark.parametrize("freq", ["M", "Q", "D"])
def test_a_fan_continues_the_index_of_its_series(freq):
    index = pd.period_range("2001-01-01", periods=80, freq=freq)
    series = pd.Series(linear_series(80, 5), index=index, name="level")
    f = Forecaster(1, linear=0, penalty=1e-2, starts=1, rounds=40).fit(series)
    for part in f.predict(4, interval=0.8):
        assert isinstance(part, pd.Series) and part.name == "level"
        assert list(part.index) == [index[-1] + i for i in range(1, 5)]
        assert part.index.freq == index.freq
    half = f.predict(2, interval=0.8, series=series[:60])
    assert list(half.upper.index) == list(index[60:62])
