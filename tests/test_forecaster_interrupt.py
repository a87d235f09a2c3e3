"""Ctrl-C: it reaches the caller, and what was found until then is on the Forecaster."""

import numpy as np
import pytest

from rnn_lit import Forecaster, Interrupted
from rnn_lit import _search as search
from rnn_lit._search import side_by_side
from rnn_lit._series import lagged
from rnn_lit.training import flatten

S = 10 + np.sin(0.5 * np.arange(60)) + 0.1 * np.random.default_rng(0).standard_normal(60)
NOISE = np.random.default_rng(1).standard_normal(60)
pytestmark = pytest.mark.filterwarnings("ignore:the search")


def interrupting(monkeypatch, after, where=search, name="separate"):
    calls, evaluate = [], getattr(where, name)

    def evaluation(*arguments, **options):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(where, name, evaluation)


def test_the_best_of_the_search_is_kept(monkeypatch):
    interrupting(monkeypatch, 25)
    f = Forecaster(2, linear=0, penalty=1e-3, starts=3)
    with pytest.raises(Interrupted) as caught:
        f.fit(S)
    monkeypatch.undo()
    assert isinstance(caught.value, KeyboardInterrupt)
    x, y = lagged((S - f.mean_) / f.scale_, 1)
    theta, _ = search.random_starts(2, 1, 0, 3)
    reached = search.minimise(search.evaluator(2, x[:-1], y, 1e-3), theta, 25)
    assert f.interrupted_ and not f.converged_ and f.n_iter_ == 25
    assert f.objectives_ == pytest.approx(reached.J, rel=1e-12)
    assert flatten(f.parameters_) == pytest.approx(reached.theta[reached.J.argmin()], rel=1e-9)


@pytest.mark.parametrize("after", [25, 70])
def test_an_interrupt_when_some_starts_were_left(monkeypatch, after):
    whole = Forecaster(3, linear=0, penalty=1e-4, starts=24, rounds=100).fit(NOISE)
    interrupting(monkeypatch, after)
    f = Forecaster(3, linear=0, penalty=1e-4, starts=24, rounds=100)
    with pytest.raises(Interrupted):
        f.fit(NOISE)
    monkeypatch.undo()
    assert f.interrupted_ and f.n_iter_ == after
    assert (f.objectives_ == whole.objectives_).sum() >= 18  # those left after ten rounds
    x, y = lagged((NOISE - f.mean_) / f.scale_, 1)
    theta = flatten(f.parameters_)[None]
    (height,), _ = side_by_side(theta, 3, x[:-1], y, 1e-4)
    assert height == pytest.approx(f.objectives_.min(), rel=1e-12)
    assert whole.objectives_.min() < height


def test_a_loop_over_series_ends(monkeypatch):
    interrupting(monkeypatch, 30)
    done = []
    with pytest.raises(KeyboardInterrupt):
        for _ in range(5):
            done.append(Forecaster(2, linear=0, penalty=1e-3, starts=1, rounds=20).fit(S))
    assert len(done) == 1


@pytest.mark.parametrize("after", [1, 30, 70, 101, 140])
def test_an_interrupt_while_the_penalty_is_chosen(monkeypatch, after):
    interrupting(monkeypatch, after)
    f = Forecaster(2, linear=0, starts=3, rounds=50)
    with pytest.raises(Interrupted):
        f.fit(S)
    assert f.interrupted_ and np.isfinite(f.one_step(S)[1:]).all()
    assert f.penalty_ in Forecaster.PENALTIES and len(f.objectives_) == 3


def test_an_interrupt_of_the_polish_keeps_what_l_bfgs_found(monkeypatch):
    interrupting(monkeypatch, 2, search, "hessian")
    f = Forecaster(2, linear=0, penalty=1e-2, starts=3, rounds=30, polished=True)
    with pytest.raises(Interrupted):
        f.fit(S)
    monkeypatch.undo()
    rough = Forecaster(2, linear=0, penalty=1e-2, starts=3, rounds=30).fit(S)
    assert f.interrupted_ and not f.converged_
    assert np.array_equal(f.objectives_, rough.objectives_)
    x, y = lagged((S - f.mean_) / f.scale_, 1)

    def height(g):
        theta = flatten(g.parameters_)[None]
        return side_by_side(theta, 2, x[:-1], y, 1e-2)[0][0]

    assert height(f) <= height(rough)


def test_before_anything_is_found_the_old_fit_stays(monkeypatch):
    f = Forecaster(2, linear=0, penalty=1e-3, starts=2, rounds=20).fit(S)
    before = f.predict(3)
    interrupting(monkeypatch, 0)
    with pytest.raises(KeyboardInterrupt):
        f.fit(S + 1)
    assert np.array_equal(f.predict(3), before) and not f.interrupted_
    with pytest.raises(KeyboardInterrupt):
        g = Forecaster(2, linear=0, penalty=1e-3, starts=2)
        g.fit(S)
    assert not hasattr(g, "parameters_")


def test_an_interrupted_fit_can_be_kept(monkeypatch, tmp_path):
    interrupting(monkeypatch, 9)
    f = Forecaster(2, linear=0, penalty=1e-3, starts=2)
    with pytest.raises(Interrupted):
        f.fit(S)
    f.save(tmp_path / "f.npz")
    loaded = Forecaster.load(tmp_path / "f.npz")
    assert loaded.interrupted_ and np.array_equal(loaded.predict(2), f.predict(2))
