"""What ch-decide reads from its study: complete, of this code, blind to the future, recomputed."""

import itertools
import json

import decide
import numpy as np
import pytest
from scipy.optimize import brentq
from statsmodels.tsa.api import AutoReg

from rnn_lit import Forecaster, Parameters, equation, forward, initialise
from rnn_lit.training import flatten

pytestmark = pytest.mark.filterwarnings("ignore:the search")
ADVICE = "run `make decide`, then `make run`"


@pytest.fixture(scope="module")
def kept():
    return json.loads((decide.ROOT / decide.RESULT).read_text("utf-8"))


@pytest.fixture(scope="module")
def fitted():
    return decide.estimate()


def test_the_record_is_of_the_present_code_and_names_its_versions(kept):
    assert kept["code"] == decide.fingerprint(), ADVICE
    assert "Python 3." in kept["versions"] and "NumPy " in kept["versions"]


def test_the_record_is_complete_and_in_order(kept):
    keys = ("linear", "n", "lags", "penalty")
    assert [tuple(b[k] for k in keys) for b in kept["beside"]] == decide.BESIDE, ADVICE
    years, _ = decide.sunspots()
    wanted = int(np.sum(years >= kept["first"]))
    assert {len(b["forecasts"]) for b in kept["beside"]} == {wanted}
    assert len(kept["replicates"]) == decide.REPLICATES >= 200
    assert {len(r) for r in kept["replicates"]} == {11 + len(kept["invariants"])}
    assert len(kept["own cycles"]) == decide.REPLICATES
    assert list(kept["controls"]) == list(decide.CONTROLS)
    for series in kept["controls"].values():
        assert len(series) == decide.REPLICATES
        assert {len(numbers) for numbers in series} == {len(kept["invariants"]) + 1}


def test_beside_is_the_mean_of_the_forecasters(monkeypatch):
    monkeypatch.setattr(decide, "FOLDS", ((1820, 1845),))
    monkeypatch.setattr(decide, "SEEDS", 2)
    monkeypatch.setattr(decide, "ROUNDS", 40)
    years, series = decide.sunspots()
    made = decide.beside((3, 2, 2, 1e-2))
    settings = dict(n=2, lags=2, linear=3, penalty=1e-2, power=0.5, starts=1, rounds=40)
    for end, last in ((1820, 1845), (1845, 2008)):
        several = [
            Forecaster(**settings, seed=seed).fit(series[years <= end]).one_step(series)
            for seed in range(2)
        ]
        fold = (years > end) & (years <= last)
        assert made[fold[years > 1820]] == pytest.approx(np.mean(several, axis=0)[fold], abs=1e-3)


def test_no_forecast_beside_a_line_knows_a_later_year(monkeypatch):
    monkeypatch.setattr(decide, "FOLDS", ((1820, 1845),))
    monkeypatch.setattr(decide, "SEEDS", 1)
    monkeypatch.setattr(decide, "ROUNDS", 20)
    years, series = decide.sunspots()
    first = decide.beside((3, 1, 1, 1e-2))
    for changed in (1830, 1846, 1900):
        other = np.where(years >= changed, series[::-1] + 1, series)
        monkeypatch.setattr(decide, "sunspots", lambda other=other: (years, other))
        again, same = decide.beside((3, 1, 1, 1e-2)), years[years > 1820] <= changed
        # A year after the first fold is forecast by a fit to the years up to its end.
        same &= (years[years > 1820] <= 1845) | (changed > 1845)
        assert np.array_equal(again[same], first[same])
        assert not np.allclose(again[~same], first[~same])


def test_a_simulated_series_is_made_of_the_equation_and_the_centred_errors(fitted):
    fit, _, _ = fitted
    series = decide.simulated(fit, np.random.default_rng(5))
    v = (series - fit.mean_) / fit.scale_
    errors = v[1:] - forward(fit.parameters_, v[:-1, None]).y_hat[:, 0]
    centred = fit.residuals_ - fit.residuals_.mean()
    assert abs(errors[:, None] - centred).min(axis=1).max() < 1e-9
    assert len(np.unique(errors.round(9))) > 100 and len(series) == 221


@pytest.mark.parametrize("name", decide.CONTROLS)
def test_a_linear_model_is_that_of_statsmodels_and_comes_to_rest(name):
    lags, power = decide.CONTROLS[name]
    years, series = decide.sunspots()
    u = series[years <= 1920] ** power
    constant, phi, residuals, first = decide.linear_model(lags, power)
    other = AutoReg(u, lags).fit()
    assert [constant, *phi] == pytest.approx(other.params, rel=1e-6)
    assert residuals == pytest.approx(other.resid, rel=1e-6, abs=1e-6)
    model = constant, phi, np.zeros(1), first
    rest = decide.noise_made(model, power, 4000, np.random.default_rng(0))
    assert np.ptp(rest[-50:]) < 1e-6 < np.ptp(rest[:50])
    assert rest[-1] ** power == pytest.approx(constant / (1 - phi.sum()))


def test_a_linear_model_without_a_rest_is_refused(monkeypatch):
    years = np.arange(1700, 1921)
    growing = 1.01 ** np.arange(221.0) + np.random.default_rng(0).uniform(0, 1e-3, 221)
    monkeypatch.setattr(decide, "sunspots", lambda: (years, growing))
    with pytest.raises(ValueError, match=r"AR\(2\) whose largest root is 1\.0"):
        decide.linear_model(2, 1.0)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_noise_made_series_is_made_of_the_line_and_its_errors(power):
    model = 30.0, np.array([1.2, 0.1, -0.5]), np.array([-7.0, 3.0, 4.0]), np.array([90.0, 80, 70])
    s = decide.noise_made(model, power, 221, np.random.default_rng(5))
    u, constant = s**power, model[0]
    errors = u[3:] - (constant + 1.2 * u[2:-1] + 0.1 * u[1:-2] - 0.5 * u[:-3])
    assert s[:3] == pytest.approx(np.array([90.0, 80, 70]) ** (1 / power)) and len(s) == 221
    assert set(errors.round(6)) == {-7.0, 3.0, 4.0}


def test_roots_below_zero_are_no_values():
    model = -1.0, np.array([0.5]), np.zeros(1), np.array([2.0])
    made = decide.noise_made(model, 0.5, 4, np.random.default_rng(0))
    assert made.tolist() == [4.0, 0.0, 0.0, 0.0]


def test_the_apparent_cycle_of_a_sine_and_of_what_hardly_rises():
    wave = np.sin(2 * np.pi * np.arange(300) / 11.3)
    assert decide.apparent_cycle(wave, 0.0) == pytest.approx(11.3, abs=0.05)
    assert decide.apparent_cycle([0, 2, 0, 0, 2, 0, 0, 0, 0, 2], 1.0) == 4
    assert decide.apparent_cycle([0, 2, 2], 1.0) is None


def test_a_control_knows_no_year_after_1920(monkeypatch):
    years, series = decide.sunspots()
    first = decide.control("AR(2)", 0, 36.0)
    other = np.where(years > 1920, series[::-1] + 1, series)
    monkeypatch.setattr(decide, "sunspots", lambda: (years, other))
    assert decide.control("AR(2)", 0, 36.0) == first
    assert decide.control("AR(2)", 1, 36.0) != first


def test_every_equal_network_is_brought_back():
    draw = np.random.default_rng(3)
    p = initialise(3, 1, 1, draw)._replace(b_a=draw.standard_normal(3))
    near = Parameters(*(w + 1e-3 * draw.standard_normal(w.shape) for w in p))
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            moved = equation.rearrange(near, order, signs)
            assert np.array_equal(flatten(decide.nearest(moved, p)), flatten(near))


def test_invariants_of_one_unit_by_other_means():
    w, u, b, c, d = 0.3, 0.02, -0.7, 40.0, 50.0
    p = Parameters(*map(np.array, ([[w]], [[u]], [b], [[c]], [d])))
    a = brentq(lambda a: a - np.tanh(w * a + u * (c * a + d) + b), -1, 1, xtol=1e-14)
    slope = 1 - a * a
    s, rho, closed, turn, cycle, ceiling = decide.invariants(p, 50.0)
    assert (s, ceiling) == pytest.approx((c * a + d, c + d))
    assert (rho, closed) == pytest.approx((slope * w, slope * (w + u * c)))
    assert turn is cycle is None


def test_the_mean_cycle_of_a_rotation_is_its_period():
    """Nearly linear units that turn by 2π/12 a step and grow: the closed loop turns as fast."""
    angle, grow = 2 * np.pi / 12, 1.02
    turn = grow * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    p = Parameters(turn, np.zeros((2, 1)), np.zeros(2), np.array([[10.0, 0.0]]), np.zeros(1))
    p = p._replace(W_ax=np.array([[1e-6], [0.0]]))
    assert decide.mean_cycle(p, 0.0) == pytest.approx(12, abs=0.2)
    assert decide.mean_cycle(p._replace(W_aa=0.5 * turn), 0.0) is None


def test_a_replicate_and_the_estimate_computed_again_agree(kept, fitted):
    fit, like, numbers = fitted
    assert numbers == pytest.approx(kept["estimate"], rel=1e-3)
    again = decide.replicate(0, fit, like)
    assert again == pytest.approx(kept["replicates"][0], rel=2e-2, abs=2e-3)
    level = numbers[-len(decide.NAMES)]
    assert decide.own_cycles(fit, level)[:9] == pytest.approx(kept["own cycles"][:9], rel=1e-3)


@pytest.mark.parametrize("name", decide.CONTROLS)
def test_a_control_computed_again_agrees(kept, name):
    level, wanted = kept["estimate"][-len(decide.NAMES)], kept["controls"][name][0]
    again = decide.control(name, 0, level)
    assert [v is None for v in again] == [v is None for v in wanted]
    numbers = [(a, w) for a, w in zip(again, wanted, strict=True) if w is not None]
    assert [a for a, _ in numbers] == pytest.approx([w for _, w in numbers], rel=2e-2, abs=2e-3)


def test_the_estimate_rounds_to_the_equation_that_is_printed(kept):
    """From the unrounded minimum: 31.849 is 31.8, while 31.85 of 31.849 would become 31.9."""
    book = decide.ROOT / "src" / "rnn_lit" / "_book"
    found = json.loads((book / "equation.json").read_text("utf-8"))
    printed = [w for array in found["parameters"].values() for w in np.ravel(array)]
    rounded = decide.shortened(kept["estimate"][: len(printed)], found["digits"])
    assert rounded == printed
