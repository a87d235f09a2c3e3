"""One contestant in a process of its own: it answers the requests of run.py, a line of JSON each.

The thread pools of several libraries in one process disturb each other, so each has its own. The
first edition's package answers here as well, so only what both have is imported at the top.
"""

import json
import statistics
import sys
import time
from functools import partial

import numpy as np
from contestants import checked, problem

import rnn_lit

SECONDS = 0.015  # at least, for each timing


def timed(call, count):
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def repeats(call):
    """How many calls take SECONDS; they have warmed up then."""
    call()
    return max(1, round(SECONDS / max(1e-7, min(timed(call, 1), timed(call, 1)))))


def fits(starts=20, rounds=100):
    """Fits of three units to a series of 220 values, each 100 rounds of L-BFGS, per second."""
    from rnn_lit import compiled
    from rnn_lit._search import minimise, side_by_side
    from rnn_lit._series import lagged
    from rnn_lit.model import initialise
    from rnn_lit.training import flatten, unflatten

    rng = np.random.default_rng(0)
    series = np.sin(0.57 * np.arange(221)) + 0.3 * rng.normal(size=221)
    x, y = lagged(series, 1)
    x, penalty = x[:-1], 1e-3
    like = initialise(3, 1, 1, rng)
    theta = np.stack([flatten(initialise(3, 1, 1, rng)) for _ in range(starts)])

    def alone(gradient):
        def evaluate(theta):
            L, g = gradient(unflatten(theta[0], like), x, y)
            J = L + penalty * (theta * theta).sum()
            return np.array([J]), flatten(g)[None] + 2 * penalty * theta

        for i in range(starts):
            minimise(evaluate, theta[i : i + 1], rounds, tolerance=0)

    def together():
        minimise(
            lambda theta: side_by_side(theta, 3, x, y, penalty), theta, rounds,
            tolerance=0,
        )  # fmt: skip

    ways = {
        "one by one": lambda: alone(rnn_lit.loss_and_gradient),
        "side by side": together,
        "one by one, compiled": lambda: alone(compiled.loss_and_gradient),
    }
    return {
        name: round(starts / min(timed(way, 1) for _ in range(3)), 2) for name, way in ways.items()
    }


def pieces(settings, sizes, rounds):
    """Sweeps in pieces of that many bytes of delta: their time over that of one sweep."""
    from rnn_lit.bptt import backward, backward_in_pieces
    from rnn_lit.loss import mean_squared_error

    ratios = {size: [] for size in sizes}
    for setting in settings:
        parameters, x, y = problem(*setting)
        states = rnn_lit.forward(parameters, x)
        _, e = mean_squared_error(states, y)
        arguments = parameters, x, states, e
        for _ in range(rounds):
            whole = timed(partial(backward, *arguments), 1)
            for size in sizes:
                length = max(1, size // states.z[0].nbytes)
                swept = partial(backward_in_pieces, *arguments, length=length)
                ratios[size].append(timed(swept, 1) / whole)
    return [[size, round(statistics.median(found), 3)] for size, found in ratios.items()]


def version(name):
    """The version of a library, without the label of a build."""
    return __import__(name).__version__.split("+")[0]


def main(name, threads):
    if "torch" in name:
        import torch

        torch.set_num_threads(threads)
    call, count = None, 0
    for line in sys.stdin:
        request, *arguments = json.loads(line)
        if request == "prepare":
            call = checked(name, *arguments)
            answer = count = repeats(call)
        elif request == "time":
            if threads > 1:
                call()  # wakes the threads up
            answer = timed(call, count)
        elif request == "version":
            answer = version(*arguments)
        elif request == "fits":
            answer = fits()
        elif request == "pieces":
            answer = pieces(*arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
