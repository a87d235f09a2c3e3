"""Training, against closed forms, a scalar loop, SciPy's own minimiser and scripted losses."""

import copy
import multiprocessing
import pickle
import sys

import numpy as np
import pytest

from rnn_lit import (
    Diverged,
    Interrupted,
    Parameters,
    forward,
    initialise,
    mean_squared_error,
    objective,
    train,
)
from rnn_lit.training import flatten, unflatten, without_first

METHODS = {"gradient descent": 0.3, "momentum": 0.1, "adam": 0.05, "L-BFGS": None}
ZERO = Parameters(*(np.zeros(shape) for shape in ((2, 2), (2, 1), (2,), (1, 2), (1,))))


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    parameters = initialise(2, 1, 1, rng)
    x = rng.standard_normal((30, 1))
    return parameters, x, np.roll(x, 1, axis=0) + 0.1 * rng.standard_normal((30, 1))


def no_loss(states, y, g_2):
    """Of no parameter; with a penalty c the objective is then the parabola c‖θ‖²."""
    return 0.0, np.zeros_like(states.o)


def scripted(values):
    """A loss that takes the values in turn, whatever the network does."""
    values = iter(values)

    def loss(states, y, g_2):
        return next(values), np.zeros_like(states.o)

    return loss


def penalised_path(method, eta, rounds, problem, c=0.5):
    """The lengths ‖θ‖ that a run on c‖θ‖² passes through, read off its losses."""
    history = train(*problem, rounds=rounds, eta=eta, method=method, loss=no_loss, penalty=c)
    return np.sqrt(history.losses / c)


def test_flatten_and_unflatten_are_inverse(problem):
    theta = flatten(problem[0])
    assert theta.shape == (11,) and theta[0] == problem[0].W_aa[0, 0]
    for w, again in zip(problem[0], unflatten(theta, problem[0]), strict=True):
        assert w.shape == again.shape and (w == again).all()
    with pytest.raises(ValueError, match=r"vector has shape \(10,\), wanted \(11,\)"):
        unflatten(theta[:10], problem[0])


@pytest.mark.parametrize("washout", [0, 7])
def test_the_gradient_of_the_objective_by_complex_step(problem, washout):
    parameters, x, y = problem
    v = np.random.default_rng(1).standard_normal(11)
    kind = dict(penalty=0.3, loss=without_first(mean_squared_error, washout))
    _, gradient, _ = objective(parameters, x, y, **kind)
    stepped = unflatten(flatten(parameters) + 1e-30j * v, parameters)
    derivative = objective(stepped, x, y, **kind)[0].imag / 1e-30
    assert flatten(gradient) @ v == pytest.approx(derivative, rel=1e-12)


def test_the_objective_is_the_mean_square_plus_the_penalty(problem):
    parameters, x, y = problem
    y_hat = forward(parameters, x).y_hat
    F, _, states = objective(
        parameters, x, y, penalty=0.3, loss=without_first(mean_squared_error, 4)
    )
    by_hand = np.mean((y_hat - y)[4:] ** 2) + 0.3 * sum(np.sum(w**2) for w in parameters)
    assert pytest.approx(by_hand, rel=1e-13) == F
    assert (states.y_hat == y_hat).all()


def test_gradient_descent_on_a_parabola(problem):
    """θ ← θ − η·2cθ shrinks every length by 1 − 2cη, here by 0.8."""
    lengths = penalised_path("gradient descent", 0.2, 9, problem)
    assert lengths == pytest.approx(lengths[0] * 0.8 ** np.arange(10), rel=1e-12)


def test_momentum_on_a_parabola(problem):
    """Powers of the matrix of one update, which chapter 7 writes down."""
    h, mu = 0.2, 0.9
    step = np.array([[1 - h, -mu], [h, mu]])
    factors = [abs((np.linalg.matrix_power(step, i) @ [1, 0])[0]) for i in range(10)]
    lengths = penalised_path("momentum", 0.2, 9, problem)
    assert lengths == pytest.approx(lengths[0] * np.array(factors), rel=1e-12)


def test_adam_is_the_published_rule(problem):
    """A scalar loop for every parameter, in the order of the paper's algorithm."""
    eta, c, ends = 0.05, 0.5, []
    for w in flatten(problem[0]):
        mean = square = 0.0
        for t in range(1, 8):
            g = 2 * c * w
            mean = 0.9 * mean + 0.1 * g
            square = 0.999 * square + 0.001 * g * g
            w -= eta * (mean / (1 - 0.9**t)) / ((square / (1 - 0.999**t)) ** 0.5 + 1e-8)
        ends.append(w)
    lengths = penalised_path("adam", eta, 7, problem)
    assert lengths[-1] == pytest.approx(np.linalg.norm(ends), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_solves_a_convex_case(method, problem):
    """From zero parameters only b_y moves, and Σ(b_y − y_t)²/T + c·b_y² has a known minimum."""
    if method == "L-BFGS":
        pytest.importorskip("scipy")
    _, x, y = problem
    y = y + 3
    history = train(ZERO, x, y, rounds=600, eta=METHODS[method], method=method, penalty=0.01)
    found = history.parameters
    assert found.b_y == pytest.approx(y.mean() / 1.01, rel=1e-6)
    assert all((w == 0).all() for w in found[:4])
    assert history.losses.min() == pytest.approx(y.var() + 0.01 * y.mean() ** 2 / 1.01, rel=1e-9)


def test_l_bfgs_finds_what_scipy_finds_without_a_gradient(problem):
    scipy_optimize = pytest.importorskip("scipy.optimize")
    parameters, x, y = problem
    history = train(parameters, x, y, rounds=2000, method="L-BFGS", penalty=0.01)
    other = scipy_optimize.minimize(
        lambda theta: objective(unflatten(theta, parameters), x, y, penalty=0.01)[0],
        flatten(history.parameters) + 0.01,
        method="BFGS",
    )
    assert history.reason == "converged"
    assert history.losses.min() == pytest.approx(other.fun, abs=1e-9)
    assert flatten(history.parameters) == pytest.approx(other.x, abs=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_one_loss_for_each_gradient_and_the_best_parameters(method, problem):
    if method == "L-BFGS":
        pytest.importorskip("scipy")
    calls = []

    def counted(states, y, g_2):
        calls.append(1)
        return mean_squared_error(states, y, g_2)

    before = flatten(problem[0]).copy()
    history = train(*problem, rounds=12, eta=METHODS[method], method=method, loss=counted)
    assert len(calls) == len(history.losses) == len(history.gradient_norms) == 13
    assert (history.rounds, history.reason) == (12, "rounds")
    assert history.validation_losses.shape == (0,)
    F, _, _ = objective(history.parameters, *problem[1:])
    assert F == history.losses.min() < history.losses[0]
    assert (flatten(problem[0]) == before).all()
    _, gradient, _ = objective(*problem)
    assert history.gradient_norms[0] == pytest.approx(np.linalg.norm(flatten(gradient)))


def test_the_best_and_not_the_last(problem):
    values = [5.0, 3.0, 4.0, 3.5]
    history = train(*problem, rounds=3, eta=0.1, loss=scripted(values), penalty=0.0)
    assert list(history.losses) == values
    assert (flatten(history.parameters) == flatten(problem[0])).all()  # e = 0: θ never moved
    moved = train(*problem, rounds=3, eta=2.5, loss=no_loss, penalty=0.5)  # θ ← −1.5 θ
    assert (flatten(moved.parameters) == flatten(problem[0])).all()


@pytest.mark.parametrize(
    "tolerance, rounds",
    [(0.0, 6), (0.15, 4)],  # 3.9 is a new best by 0.1, which counts only without a tolerance
)
def test_patience(problem, tolerance, rounds):
    values = [5.0, 4.0, 4.1, 3.9, 4.0, 3.9, 3.95, 1.0, 1.0]
    history = train(
        *problem, rounds=8, eta=0.1, loss=scripted(values), patience=3, tolerance=tolerance
    )
    assert (history.rounds, history.reason) == (rounds, "patience")


def test_small_gains_add_up_until_they_count(problem):
    """Each round gains 0.1; with a tolerance of 0.25 every third round is a new reference."""
    values = np.arange(20, 0, -1) / 10
    history = train(*problem, rounds=15, eta=0.1, loss=scripted(values), patience=4, tolerance=0.25)
    assert history.reason == "rounds"


def test_validation_continues_the_series_and_chooses(problem):
    parameters, x, y = problem
    cut = 20
    history = train(
        parameters, x[:cut], y[:cut], rounds=40, eta=0.3, validation=(x[cut:], y[cut:]),
        penalty=0.01, washout=2,
    )  # fmt: skip
    y_hat = forward(history.parameters, x).y_hat[cut:]
    assert history.validation_losses.min() == pytest.approx(np.mean((y_hat - y[cut:]) ** 2))
    first = forward(parameters, x).y_hat[cut:]
    assert history.validation_losses[0] == pytest.approx(np.mean((first - y[cut:]) ** 2))
    assert len(history.validation_losses) == 41
    a_0 = np.array([0.5, -0.5])
    other = train(
        parameters, x[:cut], y[:cut], rounds=1, eta=0.3, a_0=a_0, validation=(x[cut:], y[cut:])
    )
    first = forward(parameters, x, a_0).y_hat[cut:]
    assert other.validation_losses[0] == pytest.approx(np.mean((first - y[cut:]) ** 2))


def test_patience_watches_the_validation_loss(problem):
    parameters, x, y = problem
    falling = iter(range(100, 0, -1))

    def loss(states, y, g_2):
        return (1.0 if len(y) == 5 else next(falling)), np.zeros_like(states.o)

    history = train(
        parameters, x[:25], y[:25], rounds=50, eta=0.1, loss=loss, patience=6,
        validation=(x[25:], y[25:]),
    )  # fmt: skip
    assert (history.rounds, history.reason) == (6, "patience")


def test_an_interruption_loses_nothing(problem):
    def interrupted(after):
        calls = iter(range(after))

        def loss(states, y, g_2):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return mean_squared_error(states, y, g_2)

        with pytest.raises(Interrupted, match="interrupted") as caught:
            train(*problem, rounds=50, eta=0.1, loss=loss)
        return caught.value.history

    history = interrupted(8)
    whole = train(*problem, rounds=7, eta=0.1)
    assert (history.reason, history.rounds) == ("interrupted", 7)
    assert (history.losses == whole.losses).all()
    assert (flatten(history.parameters) == flatten(whole.parameters)).all()
    at_once = interrupted(0)
    assert (at_once.reason, at_once.rounds, len(at_once.losses)) == ("interrupted", 0, 0)
    assert (flatten(at_once.parameters) == flatten(problem[0])).all()


def test_an_interruption_of_every_method_is_a_keyboard_interrupt(problem):
    """A loop over trainings ends with it: `except Exception` does not swallow it."""
    assert issubclass(Interrupted, KeyboardInterrupt) and not issubclass(Interrupted, Exception)
    for method, eta in METHODS.items():
        calls = iter(range(4))

        def loss(states, y, g_2, calls=calls):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return mean_squared_error(states, y, g_2)

        with pytest.raises(KeyboardInterrupt) as caught:
            train(*problem, rounds=50, eta=eta, method=method, loss=loss)
        found = caught.value.history
        assert len(found.losses) == 4 and found.rounds == 3
        assert objective(found.parameters, *problem[1:])[0] == found.losses.min()


def diverging():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 1))
    train(initialise(2, 1, 1, rng), x, x, rounds=5000, eta=50)


def test_what_ends_a_training_crosses_to_another_process():
    with pytest.raises(Diverged) as caught:
        diverging()
    history = caught.value.history
    for error in (caught.value, Interrupted("stopped", history)):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(again) is type(error) and str(again) == str(error)
            assert (again.history.losses == history.losses).all()
            assert (flatten(again.history.parameters) == flatten(history.parameters)).all()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(Diverged) as sent:
            pool.apply_async(diverging).get(timeout=120)
    assert (sent.value.history.losses == history.losses).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["gradient descent", "momentum"])
def test_a_diverging_run_says_so(problem, method):
    with pytest.raises(FloatingPointError) as caught:
        train(*problem, rounds=5000, eta=50, method=method)
    history = caught.value.history
    text = str(caught.value)
    assert isinstance(caught.value, Diverged)
    assert f"diverged in round {history.rounds + 1}:" in text
    assert f"{history.losses[-1]:.3g}" in text and "eta" in text
    assert np.isfinite(history.losses).all() and len(history.losses) == history.rounds + 1
    F, _, _ = objective(history.parameters, *problem[1:])
    assert history.losses.min() == F


def test_divergence_by_script(problem):
    with pytest.raises(Diverged, match=r"round 3: .* last finite objective was 7"):
        train(*problem, rounds=9, eta=0.1, loss=scripted([8.0, 6.0, 7.0, np.inf]))
    with pytest.raises(Diverged, match="cannot start"):
        train(*problem, rounds=9, eta=0.1, loss=scripted([np.nan]))


def test_clipping_bounds_the_step_and_reports_the_true_norm(problem):
    c, eta, longest = 0.5, 0.1, 0.25
    history = train(*problem, rounds=3, eta=eta, loss=no_loss, penalty=c, clip_norm=longest)
    lengths = np.sqrt(history.losses / c)
    assert lengths[0] > 2 * longest
    assert -np.diff(lengths) == pytest.approx(eta * longest)
    assert history.gradient_norms == pytest.approx(lengths)


def test_a_batch_is_trained_as_one(problem):
    parameters, x, y = problem
    both = train(parameters, np.stack([x, x], axis=1), np.stack([y, y], axis=1), rounds=20, eta=0.2)
    one = train(parameters, x, y, rounds=20, eta=0.2)
    assert both.losses == pytest.approx(one.losses, rel=1e-12)


@pytest.mark.parametrize(
    "settings, named",
    [
        (dict(rounds=0), "rounds is 0"),
        (dict(rounds=2.5), "rounds is 2.5"),
        (dict(eta=None), "eta is None"),
        (dict(eta=-1), "eta is -1"),
        (dict(eta=np.nan), "eta is nan"),
        (dict(method="newton"), "method is 'newton', wanted one of 'gradient descent'"),
        (dict(penalty=-0.1), "penalty is -0.1"),
        (dict(penalty=np.nan), "penalty is nan"),
        (dict(tolerance=-1), "tolerance is -1"),
        (dict(patience=0), "patience is 0"),
        (dict(washout=-1), "washout is -1"),
        (dict(washout=30), "washout is 30, wanted fewer than the 30 steps"),
        (dict(clip_norm=0), "max_norm is 0"),
        (dict(method="L-BFGS", clip_norm=1.0), "clip_norm is 1.0, wanted None"),
        (dict(validation=(1, 2, 3)), "validation has 3 parts"),
        (dict(validation=(np.ones((4, 2)), np.ones((4, 1)))), "the validation stretch's x"),
        (dict(validation=(np.ones((4, 1)), np.ones((3, 1)))), "the validation stretch's y"),
        (dict(validation=(np.ones((4, 1)), np.full((4, 1), np.nan))), "stretch's y holds nan"),
        (dict(a_0=np.ones(3)), "a_0 has shape"),
    ],
)
def test_bad_settings_are_named(problem, settings, named):
    with pytest.raises(ValueError, match=named.replace("(", r"\(")):
        train(*problem, **{"rounds": 3, "eta": 0.1, **settings})


def test_bad_data_are_named(problem):
    parameters, x, y = problem
    with pytest.raises(ValueError, match="y has shape"):
        train(parameters, x, y[:-1], rounds=3, eta=0.1)
    with pytest.raises(ValueError, match="x holds nan"):
        train(parameters, np.where(x == x[4], np.nan, x), y, rounds=3, eta=0.1)
    broken = parameters._replace(b_a=np.array([0, np.inf]))
    with pytest.raises(ValueError, match="b_a holds inf"):
        train(broken, x, y, rounds=3, eta=0.1)


def test_what_is_missing_is_named(problem, monkeypatch):
    history = train(*problem, rounds=2, eta=0.1)
    for module in ("scipy.optimize", "matplotlib.pyplot", "tqdm"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"SciPy.*\.\[lbfgs\]"):
        train(*problem, rounds=2, method="L-BFGS")
    with pytest.raises(ImportError, match=r"\.\[plot\]"):
        history.plot()
    assert (train(*problem, rounds=2, eta=0.1, progress=True).losses == history.losses).all()


def test_the_bar_counts_rounds(problem, monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    bars = []

    class Bar:
        def __init__(self, total, **_):
            self.total, self.n, self.open = total, 0, True
            bars.append(self)

        def update(self):
            self.n += 1

        def close(self):
            self.open = False

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    train(*problem, rounds=7, eta=0.1, progress=True)
    train(*problem, rounds=7, eta=0.1)
    assert [(bar.total, bar.n, bar.open) for bar in bars] == [(7, 7, False)]


def test_the_plot_shows_the_losses(problem):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    parameters, x, y = problem
    history = train(parameters, x[:20], y[:20], rounds=5, eta=0.1, validation=(x[20:], y[20:]))
    axes = history.plot()
    curves = [line.get_ydata() for line in axes.get_lines()]
    assert (curves[0] == history.losses).all()
    assert (curves[1] == history.validation_losses).all()
    assert axes.get_xlabel() and axes.get_ylabel() and axes.get_legend()
