"""What holds for every network and every series, tried on those that Hypothesis draws.

Hypothesis chooses the sizes, the activations, the cuts and the seeds, and makes a failure small;
the numbers themselves come from NumPy. It is derandomised and keeps no database, so every run
tries the same examples.
"""

import copy
import pickle
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from rnn_lit import (
    Activation,
    Diverged,
    Forecaster,
    Parameters,
    States,
    backward,
    clip,
    forward,
    identity,
    initialise,
    jacobian_product_gradient,
    loss_and_gradient,
    mean_squared_error,
    objective,
    sigmoid,
    sine,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
    train,
)
from rnn_lit._search import minimise, side_by_side
from rnn_lit.bptt import backward_in_pieces
from rnn_lit.gradients import (
    checkpointed_gradient,
    newton_forward,
    scan_backward,
    truncated_gradient,
)
from rnn_lit.training import flatten, unflatten, without_first

settings.register_profile(
    "book", derandomize=True, database=None, deadline=None, max_examples=40, print_blob=False
)
settings.load_profile("book")
# What it remembers of the source it reads is no part of a checkout.
set_hypothesis_home_dir(Path.home() / "hypothesis")  # conftest.py has given it a home
FITS = settings(max_examples=15)
pytestmark = pytest.mark.filterwarnings("ignore:the search")

INNER = (tanh, sigmoid, softplus, sine, identity)
#: To rounding, beside numbers of the order of one.
NEAR = 1e-11


class Problem(NamedTuple):
    """A network with inputs, targets and a start; the last three as `loss_and_gradient` wants."""

    parameters: Parameters
    x: np.ndarray
    y: np.ndarray
    a_0: np.ndarray
    g_1: Activation
    g_2: Activation
    loss: object
    washout: int

    @property
    def rest(self):
        return self.a_0, self.g_1, self.g_2, self.loss

    @property
    def all(self):
        return self.parameters, self.x, self.y, *self.rest


@st.composite
def problems(draw, batches=(None, 1, 2, 3), times=7, inner=INNER):
    size = st.integers(1, 4)
    n, m, k, T = draw(size), draw(size), draw(size), draw(st.integers(1, times))
    B = draw(st.sampled_from(batches))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch = () if B is None else (B,)
    scale = draw(st.sampled_from([0.1, 1.0, 2.0]))
    shapes = (w.shape for w in initialise(n, m, k, rng))
    parameters = Parameters(*(scale * rng.standard_normal(shape) for shape in shapes))
    x, y = rng.standard_normal((T, *batch, m)), rng.standard_normal((T, *batch, k))
    a_0 = rng.standard_normal((*batch, n))
    g_1, g_2 = draw(st.sampled_from(inner)), draw(st.sampled_from((*INNER, softmax)))
    loss = mean_squared_error
    if g_2 is softmax:
        y, loss = rng.dirichlet(np.ones(k), size=y.shape[:-1]), softmax_cross_entropy
    washout = draw(st.integers(0, T - 1))
    return Problem(parameters, x, y, a_0, g_1, g_2, without_first(loss, washout), washout)


def cuts(problem):
    """A time at which to cut the series of a problem, or its end."""
    return st.integers(1, len(problem.x))


def near(found, wanted):
    """Whether arrays, or tuples of them, have one shape and are the same to rounding."""
    if isinstance(wanted, tuple):
        return len(found) == len(wanted) and all(map(near, found, wanted))
    found, wanted = np.asarray(found), np.asarray(wanted)
    size = max(1, abs(wanted).max(initial=0))
    return found.shape == wanted.shape and abs(found - wanted).max(initial=0) <= NEAR * size


def piece(states, start, stop):
    """The states of the times start + 1 … stop."""
    times = slice(start, stop)
    return States(states.z[times], states.a[start : stop + 1], states.o[times], states.y_hat[times])


# The network and its gradient


@given(problems(), st.sampled_from([np.float64, np.float32]), st.data())
def test_shapes_and_number_types(problem, dtype, data):
    parameters, x, y, a_0 = (
        Parameters(*(w.astype(dtype) for w in problem.parameters)),
        *(array.astype(dtype) for array in problem[1:4]),
    )
    length = data.draw(cuts(problem))
    rest = a_0, *problem.rest[1:]
    (T, *batch, _), n, k = x.shape, len(parameters.b_a), len(parameters.b_y)
    shapes = [(T, *batch, n), (T + 1, *batch, n), (T, *batch, k), (T, *batch, k)]
    states = forward(parameters, x, a_0, problem.g_1, problem.g_2)
    assert [part.shape for part in states] == shapes
    assert {part.dtype for part in states} == {np.dtype(dtype)}
    L, e = problem.loss(states, y, problem.g_2)
    assert np.shape(L) == () and e.shape == y.shape
    given_ = parameters, x, states, e, problem.g_1
    gradients = [
        backward(*given_)[0],
        backward_in_pieces(*given_, length=length)[0],
        scan_backward(*given_)[0],
        loss_and_gradient(parameters, x, y, *rest)[1],
        jacobian_product_gradient(parameters, x, y, *rest),
        truncated_gradient(parameters, x, y, length, *rest)[1],
        checkpointed_gradient(parameters, x, y, length, *rest)[1],
        objective(parameters, x, y, *rest, 0.5)[1],
        clip(parameters, 0.1)[0],
        unflatten(flatten(parameters), parameters),
    ]
    for gradient in gradients:
        assert type(gradient) is Parameters
        for part, w in zip(gradient, parameters, strict=True):
            assert part.shape == w.shape and part.dtype == w.dtype
    for sweep in (backward, backward_in_pieces, scan_backward):
        assert sweep(*given_)[1].shape == a_0.shape
    assert flatten(parameters).shape == (n * n + n * x.shape[-1] + n + k * n + k,)


@given(problems(batches=(1, 2, 3)))
def test_a_batch_is_its_series_one_by_one(problem):
    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    B = x.shape[1]
    states = forward(parameters, x, a_0, g_1, g_2)
    L, e = loss(states, y, g_2)
    gradient, r_0 = backward(parameters, x, states, e, g_1)
    total, mean = [0] * 5, 0
    for b in range(B):
        alone = forward(parameters, x[:, b], a_0[b], g_1, g_2)
        assert near(tuple(alone), tuple(part[:, b] for part in states))
        L_b, e_b = loss(alone, y[:, b], g_2)
        assert near(e_b / B, e[:, b])
        part, r_b = backward(parameters, x[:, b], alone, e_b / B, g_1)
        assert near(r_b, r_0[b])
        total, mean = [u + v for u, v in zip(total, part, strict=True)], mean + L_b / B
    assert near(mean, L) and near(tuple(total), gradient)


@given(problems(), st.data())
def test_time_can_be_cut_anywhere(problem, data):
    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    s = data.draw(cuts(problem))
    states = forward(parameters, x, a_0, g_1, g_2)
    T, start, parts = len(x), a_0, []
    for first, last in ((0, s), (s, T)):
        if first < last:
            parts.append(forward(parameters, x[first:last], start, g_1, g_2))
            assert near(tuple(parts[-1]), tuple(piece(states, first, last)))
            start = parts[-1].a[-1]
    _, e = loss(states, y, g_2)
    r = np.random.default_rng(T).standard_normal(a_0.shape)
    whole, r_0 = backward(parameters, x, states, e, g_1, r)
    total = None
    for first, last in ((s, T), (0, s)):
        if first < last:
            here = slice(first, last)
            part, r = backward(parameters, x[here], piece(states, first, last), e[here], g_1, r)
            total = part if total is None else Parameters(*map(np.add, total, part))
    assert near(total, whole) and near(r, r_0)


@given(problems(), st.integers(0, 2**32 - 1), st.floats(-4, 4), st.floats(-4, 4))
def test_the_sweep_is_linear_in_what_comes_in(problem, seed, alpha, beta):
    """In e and r together, also for a z and an a that no network has computed."""
    parameters, x, y, a_0, g_1, _, _ = problem.all
    rng = np.random.default_rng(seed)
    e, f, r, s = (rng.standard_normal(shape) for shape in (y.shape, y.shape) + (a_0.shape,) * 2)
    states = forward(parameters, x, a_0, g_1)
    made_up = states._replace(z=rng.standard_normal(states.z.shape), a=states.a + 0.1)
    for given_ in (states, made_up):
        (one, r_0), (other, s_0), (both, t_0) = (
            backward(parameters, x, given_, *pair)
            for pair in (
                (e, g_1, r),
                (f, g_1, s),
                (alpha * e + beta * f, g_1, alpha * r + beta * s),
            )
        )
        combined = tuple(alpha * u + beta * v for u, v in zip(one, other, strict=True))
        size = max(1, *(abs(w).max() for w in (*one, *other, r_0, s_0)))
        found, wanted = (*both, t_0), (*combined, alpha * r_0 + beta * s_0)
        assert near(*(tuple(w / size for w in group) for group in (found, wanted)))


@given(problems(), st.data())
def test_hidden_units_can_be_renamed(problem, data):
    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    order = data.draw(st.permutations(range(len(parameters.b_a))))
    signs = np.ones(len(order))
    if g_1 in (tanh, sine, identity):  # odd ones allow another sign for each unit
        signs = np.array(data.draw(st.tuples(*(st.sampled_from([-1.0, 1.0]) for _ in order))))

    def renamed(p):
        W_aa = (signs[:, None] * p.W_aa * signs)[order][:, order]
        W_ax, b_a = (signs[:, None] * p.W_ax)[order], (signs * p.b_a)[order]
        return Parameters(W_aa, W_ax, b_a, (p.W_ya * signs)[:, order], p.b_y)

    others = (signs * a_0)[..., order], g_1, g_2
    states = forward(parameters, x, a_0, g_1, g_2)
    moved = forward(renamed(parameters), x, *others)
    assert near(moved.o, states.o) and near(moved.y_hat, states.y_hat)
    assert near(moved.a, (signs * states.a)[..., order])
    L, gradient = loss_and_gradient(parameters, x, y, a_0, g_1, g_2, loss)
    again, gradient_moved = loss_and_gradient(renamed(parameters), x, y, *others, loss)
    assert near(again, L) and near(gradient_moved, renamed(gradient))


@given(problems(), st.data())
def test_every_route_gives_one_gradient(problem, data):
    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    length, T = data.draw(cuts(problem)), len(x)
    states = forward(parameters, x, a_0, g_1, g_2)
    L, e = loss(states, y, g_2)
    wanted, r_0 = backward(parameters, x, states, e, g_1)
    assert near(jacobian_product_gradient(*problem.all), wanted)
    for sweep in (scan_backward, lambda *v: backward_in_pieces(*v, length=length)):
        gradient, r = sweep(parameters, x, states, e, g_1)
        assert near(gradient, wanted) and near(r, r_0)
    for again, gradient in (
        loss_and_gradient(*problem.all),
        checkpointed_gradient(parameters, x, y, length, *problem.rest),
        checkpointed_gradient(parameters, x, y, None, *problem.rest),
        truncated_gradient(parameters, x, y, T + length - 1, *problem.rest),
        objective(*problem.all)[:2],
    ):
        assert near(again, L) and near(gradient, wanted)
    penalised = objective(parameters, x, y, *problem.rest, 0.25)[1]
    ridge = tuple(dw + 0.5 * w for dw, w in zip(wanted, parameters, strict=True))
    assert near(penalised, ridge)


@given(problems(), st.data())
def test_compiled_loops_give_what_the_plain_ones_give(problem, data):
    pytest.importorskip("numba")
    from rnn_lit import compiled

    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    states = forward(parameters, x, a_0, g_1, g_2)
    assert near(tuple(compiled.forward(parameters, x, a_0, g_1, g_2)), tuple(states))
    L, e = loss(states, y, g_2)
    r = data.draw(st.sampled_from([None, a_0, 0 * a_0]))
    wanted, r_0 = backward(parameters, x, states, e, g_1, r)
    gradient, s_0 = compiled.backward(parameters, x, states, e, g_1, r)
    assert near(gradient, wanted) and near(s_0, r_0)
    again, gradient = compiled.loss_and_gradient(*problem.all)
    assert near(again, L) and near(gradient, backward(parameters, x, states, e, g_1)[0])


@given(problems(), st.integers(0, 2**32 - 1))
def test_the_gradient_is_the_slope_of_the_loss(problem, seed):
    """Along one direction, by a complex step: no cancellation, and no route of our own."""
    parameters, x, y, a_0, g_1, g_2, _ = problem.all
    _, gradient = loss_and_gradient(*problem.all)
    rng, h = np.random.default_rng(seed), 1e-30
    along = [rng.standard_normal(w.shape) for w in parameters]
    moved = Parameters(*(w + 1j * h * d for w, d in zip(parameters, along, strict=True)))
    o = forward(moved, x, a_0, g_1).o
    if g_2 is softmax:
        terms = y * (np.log(np.exp(o).sum(axis=-1, keepdims=True)) - o)
    else:
        terms = (g_2.f(o) - y) ** 2
    L = terms[problem.washout :].sum(axis=-1).mean()
    products = [d * w for d, w in zip(along, gradient, strict=True)]
    slope, size = (sum(part.sum() for part in parts) for parts in (products, map(abs, products)))
    assert abs(L.imag / h - slope) <= NEAR * max(1, size)


@given(problems(inner=(tanh, sigmoid)))
def test_newtons_method_reaches_what_the_loop_computes(problem):
    parameters, x, _, a_0, g_1, g_2, _ = problem.all
    small = parameters._replace(W_aa=parameters.W_aa / 8)  # where products of Jacobians vanish
    states, iterations = newton_forward(small, x, a_0, g_1, g_2)
    assert iterations <= len(x)
    assert near(tuple(states), tuple(forward(small, x, a_0, g_1, g_2)))


@given(problems(), st.data())
def test_the_past_knows_nothing_of_the_future(problem, data):
    """Other inputs and another e after a time: neither states nor gradients before it move."""
    parameters, x, y, a_0, g_1, g_2, _ = problem.all
    t = data.draw(cuts(problem))
    later = x.copy()
    later[t:] += 1 + abs(later[t:])
    states, others = (forward(parameters, v, a_0, g_1, g_2) for v in (x, later))
    for part, other, rows in zip(states, others, (t, t + 1, t, t), strict=True):
        assert np.array_equal(part[:rows], other[:rows])
    e = np.random.default_rng(t).standard_normal(y.shape)
    e[t:] = 0  # a loss of the outputs up to t
    short = backward(parameters, x[:t], piece(states, 0, t), e[:t], g_1)
    for v, given_ in ((x, states), (later, others)):
        gradient, r_0 = backward(parameters, v, given_, e, g_1)
        assert near((*gradient, r_0), (*short[0], short[1]))


@given(problems(batches=(None,)), st.floats(0.01, 100))
def test_clipping_shortens_and_turns_nothing(problem, max_norm):
    gradient = problem.parameters
    clipped, norm = clip(gradient, max_norm)
    before, after = flatten(gradient), flatten(clipped)
    assert np.isclose(norm, np.linalg.norm(before), rtol=1e-12)
    assert np.linalg.norm(after) <= max_norm * (1 + 1e-12)
    assert np.allclose(after, before * min(1, max_norm / norm), rtol=1e-12)


@FITS
@given(
    problems(),
    st.sampled_from(["gradient descent", "momentum", "adam"]),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.1]),
)
def test_training_never_ends_worse_than_it_began(problem, method, rounds, penalty):
    parameters, x, y, a_0, g_1, g_2, loss = problem.all
    options = dict(a_0=a_0, g_1=g_1, g_2=g_2, loss=loss, penalty=penalty)
    before = copy.deepcopy(parameters)
    try:
        history = train(parameters, x, y, rounds=rounds, eta=1e-3, method=method, **options)
    except Diverged as error:
        history = error.history
    F = objective(history.parameters, x, y, a_0, g_1, g_2, loss, penalty)[0]
    assert F == history.losses.min() <= history.losses[0]
    assert len(history.losses) == history.rounds + 1 <= rounds + 1
    assert all(np.array_equal(u, v) for u, v in zip(before, parameters, strict=True))


@FITS
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_networks_side_by_side_do_not_see_each_other(R, n, m, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((6, m)), rng.standard_normal((6, 1))
    theta = np.stack([flatten(initialise(n, m, 1, rng)) for _ in range(R)])
    penalty = rng.uniform(0, 1, R)
    J, gradient = side_by_side(theta, n, x, y, penalty)
    like = initialise(n, m, 1, rng)
    for row in range(R):
        F, wanted, _ = objective(unflatten(theta[row], like), x, y, penalty=penalty[row])
        assert near(J[row], F) and near(gradient[row], flatten(wanted))
    found = minimise(lambda v: side_by_side(v, n, x, y, 0.1), theta, 8)
    for row in range(R):
        alone = minimise(lambda v: side_by_side(v, n, x, y, 0.1), theta[[row]], 8)
        for many, one in ((found.theta, alone.theta), (found.J, alone.J)):
            assert np.allclose(many[row], one[0], rtol=1e-8, atol=1e-8)


# Forecasters


class Fitted(NamedTuple):
    forecaster: Forecaster
    series: np.ndarray


@st.composite
def fitted(draw):
    """A forecaster with any settings, fitted in a few rounds to a series of any kind."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    N = draw(st.integers(16, 40))
    noise, time = rng.standard_normal(N), np.arange(N)
    series = draw(
        st.sampled_from([noise, noise.cumsum(), np.sin(0.5 * time) + 0.1 * noise, time + noise])
    )
    power = draw(st.sampled_from([1.0, 0.5, 2.0]))
    if power != 1:
        series = abs(series)
    linear, season = draw(st.sampled_from([(0, None), (None, None), (2, None), (None, 4)]))
    forecaster = Forecaster(
        draw(st.integers(1, 3)),
        lags=draw(st.integers(1, 3)),
        linear=linear,
        season=season,
        power=power,
        penalty=draw(st.sampled_from([None, 0.0, 1e-3, 0.1])),
        starts=draw(st.integers(1, 3)),
        rounds=draw(st.integers(1, 6)),
        seed=draw(st.integers(0, 1000)),
    )
    return Fitted(forecaster.fit(series), series)


def band(f, steps, interval):
    """The forecast with its interval; without one where the errors are too few."""
    try:
        return f.predict(steps, interval)
    except ValueError as error:
        assert "errors" in str(error) and str(error).startswith(("steps is", "interval is"))
        return (f.predict(steps),)


def memory(f):
    """How many values come before the first forecast."""
    return max(len(f.linear_), f.lags)


@FITS
@given(fitted(), st.integers(1, 5), st.floats(0.05, 0.95))
def test_forecasts_have_their_shapes_and_hold_each_other(case, steps, interval):
    f, series = case
    N, lags, n, M = len(series), f.lags, f.n, memory(f)
    assert [w.shape for w in f.parameters_] == [(n, n), (n, lags), (n,), (1, n), (1,)]
    assert f.residuals_.shape == (N - M,) and f.state_.shape == (n,)
    assert f.objectives_.shape == (f.starts,) and f.n_iter_ <= f.rounds
    mean = f.predict(steps)
    forecast = band(f, steps, interval)
    assert all(part.shape == (steps,) for part in (mean, *forecast))
    assert np.array_equal(forecast[0], mean)
    assert (forecast[-2 % len(forecast)] <= mean).all() and (mean <= forecast[-1]).all()
    one_step, table = f.one_step(series), f.horizon(series, steps)
    assert one_step.shape == (N,) and np.isnan(one_step).sum() == M
    assert table.shape == (N, steps) and np.isnan(table).sum() == (M - 1) * steps
    assert near(table[M - 1 : -1, 0], one_step[M:]) and near(table[-1], mean)
    errors = (series - one_step)[M:]
    late = series[M:]
    score = 1 - (errors**2).sum() / ((late - late.mean()) ** 2).sum()
    assert abs(f.score(series) - score) <= 1e-9 * max(1, abs(score))


@FITS
@given(fitted(), st.data())
def test_a_forecast_uses_nothing_after_its_time(case, data):
    f, series = case
    t = data.draw(st.integers(memory(f) + 1, len(series) - 1))
    later = series.copy()
    later[t:] = 3 * abs(later[t:]) + 10
    one_step, others = f.one_step(series), f.one_step(later)
    # The forecast of the value at t is the last that knows only what lies before t.
    assert np.array_equal(one_step[: t + 1], others[: t + 1], equal_nan=True)
    table, others = f.horizon(series, 3), f.horizon(later, 3)
    assert np.array_equal(table[:t], others[:t], equal_nan=True)
    assert near(f.predict(3, series=series[:t]), table[t - 1])


@FITS
@given(fitted(), st.integers(1, 4), st.data())
def test_an_update_goes_on_as_the_series_would(case, more, data):
    f, series = case
    new = data.draw(st.sampled_from([series[:more], series[-more:], abs(series[-more:]) + 1]))
    whole = np.concatenate([series, new])
    updated = copy.deepcopy(f).update(new)
    assert near(updated.predict(4), f.predict(4, series=whole))
    assert np.array_equal(updated.series_, whole) and np.array_equal(f.series_, series)
    assert np.array_equal(updated.residuals_, f.residuals_)
    one_by_one = copy.deepcopy(f)
    for value in new:
        one_by_one.update([value])
    assert near(one_by_one.predict(4), updated.predict(4))


@FITS
@given(fitted(), st.booleans(), st.integers(1, 4))
def test_what_is_saved_is_what_is_loaded(case, updated, steps):
    f, series = case
    if updated:
        f.update(series[:3])
    with tempfile.TemporaryDirectory() as folder:
        f.save(Path(folder) / "f.npz")
        loaded = Forecaster.load(Path(folder) / "f.npz")
        loaded.save(Path(folder) / "again.npz")
        again = Forecaster.load(Path(folder) / "again.npz")
    pair = (band(h, steps, 0.8) for h in (f, again))
    assert all(np.array_equal(u, v) for u, v in zip(*pair, strict=True))
    for g in (loaded, again, pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
        assert g.get_params() == f.get_params()
        for name in vars(f).keys() - {"_folds", "_laws"}:  # computed when first asked for
            mine, other = getattr(f, name), getattr(g, name)
            if name == "parameters_":
                assert all(np.array_equal(u, v) for u, v in zip(mine, other, strict=True))
            else:
                assert np.array_equal(mine, other), name
        assert np.array_equal(g.predict(steps), f.predict(steps))
        assert np.array_equal(g.one_step(series), f.one_step(series), equal_nan=True)


@FITS
@given(fitted(), st.integers(-40, 40))
def test_units_of_a_power_of_two_change_nothing_but_the_units(case, exponent):
    """Scaling by a power of two is exact, so the same network is found, digit by digit."""
    f, series = case
    if f.power == 0.5:
        exponent *= 2  # its root is a power of two as well
    other = copy.deepcopy(f).fit(series * 2.0**exponent)
    assert all(np.array_equal(u, v) for u, v in zip(f.parameters_, other.parameters_, strict=True))
    if f.power == 1:
        assert np.array_equal(other.predict(3), f.predict(3) * 2.0**exponent)
    else:
        assert near(other.predict(3) / 2.0**exponent, f.predict(3))
