"""The line beside the network: against statsmodels, brute force and recursions written out."""

import warnings

import numpy as np
import pytest
from statsmodels.tsa.api import AutoReg

from rnn_lit import Forecaster, Parameters
from rnn_lit._law import crps
from rnn_lit._line import KINDS, choose_power, fit_line, line_after, most_lags
from rnn_lit._rolling import Equation, loops_from
from rnn_lit.forecast import Forecast
from rnn_lit.training import flatten

pytestmark = pytest.mark.filterwarnings("ignore:the (search|line)")


def seasonal(length=120, m=4, seed=0):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(length))
    return 40 + walk + 5 * np.sin(2 * np.pi * np.arange(length) / m) + rng.standard_normal(length)


def autoreg(v, lags, **options):
    return AutoReg(v, lags, **options).fit().params


@pytest.mark.parametrize("p", [1, 2, 6])
def test_the_lags_kind_is_least_squares_on_each_lag_once(p):
    v = seasonal()
    line = fit_line(v, p, 4, "lags")
    lags = sorted({*range(1, p + 1), 4, 5})
    wanted = autoreg(v, lags)
    assert line.intercepts == pytest.approx(wanted[:1], rel=1e-8)
    assert line.phi[np.array(lags) - 1] == pytest.approx(wanted[1:], rel=1e-8, abs=1e-10)
    assert np.count_nonzero(line.phi) == len(lags)


def test_the_dummies_kind_is_an_intercept_for_each_part_of_the_season():
    v = seasonal()
    line = fit_line(v, 2, 4, "dummies")
    wanted = AutoReg(v, 2, trend="n", seasonal=True, period=4).fit()
    assert line_after(line, v)[:-1] == pytest.approx(wanted.fittedvalues, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_differences_are_undone_in_the_forecasts(kind):
    """The line's forecasts are the differences' forecasts, added up by hand."""
    v, m, p = seasonal(), 4, 2
    line = fit_line(v, p, m, kind)
    s = np.diff(v) if kind == "dummies of differences" else v
    if "seasonal" in kind or kind == "both differences":
        s = s[m:] - s[:-m]
    s = np.diff(s) if kind == "both differences" else s
    inner = fit_line(s, p, m, "dummies") if "dummies" in kind else None
    lags = sorted({*range(1, p + 1), m, m + 1})
    if "dummies" in kind:
        first = len(v) - len(s)  # the parts of the season are counted on the series itself
        c, phi = np.roll(inner.intercepts, first), dict(enumerate(inner.phi, 1))
    else:
        b = autoreg(s, lags, trend="c" if kind == "seasonal differences" else "n")
        c = b[:1] if len(b) > len(lags) else np.zeros(1)
        phi = dict(zip(lags, b[-len(lags) :]))
    path, values = list(s), list(v)
    for _ in range(6):
        t = len(values)
        step = c[t % len(c)] + sum(f * path[-j] for j, f in phi.items())
        path.append(step)
        if kind == "dummies of differences":
            values.append(values[-1] + step)
        elif kind == "dummies":
            values.append(step)
        elif kind == "seasonal differences":
            values.append(values[-m] + step)
        else:
            values.append(values[-1] + values[-m] - values[-m - 1] + step)
    equation = Equation(line, None, 1)
    assert loops_from(equation, v, len(v), 6)[0] == pytest.approx(values[-6:], rel=1e-8)


@pytest.mark.parametrize(
    "season, kind", [(None, "lags"), (4, "lags"), (4, "dummies"), (4, KINDS[2])]
)
def test_the_number_of_lags_has_the_lowest_aicc_on_one_sample(season, kind):
    v = seasonal(90)
    most = most_lags(90, season)
    assert most == 9
    w = v if kind != KINDS[2] else np.diff(v[4:] - v[:-4])
    shift = len(v) - len(w)
    extra = [season, season + 1] if season and kind != "dummies" else []
    first, scores = max([most, *extra]), []
    for p in range(most + 1):
        lags = sorted({*range(1, p + 1), *extra})
        X = [w[first - j : len(w) - j] for j in lags]
        if kind == "dummies":
            X += [(np.arange(first, len(w)) % 4 == i).astype(float) for i in range(4)]
        elif kind == "lags":
            X.append(np.ones(len(w) - first))
        X, y = np.array(X).T, w[first:]
        b = np.linalg.solve(X.T @ X, X.T @ y)
        n, k = len(y), X.shape[1] + 1
        scores.append(n * np.log(((y - X @ b) ** 2).mean()) + 2 * k * n / (n - k - 1))
    best = fit_line(v, int(np.argmin(scores)), season, kind)
    assert np.array_equal(fit_line(v, None, season, kind).phi, best.phi) and shift in (0, 5)


def written_out(f, values, steps):
    """Line plus network in plain Python, fed back to both, season and power included."""
    W_aa, W_ax, b_a, W_ya, b_y = (w.tolist() for w in f.parameters_)
    g = {1.0: lambda s: s, 0.5: np.sqrt, 0.0: np.log}[f.power_]
    back = {1.0: lambda u: u, 0.5: lambda u: max(u, 0) ** 2, 0.0: np.exp}[f.power_]
    v = [(g(s) - f.mean_) / f.scale_ for s in values]
    first, a, out = max(len(f.linear_), f.lags_), [0.0] * f.n_, []
    for t in range(first, len(values) + steps):
        x = [v[t - 1 - j] for j in range(f.lags_)]
        a = [
            np.tanh(sum(np.multiply(W_aa[i], a)) + sum(np.multiply(W_ax[i], x)) + b_a[i])
            for i in range(f.n_)
        ]
        line = f.intercepts_[t % len(f.intercepts_)]
        line += sum(c * v[t - 1 - j] for j, c in enumerate(f.linear_))
        step = line + sum(np.multiply(W_ya[0], a)) + b_y[0]
        if t >= len(values):
            v.append(step)
            out.append(back(f.mean_ + f.scale_ * step))
    return out


@pytest.mark.parametrize("season, power, lags", [(None, 1.0, 1), (4, 0.5, 3), (4, 0.0, 1)])
def test_the_forecast_is_line_plus_network_written_out(season, power, lags):
    y = seasonal()
    f = Forecaster(2, lags=lags, season=season, power=power, penalty=1e-3, starts=2, rounds=60)
    f.fit(y)
    assert abs(flatten(f.parameters_)).max() > 0.1  # the network has a part in it
    wanted = written_out(f, y, 9)
    assert f.predict(9) == pytest.approx(wanted, rel=1e-9)
    assert f.horizon(y, 9)[-1] == pytest.approx(wanted, rel=1e-9)
    assert f.one_step(y)[-1] == pytest.approx(written_out(f, y[:-1], 1)[0], rel=1e-9)
    g = Forecaster(**f.get_params()).fit(y[:100])
    assert g.update(y[100:]).predict(3) == pytest.approx(g.predict(3, series=y), rel=1e-9)


def test_with_a_growing_penalty_the_forecast_tends_to_the_lines():
    y = seasonal()
    wanted = AutoReg(y, 3).fit().predict(len(y), len(y) + 5)
    far = [
        abs(Forecaster(2, linear=3, penalty=c, starts=2).fit(y).predict(6) - wanted).max()
        for c in (1e-4, 1e2)
    ]
    assert far[0] > 1e-2 and far[1] < 1e-6


def test_a_season_is_where_the_index_says():
    import pandas as pd

    index = pd.period_range("2001Q1", periods=120, freq="Q")
    series = pd.Series(seasonal(), index)
    f = Forecaster(1, season=4, penalty=1.0, starts=1, rounds=20).fit(series)
    f._kind, f.linear_ = "dummies", np.array([0.5])
    f.intercepts_ = np.array([1.0, 2.0, 3.0, 4.0])
    whole, later = f.predict(4), f.predict(4, series=series[3:])
    assert later.to_numpy() == pytest.approx(whole.to_numpy(), abs=1e-6)
    assert abs(f.predict(4, series=series.to_numpy()[3:]) - whole.to_numpy()).max() > 0.5


def test_the_power_has_the_highest_likelihood_of_the_values():
    rng = np.random.default_rng(1)
    u = np.zeros(400)
    for t in range(1, 400):
        u[t] = 0.9 * u[t - 1] + 0.3 * rng.standard_normal()
    assert choose_power(np.exp(2 + u), 1, None) == 0
    assert choose_power((9 + 2 * u) ** 2, 1, None) == 0.5
    assert choose_power(9 + 2 * u, 1, None) == 1
    assert choose_power(2 * u, 1, None) == 1  # negative values have no root
    # Beside each other, by the density of the values written out
    y = np.exp(2 + u)

    def likelihood(power):
        z = np.log(y) if power == 0 else y**power
        X = np.column_stack([np.ones(399), z[:-1]])
        e = z[1:] - X @ np.linalg.lstsq(X, z[1:], rcond=None)[0]
        slope = 1 / y[1:] if power == 0 else power * y[1:] ** (power - 1)
        sd = e.std()
        return (-0.5 * (e / sd) ** 2 - np.log(sd) + np.log(slope)).sum()

    assert likelihood(0) > likelihood(0.5) > likelihood(1)


@pytest.mark.parametrize("values", [
    np.full(40, 3.0),
    np.linspace(1, 9, 40) * 5e-324,
    np.linspace(1, 9, 40) * 1e307,
], ids=["constant", "no spread in floats", "a spread beyond the floats"])  # fmt: skip
def test_a_power_is_not_chosen_by_a_spread_that_is_no_number(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose_power(values, 1, None) == 1


def evaluated(expression):
    """A printed right-hand side as a function of {name: value}."""
    sympy = pytest.importorskip("sympy")
    symbols = sorted(expression.free_symbols, key=str)
    function = sympy.lambdify(symbols, expression, "math")
    return lambda value: float(function(*(value[str(symbol)] for symbol in symbols)))


def test_what_the_equation_prints_is_what_is_forecast():
    y = seasonal()
    for power, season in ((1.0, None), (0.5, None), (0.0, 4)):
        f = Forecaster(2, season=season, power=power, penalty=1e-3, starts=2, rounds=60).fit(y)
        equations = f.equation()
        known = {str(e.lhs): e.rhs for e in equations}
        number = {name: evaluated(e) for name, e in known.items()}
        a = np.zeros(2)
        first = max(len(f.linear_), 1)
        for t in range(first, len(y) + 1):
            value = {"a_{1,t-1}": a[0], "a_{2,t-1}": a[1], "s_t": y[t - 1]}
            value |= {f"s_{{t-{j}}}": y[t - 1 - j] for j in range(1, first)}
            a = np.array([number[f"a_{{{i},t}}"](value) for i in (1, 2)])
        if season:
            value["c_{t+1}"] = number[f"c_{{4k+{len(y) % 4 + 1}}}"](value)
        value |= {"a_{1,t}": a[0], "a_{2,t}": a[1]}
        printed = number[r"\hat{s}_{t+1}"](value)
        g = {1.0: lambda s: s, 0.5: np.sqrt, 0.0: np.log}[power]
        tolerance = f.scale_ * f.residuals_.std() / 10
        assert abs(g(printed) - g(f.predict(1)[0])) <= tolerance
    with pytest.raises(ValueError, match="form is 'nested', wanted 'components' where there is"):
        f.equation("nested")


def test_no_sign_is_moved_out_of_a_tanh():
    f = Forecaster(2, linear=0, penalty=1e-2, starts=2, rounds=60).fit(seasonal())
    f.parameters_ = f.parameters_._replace(W_ax=-abs(f.parameters_.W_ax), W_aa=-abs(
        f.parameters_.W_aa), b_a=-100 - abs(f.parameters_.b_a))
    for equation in f.equation()[:2]:
        assert equation.rhs.func.__name__ == "tanh"


def test_scores_are_those_written_out():
    rng = np.random.default_rng(4)
    for n in (2, 9, 40):
        x, y = rng.standard_normal(n), rng.standard_normal()
        pairs = sum(abs(a - b) for a in x for b in x)
        wanted = np.mean([abs(a - y) for a in x]) - pairs / (2 * n * (n - 1))
        assert crps(x, y) == pytest.approx(wanted, rel=1e-12)


def test_a_back_test_is_the_loop_written_out():
    y, first = seasonal(90), 60
    settings = dict(season=4, penalty=0.05, starts=1, rounds=30)
    f = Forecaster(1, **settings).fit(y)
    trial = f.backtest(3, every=7, interval=0.8)
    g = Forecaster(1, **settings).fit(y[:first])
    assert trial.origins.tolist() == [60, 67, 74, 81]
    naive = np.mean([abs(y[t] - y[t - 4]) for t in range(4, first)])
    missed, inside = [], []
    for t in trial.origins:
        band = g.predict(3, interval=0.8, series=y[:t]) if t == first else None
        ahead = g.predict(3, series=y[:t])
        missed.append(abs(ahead - y[t : t + 3]))
        if band:
            assert trial.lower[0] == pytest.approx(band.lower)
            assert trial.upper[0] == pytest.approx(band.upper)
    assert trial.mase == pytest.approx(np.mean(missed, axis=0) / naive, rel=1e-6)
    inside = (trial.lower <= trial.actual) & (trial.actual <= trial.upper)
    assert np.array_equal(trial.coverage, inside.mean(axis=0))
    assert trial.crps.shape == (3,) and (trial.crps > 0).all()
    assert np.array_equal(f.series_, y)
    anew = f.backtest(1, first=80, every=5, refit=True)
    assert anew.lower is None and anew.upper is None and anew.coverage is None
    assert f.backtest(3, every=7).crps == pytest.approx(trial.crps)
    assert f.backtest(3, first=80).origins.tolist() == [80, 81, 82, 83, 84, 85, 86, 87]
    wanted = Forecaster(1, **settings).fit(y[:85]).predict(1)
    assert anew.forecasts[1] == pytest.approx(wanted)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(steps=0), "steps is 0"),
        (dict(steps=3, first=118), "first is 118 and steps 3, wanted together at most 120"),
        (dict(steps=3, every=0), "every is 0"),
        (dict(steps=3, refit=1), "refit is 1, wanted True or False"),
        (dict(steps=3, interval=90), "interval is 90"),
        (dict(steps=3, first=True), "first is True"),
        (dict(steps=3, first=1), "first is 1, wanted more values"),
    ],
)
def test_bad_arguments_of_the_back_test_are_named(arguments, message):
    f = Forecaster(1, penalty=1.0, starts=1, rounds=20).fit(seasonal())
    with pytest.raises(ValueError, match=message):
        f.backtest(**arguments)


def test_a_fan_shows_the_series_the_forecast_and_three_bands():
    figure = pytest.importorskip("matplotlib.figure")
    f = Forecaster(1, penalty=1.0, starts=1, rounds=20).fit(seasonal())
    axes = figure.Figure().add_subplot()
    assert f.plot(5, axes=axes) is axes
    past, ahead = axes.lines
    assert (past.get_label(), ahead.get_label()) == ("series", "forecast")
    assert past.get_ydata() == pytest.approx(f.series_[-60:])
    assert ahead.get_ydata() == pytest.approx(f.predict(5))
    assert past.get_xdata().tolist() == list(range(60, 120))
    assert ahead.get_xdata().tolist() == list(range(120, 125))
    for band, share in zip(axes.collections, (0.9, 0.675, 0.36), strict=True):
        wanted = f.predict(5, interval=share)
        low, high = band.get_datalim(axes.transData).intervaly
        assert (low, high) == pytest.approx((wanted.lower.min(), wanted.upper.max()))
    longer = f.plot(20, axes=figure.Figure().add_subplot()).lines[0]
    assert len(longer.get_ydata()) == 80


def test_a_network_near_its_ceiling_and_a_line_that_explodes_warn():
    f = Forecaster(1, linear=0, penalty=1.0, starts=1).fit(np.arange(30.0) % 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f.predict(5)
    for state, end in ((2.5, "ceiling"), (-2.5, "floor")):  # tanh 2.5 is .9866
        f.parameters_ = Parameters(*map(np.atleast_2d, (0.0, 0.0)), np.array([state]),
                                   np.array([[3.0]]), np.array([0.5]))  # fmt: skip
        with pytest.warns(RuntimeWarning, match=f"1 steps ahead is within 2 % .* network's {end}"):
            f.predict(5)
    rising = np.exp(np.arange(80) / 12.0)
    with pytest.warns(RuntimeWarning, match="the line explodes: its largest root is 1.0"):
        Forecaster(1, linear=1, penalty=1.0, starts=1).fit(rising)


@pytest.mark.parametrize(
    "settings, values, message",
    [
        (dict(season=12), np.arange(35.0), "season is 12, wanted at most 11: three seasons"),
        (dict(linear=20), np.arange(40.0), "linear is 20, wanted at most 15"),
        (dict(power=0), [0.0, *range(1, 40)], "series holds 0.0 at position 0, wanted no negative"),
        (dict(power=0.5), [*range(1, 40), -1.0], "series holds -1.0 at position 39"),
        (dict(season=4, linear=0), np.arange(40.0), "season is 4, wanted None with linear=0"),
    ],
)
def test_what_a_line_cannot_have_is_refused_by_name(settings, values, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(1, **settings).fit(values)


@pytest.mark.parametrize("season, length", [(2, 12), (4, 12), (12, 36), (7, 21), (24, 72)])
def test_three_seasons_are_enough(season, length):
    y = seasonal(length, season, 3)
    f = Forecaster(1, season=season, penalty=1.0, starts=1, rounds=20).fit(y)
    assert np.isfinite(f.predict(season)).all()


class Repeats(Forecaster):
    """Its interval is the last value and nothing else."""

    def predict(self, steps, interval=None, series=None):
        last = np.full(steps, self.series_[-1])
        return Forecast(last, last, last)


def test_an_end_of_an_interval_belongs_to_it():
    stairs = np.repeat(np.arange(20.0), 3)
    trial = Repeats(1, penalty=1.0, starts=1, rounds=5).fit(stairs).backtest(1, interval=0.5)
    met = trial.actual[:, 0] == stairs[trial.origins - 1]
    assert met.sum() == 14 and len(met) == 20 and trial.coverage == pytest.approx([0.7])


def test_a_short_series_is_shown_whole():
    figure = pytest.importorskip("matplotlib.figure")
    f = Forecaster(1, penalty=1.0, starts=1, rounds=20).fit(seasonal(50))
    past = f.plot(2, axes=figure.Figure().add_subplot()).lines[0]
    assert past.get_ydata() == pytest.approx(f.series_)
