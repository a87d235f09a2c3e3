"""A second implementation of the book's core, number by number, in plain loops over lists.

No array operation and nothing of ``rnn_lit`` is used. Derivatives are carried forwards along one
coordinate at a time, so nothing here knows of a sweep.
"""

import cmath
from itertools import product

import numpy as np

VALUES = {
    "tanh": cmath.tanh,
    "sigmoid": lambda z: 1 / (1 + cmath.exp(-z)) if z.real > -700 else 0,
    "softplus": lambda z: z if z.real > 40 else cmath.log(1 + cmath.exp(z)),
    "sine": cmath.sin,
    "identity": lambda z: z,
}
SLOPES = {
    "tanh": lambda z: 1 - cmath.tanh(z) ** 2,
    "sigmoid": lambda z: VALUES["sigmoid"](z) * VALUES["sigmoid"](-z),
    "softplus": VALUES["sigmoid"],
    "sine": cmath.cos,
    "identity": lambda z: 1,
}


def softmax(o):
    largest = max(o_i.real for o_i in o)
    powers = [cmath.exp(o_i - largest) for o_i in o]
    return [power / sum(powers) for power in powers]


def apply(name, o):
    return softmax(o) if name == "softmax" else [VALUES[name](complex(o_i)) for o_i in o]


def times(W, v):
    return [sum(W[i][j] * v[j] for j in range(len(v))) for i in range(len(W))]


def run(p, x, a_0, g_1, g_2):
    """z, a, o, ŷ of one series, as lists."""
    W_aa, W_ax, b_a, W_ya, b_y = p
    z, a, o = [], [a_0], []
    for x_t in x:
        parts = zip(times(W_aa, a[-1]), times(W_ax, x_t), b_a, strict=True)
        z.append([sum(part) for part in parts])
        a.append(apply(g_1, z[-1]))
        o.append([s + b for s, b in zip(times(W_ya, a[-1]), b_y, strict=True)])
    return z, a, o, [apply(g_2, o_t) for o_t in o]


def change(p, x, z, a, e, r, g_1, direction, dot_a):
    """The derivative of Σ e·o + r·a_T for one series along a direction, carried forwards."""
    total = 0
    for t in range(len(x)):
        terms = (times(p[0], dot_a), times(direction[0], a[t]), times(direction[1], x[t]))
        dot_z = [sum(entry) for entry in zip(*terms, direction[2], strict=True)]
        dot_a = [SLOPES[g_1](complex(z_i)) * d for z_i, d in zip(z[t], dot_z, strict=True)]
        dot_o = zip(times(p[3], dot_a), times(direction[3], a[t + 1]), direction[4], strict=True)
        total += sum(e_i * sum(d) for e_i, d in zip(e[t], dot_o, strict=True))
    return total + sum(r_i * d for r_i, d in zip(r, dot_a, strict=True))


def gradient_of(p, series, g_1):
    """∂/∂θ and each series' ∂/∂a_0, for a list of (x, z, a, e, r)."""
    zero = [np.zeros(w.shape) for w in p]
    gradient = [np.zeros(w.shape, complex) for w in p]
    for at, w in enumerate(p):
        for place in np.ndindex(w.shape):
            direction = [array.copy() for array in zero]
            direction[at][place] = 1
            still = [0] * len(p[2])
            gradient[at][place] = sum(change(p, *one, g_1, direction, still) for one in series)
    unit = np.eye(len(p[2]))
    return gradient, [[change(p, *one, g_1, zero, row) for row in unit] for one in series]


def loss_of(o, y, g_2, kind):
    """The loss of a list of series and its derivative by every o, one entry after another."""
    count, L, e = len(o) * len(o[0]), 0, np.zeros((len(o), len(o[0]), len(o[0][0])), complex)
    for b, t in product(range(len(o)), range(len(o[0]))):
        out, y_t = apply(g_2, o[b][t]), y[b][t]
        for i in range(len(out)):
            if kind == "mean_squared_error":
                L += (out[i] - y_t[i]) ** 2 / count
                e[b, t, i] = 2 * (out[i] - y_t[i]) * SLOPES[g_2](complex(o[b][t][i])) / count
            else:
                L -= y_t[i] * (o[b][t][i] - largest_log(o[b][t])) / count
                e[b, t, i] = (sum(y_t) * out[i] - y_t[i]) / count
    return L, e


def largest_log(o):
    largest = max(o_i.real for o_i in o)
    return largest + cmath.log(sum(cmath.exp(o_i - largest) for o_i in o))
