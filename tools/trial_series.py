"""The series of the trial in chapter "Many steps ahead", by their list.

The list is ``rnn_lit/_book/trial.json``; it was written down, with this file, before
any score was seen. Real series come from the files that statsmodels ships, made
ones from the generators below with the seeds in the list. The chaotic ones use
sums and products only, so that every machine makes the same numbers.
"""

import json
from pathlib import Path

import numpy as np

LIST = Path(__file__).resolve().parents[1] / "src" / "rnn_lit" / "_book" / "trial.json"
BURN = 200  # steps that a generator makes and throws away


def listed(part=None):
    """The entries of the list, or those of one set."""
    entries = json.loads(LIST.read_text("utf-8"))["series"]
    return [e for e in entries if part in (None, e["set"])]


def values(entry):
    """The values of one entry, oldest first; the last ones if it has more."""
    source, length = entry["source"], entry["length"]
    if "file" in source:
        series = _shipped(source["file"], source["column"])
    else:
        rng = np.random.default_rng(source["seed"])
        make = GENERATORS[source["generator"]]
        series = make(rng, length, entry["season"], **source["arguments"])
    series = np.asarray(series, dtype=float)[-length:]
    if len(series) != length or not np.isfinite(series).all():
        raise ValueError(f"{entry['name']}: {len(series)} values, wanted {length}")
    return series


def _shipped(file, column):
    import pandas as pd
    import statsmodels

    if file.endswith("co2.csv"):
        from statsmodels.datasets import co2

        return co2.load_pandas().data["co2"].resample("MS").mean().interpolate()
    path = Path(statsmodels.__file__).parent / file
    table = pd.read_stata(path) if path.suffix == ".dta" else pd.read_csv(path)
    if column == "row by row":
        return table.iloc[:, 1:].to_numpy().ravel()
    return table[column]


def _season(rng, m):
    """A seasonal pattern of m values with mean 0 and standard deviation 1."""
    pattern = rng.normal(size=m)
    pattern -= pattern.mean()
    return pattern / pattern.std()


def _ar(rng, N, phi):
    u, e = np.zeros(N + BURN), rng.normal(size=N + BURN)
    for t in range(len(phi), N + BURN):
        u[t] = sum(c * u[t - 1 - j] for j, c in enumerate(phi)) + e[t]
    return u[BURN:]


def structural(rng, N, m, level, slope, seasonal, noise):
    """A wandering level and a wandering season: a basic structural model."""
    pattern, height = list(3 * _season(rng, m)), 50.0
    series = []
    for _ in range(N):
        height += slope + level * rng.normal()
        now = -sum(pattern[-m + 1 :]) + seasonal * rng.normal()
        pattern.append(now)
        series.append(height + now + noise * rng.normal())
    return series


def airline(rng, N, m, theta, seasonal):
    """Both differences are a product of two moving averages."""
    e = rng.normal(size=N + 2 * m + BURN)
    w = e.copy()
    w[1:] += theta * e[:-1]
    w[m:] += seasonal * e[:-m]
    w[m + 1 :] += theta * seasonal * e[: -m - 1]
    w = w[BURN:]
    pattern = 4 * _season(rng, m)
    y = [100 + pattern[t % m] for t in range(m + 1)]
    for t in range(m + 1, len(w)):
        y.append(y[t - 1] + y[t - m] - y[t - m - 1] + w[t])
    return y


def dummies(rng, N, m, phi, trend):
    """A fixed season, a straight trend and an AR(1)."""
    t = np.arange(N)
    return 20 + trend * t + 2 * _season(rng, m)[t % m] + _ar(rng, N, [phi])


def multiplied(rng, N, m, growth, noise):
    """Growth, season and noise multiply each other."""
    t = np.arange(N)
    season = 0.2 * _season(rng, m)[t % m]
    walk = np.cumsum(growth + noise / 2 * rng.normal(size=N))
    return 100 * np.exp(walk + season + noise * rng.normal(size=N))


def seasonal_ar(rng, N, m, phi, seasonal):
    """A stationary autoregression on lags 1, m and m + 1."""
    u, e = np.zeros(N + BURN), rng.normal(size=N + BURN)
    for t in range(m + 1, N + BURN):
        past = phi * u[t - 1] + seasonal * (u[t - m] - phi * u[t - m - 1])
        u[t] = past + e[t]
    return 10 + u[BURN:]


def shifted_season(rng, N, m, shift):
    """A fixed season and an AR(1) whose level steps up at one and two thirds."""
    t = np.arange(N)
    steps = shift * ((t > N // 3).astype(float) + (t > 2 * N // 3))
    return 10 + steps + 2 * _season(rng, m)[t % m] + _ar(rng, N, [0.4])


def squared_season(rng, N, m):
    """The square of a season and an AR(1): spread grows with the level."""
    t = np.arange(N)
    return (6 + 1.5 * _season(rng, m)[t % m] + _ar(rng, N, [0.7])) ** 2


def seasonal_threshold(rng, N, m):
    """A fixed season around a threshold autoregression."""
    t = np.arange(N)
    return 10 + _season(rng, m)[t % m] + threshold(rng, N, None)


def seasonal_logistic(rng, N, m, r):
    """A fixed season around the logistic map."""
    t = np.arange(N)
    return _season(rng, m)[t % m] + 3 * logistic(rng, N, None, r, 0.02)


def threshold(rng, N, m):
    """Two lines that meet in a jump: rises quickly from below, falls from above."""
    u = np.zeros(N + BURN)
    for t in range(2, N + BURN):
        line = 1.0 + 0.9 * u[t - 1] if u[t - 2] <= 0 else -1.5 + 0.3 * u[t - 1]
        u[t] = line + 0.5 * rng.normal()
    return u[BURN:]


def logistic(rng, N, m, r, noise):
    """x ← r x (1 − x), seen with a little noise."""
    x, out = rng.uniform(0.2, 0.8), []
    for _ in range(N + BURN):
        x = r * x * (1 - x)
        out.append(x)
    return np.array(out[BURN:]) + noise * rng.normal(size=N)


def henon(rng, N, m, noise):
    """The first coordinate of the Hénon map, with a little noise."""
    x, before, out = 0.1 * rng.uniform(), 0.1, []
    for _ in range(N + BURN):
        x, before = 1 - 1.4 * x * x + 0.3 * before, x
        out.append(x)
    return np.array(out[BURN:]) + noise * rng.normal(size=N)


def mackey_glass(rng, N, m, noise):
    """x' = .2 x(t−17)/(1 + x(t−17)¹⁰) − .1 x by Euler's steps of 1/4, every 3rd unit."""
    every, delay, h = 12, 68, 0.25
    x = list(0.9 + 0.2 * rng.uniform(size=delay + 1))
    for _ in range(every * (N + BURN)):
        old = x[-delay - 1]
        square = old * old
        tenth = square * square * square * square * square
        x.append(x[-1] + h * (0.2 * old / (1 + tenth) - 0.1 * x[-1]))
    return np.array(x[-1 - every * (N - 1) :: every]) + noise * rng.normal(size=N)


def expar(rng, N, m):
    """An autoregression whose coefficients shrink with the last value's size."""
    u = np.zeros(N + BURN)
    for t in range(2, N + BURN):
        near = np.exp(-(u[t - 1] ** 2))
        first, second = 0.5 + 1.3 * near, -0.6 - 0.4 * near
        u[t] = first * u[t - 1] + second * u[t - 2] + 0.3 * rng.normal()
    return u[BURN:]


def walk(rng, N, m, drift):
    return 50 + np.cumsum(drift + rng.normal(size=N))


def noise(rng, N, m):
    return 10 + rng.normal(size=N)


def trend(rng, N, m, slope):
    return 10 + slope * np.arange(N) + rng.normal(size=N)


def ar(rng, N, m, phi):
    return 10 + _ar(rng, N, phi)


def arma(rng, N, m, phi, theta):
    u = _ar(rng, N + 1, [phi])
    return 10 + u[1:] + theta * u[:-1]


def shifts(rng, N, m, phi, shift):
    """An AR(1) whose level moves up, down and up again."""
    t = np.arange(N)
    return 10 + shift * (4 * t // N % 2) + _ar(rng, N, [phi])


def squared_ar(rng, N, m, phi):
    return (8 + _ar(rng, N, phi)) ** 2


GENERATORS = {
    f.__name__: f
    for f in (structural, airline, dummies, multiplied, seasonal_ar, shifted_season,
              squared_season, seasonal_threshold, seasonal_logistic, threshold, logistic,
              henon, mackey_glass, expar, walk, noise, trend, ar, arma, shifts, squared_ar)
}  # fmt: skip
