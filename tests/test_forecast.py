"""The forecaster: against recursions written out, SciPy, exact series, and every bad input."""

import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize as scipy_minimize

from rnn_lit import Forecaster, initialise
from rnn_lit import _storage as storage
from rnn_lit._search import hessian, join, minimise, polish, separate, side_by_side
from rnn_lit._series import lagged
from rnn_lit.training import flatten, objective, unflatten

pytestmark = pytest.mark.filterwarnings("ignore:the search")


def cycles(length=120, seed=0):
    """A second-order autoregression: cycles of about 11 steps, of irregular phase and height."""
    rng = np.random.default_rng(seed)
    s = np.zeros(length + 50)
    for t in range(2, length + 50):
        s[t] = 1.5 * s[t - 1] - 0.8 * s[t - 2] + rng.standard_normal()
    return 50 + 5 * s[50:]


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(2, linear=0, lags=2, penalty=1e-3, starts=4, rounds=150).fit(cycles())


def recursion(forecaster, values):
    """The forecast of the value after each input, in plain Python."""
    W_aa, W_ax, b_a, W_ya, b_y = (w.tolist() for w in forecaster.parameters_)
    u = [(v**forecaster.power - forecaster.mean_) / forecaster.scale_ for v in values]
    a, forecasts = [0.0] * forecaster.n, []
    for t in range(forecaster.lags - 1, len(u)):
        x = [u[t - j] for j in range(forecaster.lags)]
        a = [
            np.tanh(
                sum(w * v for w, v in zip(W_aa[i], a))
                + sum(w * v for w, v in zip(W_ax[i], x))
                + b_a[i]
            )
            for i in range(forecaster.n)
        ]
        y_hat = sum(w * v for w, v in zip(W_ya[0], a)) + b_y[0]
        u_hat = forecaster.mean_ + forecaster.scale_ * y_hat
        forecasts.append(
            u_hat if forecaster.power == 1 else max(u_hat, 0) ** (1 / forecaster.power)
        )
    return forecasts


# The pieces


def test_lagged_rows_hold_the_last_values_newest_first():
    x, y = lagged(np.arange(5.0), 3)
    assert x.tolist() == [[2, 1, 0], [3, 2, 1], [4, 3, 2]]
    assert y.tolist() == [[3], [4]]


@pytest.mark.parametrize("n, m, R", [(1, 1, 1), (2, 3, 4), (3, 1, 2)])
def test_networks_side_by_side_are_the_networks_alone(n, m, R):
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((9, m)), rng.standard_normal((9, 1))
    networks = [initialise(n, m, 1, rng) for _ in range(R)]
    theta = np.stack([flatten(p) for p in networks])
    assert np.array_equal(separate(join(theta, n, m)), theta)
    penalty = np.linspace(0, 0.1, R)
    J, gradient = side_by_side(theta, n, x, y, penalty)
    for r, p in enumerate(networks):
        J_alone, alone, _ = objective(p, x, y, penalty=penalty[r])
        assert J[r] == pytest.approx(J_alone, rel=1e-13)
        assert gradient[r] == pytest.approx(flatten(alone), rel=1e-12, abs=1e-14)


def test_minimise_solves_quadratics_of_different_scales_at_once():
    rng = np.random.default_rng(1)
    A = [np.diag(10.0 ** rng.uniform(-1, 1, 6)) for _ in range(5)]
    A = np.stack([np.linalg.qr(rng.standard_normal((6, 6)))[0] @ a for a in A])
    H = A @ A.transpose(0, 2, 1)
    b = rng.standard_normal((5, 6))

    def evaluate(theta):
        gradient = np.einsum("rij,rj->ri", H, theta) - b
        return ((gradient - b) * theta).sum(axis=1) / 2, gradient

    found = minimise(evaluate, np.zeros((5, 6)), 2000, tolerance=1e-6)
    assert found.converged.all() and found.evaluations < 2000
    exact = np.stack([np.linalg.solve(h, c) for h, c in zip(H, b)])
    assert found.theta == pytest.approx(exact, rel=1e-3, abs=1e-3)


def test_minimise_never_ends_above_its_start_and_survives_a_wall():
    def evaluate(theta):  # not a number beyond 1
        with np.errstate(invalid="ignore"):
            root = np.sqrt(1 - theta)
        return (-root - theta).sum(axis=1) * -1, 1 / (-2 * root) + 1

    start = np.array([[0.9], [-3.0]])
    J, _ = evaluate(start)
    found = minimise(evaluate, start, 60)
    assert (found.J <= J).all() and np.isfinite(found.theta).all()


def test_best_of_the_starts_is_as_low_as_scipy_finds(fitted):
    x, y = lagged((cycles() - fitted.mean_) / fitted.scale_, 2)
    like = fitted.parameters_

    def evaluate(theta):
        J, gradient, _ = objective(unflatten(theta, like), x[:-1], y, penalty=1e-3)
        return J, flatten(gradient)

    lowest = min(
        scipy_minimize(
            evaluate,
            flatten(initialise(2, 2, 1, np.random.default_rng(seed))),
            jac=True,
            method="L-BFGS-B",
        ).fun
        for seed in range(4)
    )
    assert fitted.objectives_.min() <= lowest * 1.01
    assert evaluate(flatten(like))[0] == pytest.approx(fitted.objectives_.min(), rel=1e-12)


def test_polished_fit_is_a_strict_minimum():
    f = Forecaster(2, linear=0, penalty=1e-2, starts=8, polished=True).fit(cycles())
    x, y = lagged((cycles() - f.mean_) / f.scale_, 1)
    _, gradient, _ = objective(f.parameters_, x[:-1], y, penalty=1e-2)
    assert abs(flatten(gradient)).max() < 1e-8
    theta = flatten(f.parameters_)
    H = hessian(theta, 2, x[:-1], y, 1e-2)
    h = 1e-5
    for j, unit in enumerate(np.eye(len(theta))):
        up, down = (
            flatten(
                objective(unflatten(theta + s * unit, f.parameters_), x[:-1], y, penalty=1e-2)[1]
            )
            for s in (h, -h)
        )
        assert H[:, j] == pytest.approx((up - down) / (2 * h), abs=1e-7)
    assert np.linalg.eigvalsh(H)[0] > 0


def test_polish_refuses_what_is_no_minimum():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 1)), rng.standard_normal((20, 1))
    with pytest.raises(ArithmeticError, match="no minimum within 1 Newton steps"):
        polish(flatten(initialise(2, 1, 1, rng)), 2, x, y, 1e-3, steps=1)


# Forecasts


@pytest.mark.parametrize("n, lags, power", [(1, 1, 1.0), (2, 3, 1.0), (3, 2, 0.5)])
def test_one_step_is_the_recursion_written_out(n, lags, power):
    f = Forecaster(n, linear=0, lags=lags, power=power, penalty=1e-3, starts=2, rounds=60)
    f.fit(cycles())
    later = cycles(40, seed=5)
    one_step = f.one_step(later)
    assert np.isnan(one_step[:lags]).all() and len(one_step) == 40
    assert one_step[lags:] == pytest.approx(recursion(f, later)[:-1], rel=1e-10)


def test_no_forecast_depends_on_what_it_forecasts(fitted):
    later = cycles(40, seed=5)
    changed = later.copy()
    changed[20:] += 30
    before, after = fitted.one_step(later), fitted.one_step(changed)
    assert np.array_equal(before[:21], after[:21], equal_nan=True)
    assert before[21] != after[21]


def test_predict_feeds_its_forecasts_back(fitted):
    values = list(cycles())
    for step in fitted.predict(6):
        assert step == pytest.approx(recursion(fitted, values)[-1], rel=1e-10)
        values.append(step)


def test_horizon_rows_are_predictions_from_each_time(fitted):
    later = cycles(30, seed=7)
    table = fitted.horizon(later, 4)
    assert table.shape == (30, 4) and np.isnan(table[0]).all()
    assert table[-1] == pytest.approx(fitted.predict(4, series=later), rel=1e-12)
    assert table[12] == pytest.approx(fitted.predict(4, series=later[:13]), rel=1e-12)
    assert table[1:-1, 0] == pytest.approx(fitted.one_step(later)[2:], rel=1e-12)


def test_it_forecasts_better_than_persistence(fitted):
    later = cycles(200, seed=9)
    error = np.nanmean((fitted.one_step(later) - later) ** 2)
    assert error < 0.6 * np.mean(np.diff(later) ** 2)


def test_intervals_hold_the_share_they_say():
    rng = np.random.default_rng(3)
    s = np.zeros(1000)
    for t in range(1, 1000):
        s[t] = 0.8 * s[t - 1] + rng.standard_normal()
    f = Forecaster(1, linear=0, penalty=1e-4, starts=2, rounds=100).fit(s[:500])
    inside = []
    for end in range(520, 990, 5):
        band = f.predict(5, interval=0.8, series=s[:end])
        inside.append((band.lower <= s[end : end + 5]) & (s[end : end + 5] <= band.upper))
    assert 0.7 < np.mean(inside) < 0.9


def test_intervals_are_reproducible_nested_and_around_the_same_forecast(fitted):
    wide, narrow = fitted.predict(8, interval=0.9), fitted.predict(8, interval=0.5)
    assert np.array_equal(wide.mean, fitted.predict(8))
    assert np.array_equal(wide.lower, fitted.predict(8, interval=0.9).lower)
    assert (wide.lower < narrow.lower).all() and (narrow.upper < wide.upper).all()
    assert (wide.lower < wide.mean).all() and (wide.mean < wide.upper).all()


def test_the_penalty_left_open_is_one_of_those_listed():
    f = Forecaster(2, linear=0, starts=3, rounds=80).fit(cycles())
    assert f.penalty is None and f.penalty_ in Forecaster.PENALTIES
    later = cycles(200, seed=9)
    assert np.nanmean((f.one_step(later) - later) ** 2) < 0.6 * np.mean(np.diff(later) ** 2)


# Conventions


def test_constructor_stores_and_fit_returns_self():
    f = Forecaster(2, linear=0, penalty=1e-2, starts=1, rounds=20)
    assert f.get_params() == dict(
        n=2, lags=1, linear=0, season=None, power=1.0, penalty=1e-2, starts=1, rounds=20,
        polished=False, seed=0,
    )
    assert not [name for name in vars(f) if name.endswith("_")]
    assert f.fit(cycles()) is f
    assert eval(repr(f), {"Forecaster": Forecaster}).get_params() == f.get_params()
    assert f.set_params(n=3).n == 3
    with pytest.raises(ValueError, match="eta is no setting"):
        f.set_params(eta=1)


def test_the_same_seed_gives_the_same_network_and_the_series_is_not_changed():
    series = cycles()
    kept = series.copy()
    one, two, other = (
        Forecaster(2, linear=0, penalty=1e-3, starts=2, rounds=20, seed=seed).fit(series)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(series, kept)
    assert np.array_equal(flatten(one.parameters_), flatten(two.parameters_))
    assert not np.allclose(flatten(one.parameters_), flatten(other.parameters_))


def test_units_do_not_matter():
    celsius, fahrenheit = cycles(), 32 + 1.8 * cycles()
    one, two = (
        Forecaster(2, linear=0, penalty=1e-2, starts=6, polished=True).fit(s)
        for s in (celsius, fahrenheit)
    )
    assert two.predict(5) == pytest.approx(32 + 1.8 * one.predict(5), rel=1e-6)


# pandas


@pytest.mark.parametrize(
    "index, following",
    [
        (
            pd.period_range("1900", periods=120, freq="Y"),
            pd.period_range("2020", periods=3, freq="Y"),
        ),
        (
            pd.period_range("2000-01", periods=120, freq="3M"),
            pd.period_range("2030-01", periods=3, freq="3M"),
        ),
        (
            pd.date_range("2000-01-31", periods=120, freq="ME"),
            pd.date_range("2010-01-31", periods=3, freq="ME"),
        ),
        (pd.RangeIndex(1900, 2020), pd.Index([2020, 2021, 2022])),
        (pd.Index(np.arange(1900.0, 2020.0)), pd.Index([2020.0, 2021.0, 2022.0])),
    ],
)
def test_a_pandas_series_comes_back_as_one(index, following):
    series = pd.Series(cycles(), index=index, name="cycle")
    f = Forecaster(2, linear=0, penalty=1e-3, starts=2, rounds=10).fit(series)
    plain = Forecaster(2, linear=0, penalty=1e-3, starts=2, rounds=10).fit(cycles())
    ahead = f.predict(3)
    assert isinstance(ahead, pd.Series) and ahead.name == "cycle"
    assert ahead.index.equals(following)
    assert np.array_equal(ahead.to_numpy(), plain.predict(3))
    band = f.predict(3, interval=0.9)
    assert all(part.index.equals(following) for part in band)
    assert f.one_step(series).index.equals(series.index)
    assert f.predict(2, series=series[:50]).index[0] == index[50]
    assert isinstance(f.predict(2, series=cycles()), np.ndarray)


def test_dates_without_a_stated_frequency_are_understood_if_regular():
    dates = pd.DatetimeIndex(pd.date_range("1990-01-01", periods=120, freq="QS").to_numpy())
    assert dates.freq is None
    f = Forecaster(1, linear=0, penalty=1e-2, starts=1, rounds=20)
    f.fit(pd.Series(cycles(), index=dates))
    assert f.predict(1).index[0] == pd.Timestamp("2020-01-01")


@pytest.mark.parametrize(
    "index, message",
    [
        (pd.Index(np.arange(120)[::-1]), "not sorted"),
        (pd.Index([0, 0, *range(2, 120)]), "with 0 twice"),
        (pd.Index([*range(119), 200]), "with gaps"),
        (pd.date_range("2000", periods=121, freq="D").delete(60), "with gaps"),
        (pd.period_range("2000", periods=121, freq="D").delete(60), "with gaps"),
        (pd.Index([f"year {i:03d}" for i in range(120)]), "evenly spaced"),
    ],
)
def test_an_index_that_is_not_regular_is_refused(index, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(1).fit(pd.Series(cycles(), index=index))


# Bad input


@pytest.mark.parametrize(
    "series, message",
    [
        ([*cycles()[:20], np.nan], r"series holds nan at position 20, wanted finite numbers"),
        ([np.inf, *cycles()[:20]], r"series holds inf at position 0"),
        ([None, *cycles()[:20]], r"series holds a missing value at position 0"),
        (np.ones(50), r"series is constant"),
        (np.full(50, 0.1), r"series is constant"),
        (cycles()[:10], r"series has 10 values, wanted at least 11"),
        ([], r"series has 0 values"),
        (cycles().reshape(60, 2), r"series has shape \(60, 2\), wanted one dimension"),
        (pd.DataFrame({"a": cycles()}), r"series has shape \(120, 1\)"),
        (5.0, r"series has shape \(\), wanted one dimension"),
        (["1", "2"] * 20, r"wanted real numbers"),
        (cycles() + 0j, r"wanted real numbers"),
        ([1.7e308, -1.7e308] * 20, r"too large"),
    ],
)
def test_a_bad_series_is_refused(series, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(1).fit(series)


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(n=0), "n is 0, wanted a whole number from 1 on"),
        (dict(n=2.0), r"n is 2\.0"),
        (dict(n=True), "n is True"),
        (dict(n=2, lags=0), "lags is 0"),
        (dict(n=2, starts=0), "starts is 0"),
        (dict(n=2, rounds=-1), "rounds is -1"),
        (dict(n=2, power=-1), "power is -1"),
        (dict(n=2, linear=60), "linear is 60, wanted at most 55 for a series of 120 values"),
        (dict(n=2, season=41), "season is 41, wanted at most 40: three seasons must fit"),
        (dict(n=2, season=4, linear=0), "season is 4, wanted None with linear=0"),
        (dict(n=2, penalty=-1e-3), "penalty is -0.001"),
        (dict(n=2, penalty=np.nan), "penalty is nan"),
    ],
)
def test_a_bad_setting_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Forecaster(**settings).fit(cycles())


def test_a_root_wants_no_negative_value(fitted):
    with pytest.raises(
        ValueError, match="series holds -1.0 at position 3, wanted no negative value"
    ):
        Forecaster(1, power=0.5).fit([*cycles()[:3], -1.0, *cycles()])


@pytest.mark.parametrize("steps", [0, -1, 2.0, True, None])
def test_bad_steps_are_refused(fitted, steps):
    with pytest.raises(ValueError, match="steps is"):
        fitted.predict(steps)
    with pytest.raises(ValueError, match="steps is"):
        fitted.horizon(cycles(), steps)


@pytest.mark.parametrize("interval", [0, 1, 90, -0.5, np.nan])
def test_a_bad_interval_is_refused(fitted, interval):
    with pytest.raises(ValueError, match="interval is"):
        fitted.predict(3, interval=interval)


def test_bad_use_after_the_fit_is_refused(fitted, tmp_path):
    with pytest.raises(ValueError, match="series has 2 values, wanted at least 3"):
        fitted.one_step(cycles()[:2])
    with pytest.raises(ValueError, match="form is 'matrix'"):
        fitted.equation("matrix")
    for use in (
        lambda f: f.predict(1),
        lambda f: f.one_step(cycles()),
        lambda f: f.equation(),
        lambda f: f.save(tmp_path / "unfitted.npz"),
    ):
        with pytest.raises(ValueError, match="not fitted"):
            use(Forecaster(2))
    assert not list(tmp_path.iterdir())


def test_integers_fractions_and_single_precision_are_numbers():
    whole = np.round(cycles()).astype(int)
    settings = dict(penalty=1e-2, starts=1, rounds=20)
    expected = Forecaster(1, **settings).fit(whole.astype(float)).predict(2)
    for series in (
        whole,
        whole.tolist(),
        whole.astype(np.float32),
        [Fraction(int(v)) for v in whole],
    ):
        assert np.array_equal(Forecaster(1, **settings).fit(series).predict(2), expected)


# Files


def test_a_loaded_forecaster_forecasts_as_the_saved_one(fitted, tmp_path):
    path = tmp_path / "cycles.model"
    fitted.save(path)
    loaded = Forecaster.load(path)
    assert loaded.get_params() == fitted.get_params()
    assert np.array_equal(loaded.predict(9), fitted.predict(9))
    assert np.array_equal(
        loaded.predict(4, interval=0.9).upper, fitted.predict(4, interval=0.9).upper
    )
    assert np.array_equal(loaded.one_step(cycles()), fitted.one_step(cycles()), equal_nan=True)
    assert [str(e) for e in loaded.equation()] == [str(e) for e in fitted.equation()]
    assert list(tmp_path.iterdir()) == [path]
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fiubU" for name in archive.files)
        assert json.loads(str(archive["settings"]))["lags"] == 2


def test_a_failed_save_leaves_the_old_file(fitted, tmp_path, monkeypatch):
    path = tmp_path / "f.npz"
    path.write_bytes(b"old")

    def half(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(storage.np, "savez", half)
    with pytest.raises(OSError, match="disk full"):
        fitted.save(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_what_is_not_our_file_is_refused(fitted, tmp_path):
    whole = tmp_path / "whole.npz"
    fitted.save(whole)
    content = whole.read_bytes()
    path = tmp_path / "other.npz"
    for other in (b"", b"not a model", content[:100], content[: len(content) // 2], content[:-5]):
        path.write_bytes(other)
        with pytest.raises(ValueError, match="is not a file that Forecaster.save wrote"):
            Forecaster.load(path)
    np.savez(path, W_aa=np.eye(2))
    with pytest.raises(ValueError, match="is not a file that Forecaster.save wrote"):
        Forecaster.load(path)
    np.savez(path, format="somebody's", version=1)
    with pytest.raises(ValueError, match="is not a file that Forecaster.save wrote"):
        Forecaster.load(path)
    with np.load(whole) as archive:
        arrays = dict(archive)
    del arrays["W_ya"]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="W_ya"):
        Forecaster.load(path)
    np.save(path.with_suffix(".npy"), np.eye(2))
    with pytest.raises(ValueError, match="is not a file that Forecaster.save wrote"):
        Forecaster.load(path.with_suffix(".npy"))
    with pytest.raises(FileNotFoundError):
        Forecaster.load(tmp_path / "nowhere.npz")


def test_a_damaged_byte_is_noticed_or_harmless(fitted, tmp_path):
    whole, path = tmp_path / "whole.npz", tmp_path / "damaged.npz"
    fitted.save(whole)
    content = whole.read_bytes()
    refused = 0
    for position in range(0, len(content), max(1, len(content) // 150)):
        damaged = bytearray(content)
        damaged[position] ^= 255
        path.write_bytes(damaged)
        try:
            loaded = Forecaster.load(path)
        except ValueError as error:
            assert "truncated or damaged" in str(error) or "newer" in str(error)
            refused += 1
        else:
            assert np.array_equal(loaded.predict(3), fitted.predict(3))
    assert refused > 50


def test_a_newer_file_is_refused(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_VERSION", 3)
    fitted.save(tmp_path / "new.npz")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format version 3, wanted at most 2: a newer rnn_lit"):
        Forecaster.load(tmp_path / "new.npz")


# NumPy alone

ALONE = """
import sys
import numpy as np

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"scipy", "sympy", "pandas", "matplotlib", "tqdm", "numba"}:
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
from rnn_lit import Forecaster
f = Forecaster(2, linear=0, starts=2, rounds=30).fit(10 + np.sin(np.arange(60.0)))
f.save(sys.argv[1])
assert np.array_equal(Forecaster.load(sys.argv[1]).predict(3), f.predict(3))
f.predict(3, interval=0.9)
try:
    f.equation()
except ImportError as error:
    print(error)
"""


def test_numpy_alone_is_enough_and_the_equation_names_its_extra(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "f.npz")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert 'pip install ".[verify]"' in run.stdout
