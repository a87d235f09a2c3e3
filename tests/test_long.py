"""Gradients of long series: against the gradient in one piece, against sums, and their memory."""

import gc
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from rnn_lit import (
    Activation,
    Parameters,
    forward,
    identity,
    initialise,
    loss_and_gradient,
    mean_squared_error,
    softmax,
    softmax_cross_entropy,
    tanh,
)
from rnn_lit.gradients import checkpointed_gradient, truncated_gradient
from rnn_lit.training import without_first

CUBE = Activation("cube", lambda z: z - z * z * z, lambda z, a: 1 - 3 * z * z)


def problem(seed, T, n=3, m=2, k=2, batch=()):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((T, *batch, m))
    return initialise(n, m, k, rng), x, rng.standard_normal((T, *batch, k))


def one_hot(seed, T, k, batch=()):
    return np.eye(k)[np.random.default_rng(seed).integers(0, k, (T, *batch))]


def fractions(seed, T):
    rng = np.random.default_rng(seed)
    draw = np.frompyfunc(lambda v: Fraction(int(v), 8), 1, 1)
    parameters = Parameters(*(draw(rng.integers(-4, 5, w.shape)) for w in initialise(2, 1, 1, rng)))
    return parameters, draw(rng.integers(-4, 5, (T, 1))), draw(rng.integers(-4, 5, (T, 1)))


def difference(one, other):
    return max(abs(u - v).max() for u, v in zip(one, other, strict=True))


HEADS = [(mean_squared_error, identity), (softmax_cross_entropy, softmax)]


@pytest.mark.parametrize("length", [1, 2, 5, 6, 7, 100, None])
def test_checkpoints_give_the_gradient_over_fractions(length):
    arguments = fractions(0, 6)
    L, gradient = loss_and_gradient(*arguments, g_1=CUBE)
    again, same = checkpointed_gradient(*arguments, length, g_1=CUBE)
    assert again == L and all((u == v).all() for u, v in zip(gradient, same, strict=True))


@pytest.mark.parametrize("batch", [(), (1,), (3,)])
@pytest.mark.parametrize(("loss", "g_2"), HEADS)
@pytest.mark.parametrize("length", [1, 7, 20, 41, None])
def test_checkpoints_give_the_gradient_to_rounding(loss, g_2, batch, length):
    parameters, x, y = problem(1, 41, batch=batch)
    a_0 = np.random.default_rng(2).standard_normal((*batch, 3))
    if g_2 is softmax:
        y = one_hot(3, 41, 2, batch)
    L, gradient = loss_and_gradient(parameters, x, y, a_0, tanh, g_2, loss)
    again, same = checkpointed_gradient(parameters, x, y, length, a_0, tanh, g_2, loss)
    assert again == pytest.approx(L, rel=1e-14)
    assert difference(gradient, same) < 1e-15 * 41


@pytest.mark.parametrize(("loss", "g_2"), HEADS)
def test_truncation_by_central_differences_with_the_incoming_states_held(loss, g_2):
    """What truncation computes is the derivative with the state at every cut held fixed."""
    parameters, x, y = problem(4, 11)
    if g_2 is softmax:
        y = one_hot(5, 11, 2)
    held = forward(parameters, x).a

    def loss_with_held_states(parameters):
        terms = 0
        for s in (0, 4, 8):
            part = slice(s, s + 4)
            states = forward(parameters, x[part], held[s], tanh, g_2)
            terms += loss(states, y[part], g_2)[0] * len(x[part])
        return terms / 11

    L, gradient = truncated_gradient(parameters, x, y, 4, None, tanh, g_2, loss)
    assert L == pytest.approx(loss_with_held_states(parameters), rel=1e-13)
    for field in Parameters._fields:
        w, slope = getattr(parameters, field), np.empty_like(getattr(parameters, field))
        for index in np.ndindex(w.shape):
            moved = [w.copy(), w.copy()]
            moved[0][index] += 1e-5
            moved[1][index] -= 1e-5
            up, down = (loss_with_held_states(parameters._replace(**{field: v})) for v in moved)
            slope[index] = (up - down) / 2e-5
        assert getattr(gradient, field) == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize("function", [truncated_gradient, checkpointed_gradient])
def test_a_chunk_as_long_as_the_series_is_the_series(function):
    parameters, x, y = problem(6, 9)
    L, gradient = loss_and_gradient(parameters, x, y)
    for length in (9, 10, 1000):
        again, same = function(parameters, x, y, length)
        assert again == pytest.approx(L, rel=1e-15) and difference(gradient, same) < 1e-16


def test_truncation_keeps_the_loss_and_the_output_parameters_and_nothing_else():
    parameters, x, y = problem(7, 30)
    L, gradient = loss_and_gradient(parameters, x, y)
    again, truncated = truncated_gradient(parameters, x, y, 7)
    assert again == pytest.approx(L, rel=1e-14)
    assert abs(truncated.W_ya - gradient.W_ya).max() < 1e-15
    assert abs(truncated.b_y - gradient.b_y).max() < 1e-15
    assert difference(gradient[:3], truncated[:3]) > 1e-3


def last_only(states, y, g_2):
    """A loss of the last output alone."""
    difference = states.y_hat[-1] - y[-1]
    e = np.zeros_like(states.o)
    e[-1] = 2 * difference
    return (difference * difference).sum(), e


def of_the_sum(states, y, g_2):
    """A loss that is no sum over time: the square of a sum."""
    total = (states.y_hat - y).sum()
    return total * total, 2 * total * np.ones_like(states.o)


EVERY_LOSS = [
    mean_squared_error,
    without_first(mean_squared_error, 5),
    without_first(mean_squared_error, 1),
    last_only,
    of_the_sum,
]


@pytest.mark.parametrize("loss", EVERY_LOSS)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_every_loss_gives_in_chunks_what_it_gives_whole(loss, batch):
    parameters, x, y = problem(14, 23, batch=batch)
    L, gradient = loss_and_gradient(parameters, x, y, loss=loss)
    for length in (1, 4, 5, 6, 22, 23, None):
        again, same = checkpointed_gradient(parameters, x, y, length, loss=loss)
        assert again == pytest.approx(L, rel=1e-13)
        assert difference(gradient, same) < 1e-13 * max(abs(w).max() for w in gradient)
        again, truncated = truncated_gradient(parameters, x, y, length or 23, loss=loss)
        assert again == pytest.approx(L, rel=1e-13)
        for one, other in zip(gradient[3:], truncated[3:], strict=True):
            assert abs(one - other).max() < 1e-13 * max(abs(w).max() for w in gradient)
    exact = fractions(3, 6)
    L, gradient = loss_and_gradient(*exact, g_1=CUBE, loss=loss)
    for length in (1, 2, 4, None):
        again, same = checkpointed_gradient(*exact, length, g_1=CUBE, loss=loss)
        assert again == L and all((u == v).all() for u, v in zip(gradient, same, strict=True))


@pytest.mark.parametrize("function", [truncated_gradient, checkpointed_gradient])
class TestWhatIsRefused:
    def test_a_length(self, function):
        for length in (0, -3, 2.0, "4"):
            with pytest.raises(ValueError, match="length is"):
                function(*problem(8, 5), length)

    def test_inputs_that_are_no_series(self, function):
        parameters, _, y = problem(8, 5)
        length = (2,) if function is truncated_gradient else ()
        for x in (3.0, np.zeros((0, 2)), [[1, 2], [3]], None):
            with pytest.raises(ValueError, match="^x has|^x holds"):
                function(parameters, x, y, *length)

    def test_targets_of_another_length(self, function):
        parameters, x, y = problem(8, 5)
        for wrong in (y[:4], np.vstack([y, y])):
            with pytest.raises(ValueError, match=r"y has shape .* wanted \(5, 2\)"):
                function(parameters, x, wrong, 2)

    def test_a_nan_is_found_in_its_chunk(self, function):
        places = {1: r"row 6: x holds nan at index \(1, 1\)", 2: r"^y holds nan at index \(7, 1\)"}
        for which, place in places.items():
            arguments = [array.copy() if i else array for i, array in enumerate(problem(8, 9))]
            arguments[which][7, 1] = np.nan
            with pytest.raises(ValueError, match=place):
                function(*arguments, 3)

    def test_a_start_of_a_wrong_shape(self, function):
        with pytest.raises(ValueError, match=r"a_0 has shape \(4,\), wanted \(3,\)"):
            function(*problem(8, 5), 2, np.zeros(4))

    def test_arguments_stay_as_they_were(self, function):
        parameters, x, y = problem(9, 12)
        a_0 = np.ones(3)
        before = [array.copy() for array in (*parameters, x, y, a_0)]
        function(parameters, x, y, 5, a_0)
        after = (*parameters, x, y, a_0)
        assert all((u == v).all() for u, v in zip(before, after, strict=True))


def peak(function, *arguments):
    """The largest number of traced bytes beyond the arguments."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    function(*arguments)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most - before


def test_memory_of_the_order_of_y_and_beside_it_of_a_chunk_or_a_root():
    """eq-checkpoint-memory, from above: e and what a loss needs, then one chunk beside e."""
    # 64 units, so that Python's own objects hardly matter beside the numbers
    n, k = 64, 2
    for T in (500, 4500):
        arguments, c = problem(10, T, n=n), int(T**0.5) + 1
        states = n * T / c + (3 * n + k) * c
        for function, further in ((checkpointed_gradient, ()), (truncated_gradient, (c,))):
            numbers = peak(function, *arguments, *further) / 8
            assert numbers < states + 5 * k * T + 3 * n * n + 2000
    assert numbers < 0.1 * peak(loss_and_gradient, *arguments) / 8


def test_a_chunk_holds_what_the_formula_says():
    T, n, k, c = 4000, 32, 2, 2000
    for function in (truncated_gradient, checkpointed_gradient):
        most = peak(function, *problem(13, T, n=n, k=k), c)
        assert 0.95 < most / (8 * ((3 * n + k) * c + k * T)) < 1.05  # eq-checkpoint-memory


def test_many_chunks_give_what_one_piece_gives():
    parameters, x, y = problem(12, 20_000, n=8)
    L, gradient = loss_and_gradient(parameters, x, y)
    again, same = checkpointed_gradient(parameters, x, y)
    assert again == pytest.approx(L, rel=1e-13)
    for one, other in zip(gradient, same, strict=True):
        assert abs(one - other).max() < 1e-13 * abs(one).max()


def test_a_hundred_thousand_steps():
    T, n = 100_000, 8
    held = {}

    def run(*arguments):
        held["result"] = checkpointed_gradient(*arguments)

    most = peak(run, *problem(11, T, n=n, m=1, k=1))
    # five arrays of the size of y and a root, where all states would be 19 million bytes
    assert most < 8 * (5 * T + 100 * n * T**0.5), f"{most / 1e6:.1f} million bytes at the peak"
    L, gradient = held["result"]
    assert 0.5 < L < 5 and all(np.isfinite(w).all() and w.any() for w in gradient)
