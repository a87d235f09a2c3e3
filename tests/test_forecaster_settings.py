"""Settings, what is frozen at the fit, seeds, and the conventions of scikit-learn."""

import copy
import pickle
import sys
import types
import warnings

import numpy as np
import pytest

from rnn_lit import Forecaster
from rnn_lit.training import flatten

K = dict(penalty=1e-3, starts=1, rounds=20)
S = 10 + np.sin(0.5 * np.arange(60))
quiet = pytest.mark.filterwarnings("ignore:the search")

BAD = [
    ("n", 0, "wanted a whole number from 1 on"),
    ("n", 2.0, "whole number"),
    ("n", True, "whole number"),
    ("n", "2", "whole number"),
    ("n", [2], "whole number"),
    ("lags", -1, "whole number"),
    ("lags", np.array([1, 2]), "whole number"),
    ("starts", None, "whole number"),
    ("rounds", 1.5, "whole number"),
    ("power", "0.5", "wanted a number from 0 on"),
    ("power", "sqrt", "number from 0 on"),
    ("power", -0.5, "number from 0 on"),
    ("power", np.nan, "number from 0 on"),
    ("power", [1.0], "number from 0 on"),
    ("power", True, "number from 0 on"),
    ("power", 10**400, "number from 0 on"),  # more than a float holds
    ("linear", -1, "wanted a whole number from 0 on"),
    ("linear", 2.0, "whole number"),
    ("linear", True, "whole number"),
    ("season", 1, "wanted a whole number from 2 on, or None"),
    ("season", 0, "from 2 on"),
    ("season", 12.0, "from 2 on"),
    ("season", "monthly", "from 2 on"),
    ("season", True, "from 2 on"),
    ("penalty", "auto", "wanted a number from 0 on, or None"),
    ("penalty", -1e-3, "from 0 on"),
    ("penalty", np.inf, "from 0 on"),
    ("penalty", 1j, "from 0 on"),
    ("polished", "no", "wanted True or False"),
    ("polished", 1, "wanted True or False"),
    ("seed", -1, "wanted a whole number from 0 on, a NumPy generator or SeedSequence, or None"),
    ("seed", 1.5, "whole number from 0 on"),
    ("seed", "0", "whole number from 0 on"),
    ("seed", True, "whole number from 0 on"),
]


@pytest.mark.parametrize("name, value, message", BAD)
def test_one_check_of_a_setting_serves_fit_and_set_params(name, value, message):
    f = Forecaster(**{"n": 2, **K, name: value})  # the constructor only stores
    with pytest.raises(ValueError, match=f"{name} is .*{message}"):
        f.fit(S)
    assert not [key for key in vars(f) if key.endswith("_")]
    g = Forecaster(2, **K)
    kept = g.get_params()
    with pytest.raises(ValueError, match=f"{name} is .*{message}"):
        g.set_params(**{"rounds": 7, name: value})
    assert g.get_params() == kept


@quiet
@pytest.mark.parametrize(
    "changed", [dict(power=2.0), dict(lags=1), dict(n=3), dict(seed=9), dict(penalty=1.0)]
)
def test_what_was_fitted_does_not_follow_the_settings(changed, tmp_path):
    f = Forecaster(2, lags=2, **K).fit(S)
    before = f.predict(5, interval=0.9)
    lines, table = [str(line) for line in f.equation()], f.horizon(S, 2)
    f.set_params(**changed)
    after = f.predict(5, interval=0.9)
    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    assert [str(line) for line in f.equation()] == lines
    assert np.array_equal(f.horizon(S, 2), table, equal_nan=True)
    f.save(tmp_path / "f.npz")
    loaded = Forecaster.load(tmp_path / "f.npz")
    assert np.array_equal(loaded.predict(5, interval=0.9).upper, before.upper)
    assert loaded.get_params() == Forecaster(2, lags=2, **K).get_params()
    assert (f.n_, f.lags_, f.power_, f.penalty_) == (2, 2, 1.0, 1e-3)
    f.n = f.lags = f.power = None  # attributes set by hand are no way in either
    assert np.array_equal(f.predict(5), before.mean)


@quiet
def test_a_refit_that_fails_leaves_the_old_fit():
    f = Forecaster(2, **K).fit(S)
    before = f.predict(3)
    for series in (np.ones(60), [np.nan] * 60):
        with pytest.raises(ValueError):
            f.set_params(lags=3).fit(series)
        assert f.lags_ == 1 and np.array_equal(f.predict(3), before)


@quiet
def test_every_kind_of_seed_works_as_elsewhere():
    def theta(seed):
        return flatten(Forecaster(2, **{**K, "seed": seed}).fit(S).parameters_)

    assert np.array_equal(theta(3), theta(np.int64(3)))
    assert np.array_equal(theta(2**70), theta(2**70))
    for new in (np.random.default_rng, np.random.SeedSequence, np.random.PCG64):
        assert np.array_equal(theta(new(5)), theta(new(5)))
    shared = np.random.default_rng(5)
    assert not np.allclose(theta(shared), theta(shared))
    sequence = np.random.SeedSequence(5)
    assert np.array_equal(theta(sequence), theta(sequence))
    assert not np.allclose(theta(None), theta(None))


@quiet
def test_a_fit_with_any_seed_forecasts_the_same_twice_and_can_be_kept(tmp_path):
    for seed in (None, np.random.default_rng(1), np.random.SeedSequence(1), 2**80):
        f = Forecaster(2, **{**K, "seed": seed}).fit(S)
        band = f.predict(3, interval=0.9)
        assert np.array_equal(f.predict(3, interval=0.9).upper, band.upper)
        f.save(tmp_path / "f.npz")
        loaded = Forecaster.load(tmp_path / "f.npz")
        assert np.array_equal(loaded.predict(3, interval=0.9).upper, band.upper)
        assert loaded.seed == f.seed_


def test_the_global_random_state_is_left_alone():
    np.random.seed(4)
    before = np.random.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Forecaster(2, **{**K, "seed": None}).fit(S).predict(2, interval=0.9)
    assert np.array_equal(np.random.get_state()[1], before)


def test_a_search_that_stopped_early_is_told():
    with pytest.warns(RuntimeWarning, match="the search stopped after all 20 rounds.*rounds"):
        f = Forecaster(2, penalty=1e-3, starts=2, rounds=20).fit(S)
    assert f.n_iter_ == 20 and f.converged_ is False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g = Forecaster(1, penalty=1e-1, starts=2, rounds=2000).fit(S)
        h = Forecaster(1, penalty=1e-1, starts=2, rounds=30, polished=True).fit(S)
    assert g.converged_ is True and h.converged_ is True and g.n_iter_ < 2000


@quiet
def test_copies_and_pickles_are_forecasters():
    f = Forecaster(2, **K).fit(S)
    for g in (copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert np.array_equal(g.predict(3, interval=0.5).lower, f.predict(3, interval=0.5).lower)


def test_not_fitted_is_the_error_that_scikit_learn_users_catch():
    for use in (
        lambda f: f.predict(1),
        lambda f: f.score(S),
        lambda f: f.update(S),
        lambda f: f.horizon(S, 1),
    ):
        with pytest.raises(ValueError, match=r"not fitted: call fit\(series\)") as caught:
            use(Forecaster(2))
        assert isinstance(caught.value, AttributeError)


@quiet
def test_score_is_the_share_of_the_variance_forecast_one_step_ahead():
    f = Forecaster(2, lags=2, **K).fit(S)
    later = 10 + np.sin(0.5 * np.arange(60, 90))
    errors = later[2:] - f.one_step(later)[2:]
    wanted = 1 - (errors @ errors) / ((later[2:] - later[2:].mean()) ** 2).sum()
    assert f.score(later) == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ValueError, match="series is constant from position 2 on"):
        f.score(np.full(20, 3.0))


@quiet
@pytest.mark.parametrize("interval", [0, 1, "90%", [0.8, 0.95], None, True, 1j])
def test_an_interval_is_one_probability(interval):
    f = Forecaster(2, **K).fit(S)
    if interval is None:
        assert f.predict(2, interval=None).shape == (2,)
        return
    with pytest.raises(ValueError, match="interval is .*, wanted a number between 0 and 1"):
        f.predict(3, interval=interval)


@quiet
def test_the_state_from_which_another_series_is_continued_is_zero_before_it():
    f = Forecaster(2, linear=0, **K).fit(S)
    W_aa, W_ax, b_a, W_ya, b_y = f.parameters_
    a = np.zeros(2)
    for s in (S[-2:] - f.mean_) / f.scale_:
        a = np.tanh(W_aa @ a + W_ax[:, 0] * s + b_a)
    wanted = f.mean_ + f.scale_ * (W_ya @ a + b_y)
    assert f.predict(1, series=S[-2:]) == pytest.approx(wanted, rel=1e-12)
    assert "starts at zero" in " ".join(Forecaster.predict.__doc__.split())
    assert abs(f.predict(1, series=S) - f.predict(1))[0] < 1e-12


@quiet
def test_update_is_predict_of_the_longer_series_and_refits_nothing():
    f = Forecaster(2, lags=3, **K).fit(S)
    theta, residuals = flatten(f.parameters_), f.residuals_.copy()
    later = 10 + np.sin(0.5 * np.arange(60, 75)) + 0.1
    whole = np.concatenate([S, later])
    f.update(later[:1]).update(later[1:10].tolist()).update(later[10:])
    assert np.array_equal(f.series_, whole)
    assert np.array_equal(flatten(f.parameters_), theta)
    assert np.array_equal(f.residuals_, residuals)
    assert f.predict(6) == pytest.approx(f.predict(6, series=whole), rel=1e-13)
    before = f.predict(6)
    for bad in ([np.nan], [], [[1.0]], ["1"], [1.0, np.inf]):
        with pytest.raises(ValueError, match="values "):
            f.update(bad)
        assert np.array_equal(f.predict(6), before) and len(f.series_) == 75
    root = Forecaster(1, power=0.5, **K).fit(S)
    with pytest.raises(ValueError, match="values holds -1.0 at position 0, wanted no negative"):
        root.update([-1.0])


@quiet
def test_a_search_over_settings_by_scikit_learn():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
    from sklearn.utils.validation import check_is_fitted

    assert sklearn
    f = Forecaster(2, **K)
    assert clone(f).get_params() == f.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(f)
    check_is_fitted(f.fit(S))
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(f))
    search = GridSearchCV(f, {"n": [1, 2], "lags": [1, 2]}, cv=TimeSeriesSplit(3, test_size=12))
    search.fit(S)
    assert search.best_params_["lags"] == 2  # a sine is a recursion of two lags
    assert search.best_estimator_.predict(2).shape == (2,)
    with pytest.raises(NotFittedError):
        Forecaster(2).predict(1)


@quiet
def test_the_power_0_is_the_logarithm():
    logarithms = Forecaster(1, power=0, **K).set_params(power=0).fit(S)
    assert logarithms.mean_ == pytest.approx(np.log(S).mean())


def test_scikit_learn_is_told_that_a_series_is_no_table(monkeypatch):
    """Its own classes are not needed: whatever they are called with is kept."""
    utils = types.ModuleType("sklearn.utils")
    for name in ("InputTags", "Tags", "TargetTags"):
        setattr(utils, name, lambda **told: types.SimpleNamespace(**told))
    monkeypatch.setitem(sys.modules, "sklearn", types.ModuleType("sklearn"))
    monkeypatch.setitem(sys.modules, "sklearn.utils", utils)
    tags = Forecaster(1).__sklearn_tags__()
    assert tags.input_tags.one_d_array is True and tags.input_tags.two_d_array is False
    assert tags.estimator_type is None and tags.target_tags.required is False


def test_what_is_shown_makes_the_same_forecaster():
    f = Forecaster(3, lags=2, power=0.5, polished=True, seed=7)
    again = eval(repr(f), {"Forecaster": Forecaster})
    assert again.get_params() == f.get_params()


@quiet
def test_no_penalty_is_a_penalty():
    f = Forecaster(1, linear=0, penalty=0, starts=1, rounds=20).fit(S)
    assert f.penalty_ == 0 and f.set_params(penalty=0.0) is f
