"""What is timed: for each contestant a function that returns the call to be timed.

Each takes the parameters, x, y and the work ("gradient" or "forward"), and returns the call and a
function that turns what it returned into NumPy arrays. Libraries are imported where they are
needed, so that a process holds that of its own contestant alone. The process of "first" imports
the first edition's rnn_lit.
"""

import numpy as np

import rnn_lit
from rnn_lit.model import Parameters, initialise


def problem(T, B, n, size, dtype):
    """Parameters, inputs and targets with m = k = size."""
    rng = np.random.default_rng([T, B, n])
    parameters = Parameters(*(w.astype(dtype) for w in initialise(n, size, size, rng)))
    x, y = rng.normal(size=(2, T, B, size)).astype(dtype)
    return parameters, x, y


def in_arrays(found):
    """A state's outputs, or a loss and its gradient, as a list of arrays."""
    return [found.o] if isinstance(found, rnn_lit.States) else [found[0], *found[1]]


def with_numpy(parameters, x, y, work):
    if work == "forward":
        return lambda: rnn_lit.forward(parameters, x), in_arrays
    return lambda: rnn_lit.loss_and_gradient(parameters, x, y), in_arrays


def compiled(parameters, x, y, work):
    from rnn_lit import compiled

    if work == "forward":
        return lambda: compiled.forward(parameters, x), in_arrays
    return lambda: compiled.loss_and_gradient(parameters, x, y), in_arrays


def with_torch(parameters, x, y, work):
    """nn.RNN and nn.Linear with our numbers in them."""
    import torch

    n, k = len(parameters.b_a), len(parameters.b_y)
    steps, batch = x.shape[:2]
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    rnn = torch.nn.RNN(x.shape[-1], n).to(x.dtype)
    out = torch.nn.Linear(n, k).to(x.dtype)
    leaves = [rnn.weight_hh_l0, rnn.weight_ih_l0, rnn.bias_ih_l0, out.weight, out.bias]
    with torch.no_grad():
        rnn.bias_hh_l0.zero_()
        for leaf, value in zip(leaves, parameters, strict=True):
            leaf.copy_(torch.from_numpy(value))
    rnn.bias_hh_l0.requires_grad_(False)  # the second bias is none of our parameters

    def forward():
        with torch.no_grad():
            return [out(rnn(x)[0])]

    def gradient():
        a, _ = rnn(x)
        L = ((out(a) - y) ** 2).sum() / (steps * batch)
        return [L.detach(), *torch.autograd.grad(L, leaves)]

    call = forward if work == "forward" else gradient
    return call, lambda found: [array.numpy() for array in found]


def with_jax(parameters, x, y, work):
    """Jitted lax.scan, with value_and_grad."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def outputs(parameters, x):
        W_aa, W_ax, b_a, W_ya, b_y = parameters

        def step(a, z):
            a = jnp.tanh(a @ W_aa.T + z)
            return a, a

        start = jnp.zeros((x.shape[1], len(b_a)), x.dtype)
        _, a = jax.lax.scan(step, start, x @ W_ax.T + b_a)
        return a @ W_ya.T + b_y

    def loss(parameters, x, y):
        return ((outputs(parameters, x) - y) ** 2).sum() / (x.shape[0] * x.shape[1])

    arrays = tuple(map(jnp.asarray, parameters)), jnp.asarray(x), jnp.asarray(y)
    if work == "forward":
        forward = jax.jit(outputs)
        return lambda: [forward(*arrays[:2]).block_until_ready()], lambda found: found
    gradient = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(gradient(*arrays)), lambda found: [found[0], *found[1]]


def floor(parameters, x, y, work, library=np):
    """The large pieces alone: products and tangents on numbers of no meaning; it returns None.

    Library is numpy or torch: the two multiply with different libraries.
    """
    array = np.asarray if library is np else library.from_numpy
    W_aa, W_ax, _, W_ya, _ = map(array, parameters)
    T, B, m = x.shape
    n, k, rng = len(W_aa), len(W_ya), np.random.default_rng(0)

    def some(*shape):
        return array(rng.normal(size=shape).astype(x.dtype))

    a, out, inputs, outputs = some(B, n), some(B, n), some(T * B, m), some(T * B, k)
    states, deltas = some(T * B, n), some(T * B, n)

    def run():
        for _ in range(T):
            library.matmul(a, W_aa.T, out=out)
        inputs @ W_ax.T
        states @ W_ya.T
        library.tanh(states)
        if work == "gradient":
            for _ in range(T):
                library.matmul(a, W_aa, out=out)
            outputs @ W_ya
            deltas.T @ states
            deltas.T @ inputs
            outputs.T @ states

    return run, None


def torch_floor(parameters, x, y, work):
    import torch

    return floor(parameters, x, y, work, torch)


CONTESTANTS = {
    "numpy": with_numpy, "first": with_numpy, "compiled": compiled, "torch": with_torch,
    "jax": with_jax, "floor": floor, "torch floor": torch_floor,
}  # fmt: skip


def checked(name, setting, work):
    """The call of a contestant, once its answer was found to be that of rnn_lit."""
    arguments = problem(*setting)
    call, arrays = CONTESTANTS[name](*arguments, work)
    found = call()
    if arrays:
        wanted = in_arrays(with_numpy(*arguments, work)[0]())
        tolerance = 1e-10 if np.dtype(setting[-1]) == np.float64 else 2e-3
        for one, array in zip(arrays(found), wanted, strict=True):
            error = abs(np.asarray(one) - array).max() / abs(array).max()
            assert error < tolerance, f"{name} is off by {error:.1e} at {setting}"
    return call
