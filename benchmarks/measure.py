"""One process of the benchmark: a row of JSON for each setting. Called by run.py."""

import json
import sys
import time

import jax
import jax.numpy as jnp
import numba
import numpy as np
import scipy
import torch

import rnn_lit
from rnn_lit import compiled, forecast
from rnn_lit.model import Parameters, initialise
from rnn_lit.training import flatten, unflatten

GRID = (
    (200, 1, 8), (1000, 1, 16), (200, 1, 32), (200, 1, 128), (50, 32, 8), (50, 32, 32),
    (50, 32, 128), (200, 128, 32), (200, 128, 128), (50, 128, 256),
)  # fmt: skip
PROFILED = ((200, 1, 8, 1, np.float32), (200, 128, 32, 16, np.float32),
            (200, 128, 128, 16, np.float64))  # fmt: skip
SECONDS = 0.015  # at least, for each timing of a pair

jax.config.update("jax_enable_x64", True)


def problem(T, B, n, size, dtype):
    """Parameters, inputs and targets with m = k = size."""
    rng = np.random.default_rng([T, B, n])
    parameters = Parameters(*(w.astype(dtype) for w in initialise(n, size, size, rng)))
    x, y = rng.normal(size=(2, T, B, size)).astype(dtype)
    return parameters, x, y


def jax_outputs(parameters, x):
    W_aa, W_ax, b_a, W_ya, b_y = parameters

    def step(a, z):
        a = jnp.tanh(a @ W_aa.T + z)
        return a, a

    start = jnp.zeros((x.shape[1], len(b_a)), x.dtype)
    _, a = jax.lax.scan(step, start, x @ W_ax.T + b_a)
    return a @ W_ya.T + b_y


def jax_loss(parameters, x, y):
    return ((jax_outputs(parameters, x) - y) ** 2).sum() / (x.shape[0] * x.shape[1])


JAX_FORWARD, JAX_GRADIENT = jax.jit(jax_outputs), jax.jit(jax.value_and_grad(jax_loss))


class Torch:
    """nn.RNN and nn.Linear with our numbers in them."""

    def __init__(self, parameters, x, y):
        n, k = len(parameters.b_a), len(parameters.b_y)
        dtype = torch.from_numpy(x).dtype
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        self.rnn = torch.nn.RNN(x.shape[-1], n).to(dtype)
        self.out = torch.nn.Linear(n, k).to(dtype)
        W_aa, W_ax, b_a, W_ya, b_y = (torch.from_numpy(w.copy()) for w in parameters)
        self.leaves = [self.rnn.weight_hh_l0, self.rnn.weight_ih_l0, self.rnn.bias_ih_l0]
        self.leaves += [self.out.weight, self.out.bias]
        with torch.no_grad():
            self.rnn.bias_hh_l0.zero_()
            for leaf, value in zip(self.leaves, (W_aa, W_ax, b_a, W_ya, b_y), strict=True):
                leaf.copy_(value)
        self.rnn.bias_hh_l0.requires_grad_(False)  # the second bias is none of our parameters

    def forward(self):
        with torch.no_grad():
            return self.out(self.rnn(self.x)[0])

    def gradient(self):
        a, _ = self.rnn(self.x)
        L = ((self.out(a) - self.y) ** 2).sum() / (self.x.shape[0] * self.x.shape[1])
        return L.detach(), torch.autograd.grad(L, self.leaves)


def floor(parameters, x, gradient, library=np):
    """The products and tangents that nobody can avoid, and nothing else.

    Library is numpy or torch: the two multiply with different libraries.
    """
    array = torch.from_numpy if library is torch else np.asarray
    W_aa, W_ax, _, W_ya, _ = map(array, parameters)
    T, B, m = x.shape
    n, inputs = len(W_aa), array(x.reshape(T * B, m))
    like = dict(dtype=W_aa.dtype)
    a, out = library.zeros((B, n), **like), library.zeros((B, n), **like)
    states = library.zeros((T * B, n), **like)
    outputs = library.zeros((T * B, len(W_ya)), **like)

    def run():
        for _ in range(T):
            library.matmul(a, W_aa.T, out=out)
        inputs @ W_ax.T
        states @ W_ya.T
        library.tanh(states)
        if gradient:
            for _ in range(T):
                library.matmul(a, W_aa, out=out)
            outputs @ W_ya
            states.T @ states
            states.T @ inputs
            outputs.T @ states

    return run


def contestants(parameters, x, y, work):
    """What is timed, by name; what they return was compared before."""
    other = Torch(parameters, x, y)
    on_jax = tuple(map(jnp.asarray, parameters)), jnp.asarray(x), jnp.asarray(y)
    if work == "forward":
        calls = {
            "numpy": lambda: rnn_lit.forward(parameters, x),
            "compiled": lambda: compiled.forward(parameters, x),
            "torch": other.forward,
            "jax": lambda: JAX_FORWARD(*on_jax[:2]).block_until_ready(),
        }
        wanted = calls["numpy"]().o
        found = [calls["compiled"]().o, calls["torch"]().numpy(), np.asarray(calls["jax"]())]
        agree([wanted], *([one] for one in found))
    else:
        calls = {
            "numpy": lambda: rnn_lit.loss_and_gradient(parameters, x, y),
            "compiled": lambda: compiled.loss_and_gradient(parameters, x, y),
            "torch": other.gradient,
            "jax": lambda: jax.block_until_ready(JAX_GRADIENT(*on_jax)),
        }
        wanted, *found = (
            [np.asarray(L), *map(np.asarray, gradient)]
            for L, gradient in (call() for call in calls.values())
        )
        agree(wanted, *found)
    calls["floor"] = floor(parameters, x, work == "gradient")
    calls["torch floor"] = floor(parameters, x, work == "gradient", torch)
    return calls


def agree(wanted, *others):
    """The same numbers up to rounding, or nothing is timed."""
    tolerance = 1e-10 if wanted[0].dtype == np.float64 else 2e-3
    for other in others:
        for one, array in zip(other, wanted, strict=True):
            error = abs(one - array).max() / abs(array).max()
            assert error < tolerance, f"off by {error:.1e}"


def timed(call, count):
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def interleaved(calls, rounds, pause=0):
    """Seconds of each, one after the other in every round: {name: (rounds,) array}.

    With several threads each has a pause before it, in which the others' idle threads stop looking
    for work, and one call to wake up its own.
    """
    counts = {}
    for name, call in calls.items():
        call()
        counts[name] = max(1, round(SECONDS / max(1e-7, min(timed(call, 1), timed(call, 1)))))
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            if pause:
                time.sleep(pause)
                call()
            times[name].append(timed(call, counts[name]))
    return {name: np.array(values) for name, values in times.items()}


def quartiles(values):
    return [round(float(q), 3) for q in np.quantile(values, [0.25, 0.5, 0.75])]


def row(T, B, n, size, dtype, work, threads, rounds):
    calls = contestants(*problem(T, B, n, size, dtype), work)
    times = interleaved(calls, rounds, pause=0.04 if threads > 1 else 0)
    best = min(("numpy", "compiled"), key=lambda name: np.median(times[name]))
    ours = {"numpy": times["numpy"], "compiled": times["compiled"], "best": times[best]}
    ratios = {
        name: {
            other: quartiles(own / times[other] if other == "floor" else times[other] / own)
            for other in ("torch", "jax", "floor")
        }
        for name, own in ours.items()
    }
    ms = {name: round(float(np.median(values)) * 1e3, 4) for name, values in times.items()}
    return dict(
        T=T, B=B, n=n, m=size, dtype=np.dtype(dtype).name, work=work, threads=threads, best=best,
        ms=ms, ratios=ratios,
    )  # fmt: skip


def profile(T, B, n, size, dtype, rounds):
    """Milliseconds of the parts of one gradient: with NumPy alone, compiled, and at the floor."""
    parameters, x, y = problem(T, B, n, size, dtype)
    states = rnn_lit.forward(parameters, x)
    _, e = rnn_lit.mean_squared_error(states, y)
    whole, first = floor(parameters, x, True), floor(parameters, x, False)
    calls = {
        "floor forward": first,
        "floor gradient": whole,
        "numpy forward": lambda: rnn_lit.forward(parameters, x),
        "numpy loss": lambda: rnn_lit.mean_squared_error(states, y),
        "numpy backward": lambda: rnn_lit.backward(parameters, x, states, e),
        "numpy gradient": lambda: rnn_lit.loss_and_gradient(parameters, x, y),
        "compiled forward": lambda: compiled.forward(parameters, x),
        "compiled backward": lambda: compiled.backward(parameters, x, states, e),
        "compiled gradient": lambda: compiled.loss_and_gradient(parameters, x, y),
    }
    times = interleaved(calls, rounds)
    ms = {name: round(float(np.median(values)) * 1e3, 4) for name, values in times.items()}
    return dict(T=T, B=B, n=n, m=size, dtype=np.dtype(dtype).name, ms=ms)


def fits(starts=20, rounds=100):
    """Fits of three units to a series of 220 values, each 100 rounds of L-BFGS, per second."""
    rng = np.random.default_rng(0)
    series = np.sin(0.57 * np.arange(221)) + 0.3 * rng.normal(size=221)
    x, y = forecast.lagged(series, 1)
    x, penalty = x[:-1], 1e-3
    like = initialise(3, 1, 1, rng)
    theta = np.stack([flatten(initialise(3, 1, 1, rng)) for _ in range(starts)])

    def alone(gradient):
        def evaluate(theta):
            L, g = gradient(unflatten(theta[0], like), x, y)
            J = L + penalty * (theta * theta).sum()
            return np.array([J]), flatten(g)[None] + 2 * penalty * theta

        for i in range(starts):
            forecast.minimise(evaluate, theta[i : i + 1], rounds, tolerance=0)

    def together():
        forecast.minimise(
            lambda theta: forecast.side_by_side(theta, 3, x, y, penalty), theta, rounds,
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


def main(threads, quick):
    torch.set_num_threads(threads)
    modules = (np, scipy, numba, torch, jax)
    found = {module.__name__: module.__version__.split("+")[0] for module in modules}
    found["python"] = sys.version.split()[0]
    print(json.dumps({"versions": found}), flush=True)
    if threads == 1:
        print(json.dumps({"fits": fits()}), flush=True)
        for size in PROFILED:
            print(json.dumps({"profile": profile(*size, rounds=5 if quick else 9)}), flush=True)
    for work in ("gradient",) if quick else ("gradient", "forward"):
        for dtype in (np.float64, np.float32):
            for size in (1,) if quick else (1, 16):
                for T, B, n in GRID:
                    rounds = 5 if quick else 9
                    one = row(T, B, n, size, dtype, work, threads, rounds)
                    print(json.dumps(one), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), "--quick" in sys.argv)
