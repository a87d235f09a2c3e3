"""The counting numbers, against counts done by hand and against a loop that counts for itself."""

import numpy as np
import pytest

sp = pytest.importorskip("sympy")

from rnn_lit import forward, loss_and_gradient  # noqa: E402
from rnn_lit.verify.counting import Workload, count, count_polynomials  # noqa: E402


def test_a_product_of_matrices_is_counted_as_its_definition_says():
    w = Workload(1, 3, 4, 2)  # W_ax is 3 by 4, W_ya is 2 by 3
    w.tally.clear()
    w.parameters.W_ya @ w.parameters.W_ax
    assert w.tally == {"multiplications": 2 * 3 * 4, "additions": 2 * 4 * (3 - 1)}


def test_one_step_of_size_one_by_hand():
    """z = W_ax x + W_aa a + b_a and o = W_ya a + b_y: three products, three sums, two of g."""
    tally = count(lambda w: forward(w.parameters, w.x, w.a_0, w.g, w.g), (1, 1, 1, 1))
    assert tally == {"multiplications": 3, "additions": 3, "activations": 2}


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (5, 3, 2, 4), (9, 4, 4, 1)])
def test_forward_does_not_multiply_more_than_the_sums_of_the_definition(sizes):
    """A plain loop over the definition of every entry, counting as it goes."""
    T, n, m, k = sizes
    by_loop = 0
    for _ in range(T):
        for _ in range(n):
            by_loop += m + n
        for _ in range(k):
            by_loop += n
    tally = count(lambda w: forward(w.parameters, w.x, w.a_0, w.g, w.g), sizes)
    assert tally["multiplications"] == by_loop


def test_a_batch_costs_its_size_times_one_series():
    def multiplications(sizes):
        run = lambda w: loss_and_gradient(w.parameters, w.x, w.y, w.a_0, w.g, w.g)  # noqa: E731
        return count(run, sizes)["multiplications"]

    assert multiplications((6, 3, 2, 2, 5)) == 5 * multiplications((6, 3, 2, 2, 1))
    assert multiplications((6, 3, 2, 2, 1)) == multiplications((6, 3, 2, 2))


def test_interpolation_finds_a_known_polynomial():
    T, n, m, k = variables = sp.symbols("T n m k")

    def outer_and_square(w):
        len_T, (size, inputs) = len(w.x), w.parameters.W_ax.shape
        for _ in range(len_T):
            w.array((size, size)) * w.array((size, size))
            w.array((size, inputs)) + w.array((size, inputs))

    found = count_polynomials(outer_and_square, variables, (1, 2, 1, 1))
    assert found == {"multiplications": T * n**2, "additions": T * n * m}


def test_counting_numbers_take_mixed_arithmetic():
    w = Workload(1, 1, 1, 1)
    one = w.x[0, 0]
    _ = (2 * one - one) / 3 + (-one)
    assert w.tally == {"multiplications": 1, "additions": 3, "divisions": 1}
    assert np.size(w.parameters.W_aa) == 1
