"""The cases on which a mutant is compared with the independent implementation.

A mutant that agrees with `mutants_reference` on all of them is called equivalent: lengths up to
40, up to four outputs, single series and batches, first states and incoming adjoints that are
not zero, every activation.
"""

import importlib
import math

import numpy as np
from mutants_reference import (
    SLOPES,
    VALUES,
    apply,
    gradient_of,
    loss_of,
    run,
    softmax,
    times,
)

SIZES = [(1, 1, 1, 1, None), (3, 2, 2, 7, None), (2, 1, 4, 40, None), (2, 3, 1, 9, 2),
         (3, 1, 3, 4, 3)]  # fmt: skip


def agrees(module):
    """Whether a module of the importable rnn_lit does what this implementation does."""
    with np.errstate(all="ignore"):
        try:
            CASES[module](importlib.import_module(f"rnn_lit.{module.replace('/', '.')}"))
        except Exception:  # a difference, or a crash
            return False
    return True


def same(found, wanted):
    """Refuse arrays that differ in shape, or in value by more than rounding."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    found, wanted = found.astype(complex), wanted.astype(complex)
    assert (abs(found - wanted) <= 1e-11 + 1e-9 * abs(wanted)).all()


def refused(error, function, *arguments, **options):
    """Refuse a function that takes what it should refuse."""
    try:
        function(*arguments, **options)
    except error:
        return
    raise AssertionError(f"{function.__name__} takes {arguments}, {options}")


def cases():
    """Random networks of every size and activation, with the reference's results."""
    rng = np.random.default_rng(0)
    names = list(VALUES)
    for number, (n, m, k, T, B) in enumerate(SIZES * len(names)):
        shapes = (n, n), (n, m), (n,), (k, n), (k,)
        p = [rng.normal(size=shape) * 0.7 for shape in shapes]
        batch = () if B is None else (B,)
        g_1 = names[number % len(names)]
        g_2 = [*names, "softmax"][number % (len(names) + 1)]
        kind = "softmax_cross_entropy" if g_2 == "softmax" else "mean_squared_error"
        x, a_0 = rng.normal(size=(T, *batch, m)), rng.normal(size=(*batch, n))
        if number % 7 == 3:
            x = rng.integers(-2, 3, size=x.shape)
        y = rng.random((T, *batch, k))
        y /= y.sum(axis=-1, keepdims=True)
        e, r = rng.normal(size=(T, *batch, k)), rng.normal(size=(*batch, n))
        yield p, x, a_0, y, e, r, g_1, g_2, kind


def each(array, batched):
    """The series of a batch, or the only one."""
    return [array[:, b] for b in range(array.shape[1])] if batched else [array]


def joined(parts, batched):
    return np.stack([np.asarray(part) for part in parts], 1) if batched else np.asarray(parts[0])


def started(p, x, a_0, g_1, g_2):
    """The reference's states of every series, as lists and as arrays."""
    firsts = list(a_0) if x.ndim == 3 else [a_0]
    runs = [run(p, one, list(first), g_1, g_2)
            for one, first in zip(each(x, x.ndim == 3), firsts, strict=True)]  # fmt: skip
    return runs, [joined(parts, x.ndim == 3) for parts in zip(*runs, strict=True)]


def activations(shipped):
    points = [-800.0, -40, -2.5, -0.3, 0.0, 0.4, 1.7, 30, 800]
    for name in VALUES:
        g = shipped.ACTIVATIONS[name]
        assert g is getattr(shipped, name) and g.name == name
        for shape in ((9,), (3, 3)):
            z = np.reshape(points, shape)
            same(g.f(z), np.reshape(apply(name, points), shape))
            slopes = [SLOPES[name](complex(max(min(z_i, 300), -300))) for z_i in points]
            same(g.df(z, g.f(z)), np.reshape(slopes if name != "sine" else np.cos(points), shape))
    rows = np.array([[[0.5, -1.0, 2.0], [1000.0, 1001.0, 998.0]]])
    same(shipped.ACTIVATIONS["softmax"].f(rows), [[softmax(row) for row in rows[0]]])
    same(shipped.softmax.f(rows[0, 0]), softmax(rows[0, 0]))
    assert shipped.softmax.df is None and set(shipped.ACTIVATIONS) == {*VALUES, "softmax"}


def model(shipped):
    from rnn_lit.activations import ACTIVATIONS

    for p, x, a_0, _, e, r, g_1, g_2, _ in cases():
        _, wanted = started(p, x, a_0, g_1, g_2)
        g, before = ACTIVATIONS[g_1], x.copy()
        found = shipped.forward(shipped.Parameters(*p), x, a_0, g, ACTIVATIONS[g_2])
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
        from_zero = shipped.forward(shipped.Parameters(*p), x, g_1=g)
        same(from_zero.y_hat, started(p, x, 0 * a_0, g_1, "identity")[1][3])
        same(shipped.forward(shipped.Parameters(*p), x).a,
             started(p, x, 0 * a_0, "tanh", "identity")[1][1])  # fmt: skip
        same(x, before)
        same(shipped.rows(x), [x[at] for at in np.ndindex(x.shape[:-1])])
        zeros = {"a_0": a_0, "r": r}
        later = {"z": wanted[0], "a": wanted[1], "e": e}
        left, seen, *others = shipped.conform(shipped.Parameters(*p), x, **dict.fromkeys(zeros))
        given = shipped.conform(shipped.Parameters(*p), x, finite=False, **zeros, **later)[2:]
        for name in later:  # None stands for zeros in the two above alone
            refused(ValueError, shipped.conform, shipped.Parameters(*p), x, **{name: None})
        assert left._fields == shipped.Parameters._fields
        for one, other in zip((*left, seen, *others, *given),
                              (*p, x, *(0 * v for v in zeros.values()), *zeros.values(),
                               *later.values()),
                              strict=True):  # fmt: skip
            same(one, other)
            assert np.asarray(one).dtype.kind in "fc"
    for n, m, k in ((1, 1, 1), (2, 3, 4), (5, 1, 2)):
        draws = np.random.default_rng(n)
        wanted = [[draws.standard_normal() for _ in range(size)] for size in (n * n, n * m, k * n)]
        drawn = shipped.initialise(n, m, k, np.random.default_rng(n))
        for w, list_, shape, terms in zip((drawn.W_aa, drawn.W_ax, drawn.W_ya), wanted,
                                          ((n, n), (n, m), (k, n)), (n + m, n + m, n),
                                          strict=True):  # fmt: skip
            same(w, np.reshape([value / math.sqrt(terms) for value in list_], shape))
        same(np.concatenate([drawn.b_a, drawn.b_y]), [0] * (n + k))


def loss(shipped):
    from rnn_lit.activations import ACTIVATIONS
    from rnn_lit.model import States

    for p, x, a_0, y, _, _, g_1, g_2, kind in cases():
        runs, (z, a, o, y_hat) = started(p, x, a_0, g_1, g_2)
        L, e = loss_of([one[2] for one in runs], each(y, x.ndim == 3), g_2, kind)
        states = States(z.real, a.real, o.real, y_hat.real)
        found = getattr(shipped, kind)(states, y, ACTIVATIONS[g_2])
        same(found[0], L)
        same(found[1], joined(list(e), x.ndim == 3))
        if g_2 in ("identity", "softmax"):  # the defaults
            same(getattr(shipped, kind)(states, y)[0], L)
    far, hot = np.array([[0.0, 1000.0]]), np.array([[1.0, 0.0]])
    same(shipped.softmax_cross_entropy(States(None, None, far, None), hot)[0], 1000)


def jacobians(shipped):
    for p, x, a_0, y, _, _, g_1, g_2, kind in cases():
        _, (z, a, *_) = started(p, x, a_0, g_1, g_2)
        d = np.vectorize(lambda value, g=g_1: SLOPES[g](value))(z).real
        for t in range(min(len(x), 6) + 1):
            for s in range(t + 1):
                steps = [[[d_i * w for w in row] for d_i, row in zip(d_j, p[0], strict=True)]
                         for b in range(x.shape[1] if x.ndim == 3 else 1)
                         for d_j in each(d, x.ndim == 3)[b][s:t]]  # fmt: skip
                wanted, count = [], t - s
                for b in range(x.shape[1] if x.ndim == 3 else 1):
                    columns = np.eye(len(p[2])).tolist()
                    for J in steps[b * count : (b + 1) * count]:
                        columns = [times(J, column) for column in columns]
                    wanted.append(np.transpose(columns))
                same(shipped.jacobian_product(p[0], d, t, s),
                     np.stack(wanted) if x.ndim == 3 else wanted[0])  # fmt: skip
        if len(x) < 10:
            same_gradient(shipped.jacobian_product_gradient, p, x, a_0, y, g_1, g_2, kind)


def same_gradient(shipped, p, x, a_0, y, g_1, g_2, kind):
    """Compare a gradient, or a loss and its gradient; returns nothing."""
    from rnn_lit import loss as losses
    from rnn_lit.activations import ACTIVATIONS
    from rnn_lit.model import Parameters

    for first in (a_0, None):
        runs, (z, a, o, _) = started(p, x, 0 * a_0 if first is None else first, g_1, g_2)
        L, e = loss_of([one[2] for one in runs], each(y, x.ndim == 3), g_2, kind)
        series = [(one, *runs[b][:2], e[b], [0] * len(p[2]))
                  for b, one in enumerate(each(x, x.ndim == 3))]  # fmt: skip
        options = {"g_1": ACTIVATIONS[g_1], "g_2": ACTIVATIONS[g_2],
                   "loss": getattr(losses, kind)}  # fmt: skip
        found = shipped(Parameters(*p), x, y, first, **options)
        if len(found) == 2:
            same(found[0], L)
            found = found[1]
        for one, other in zip(found, gradient_of(p, series, g_1)[0], strict=True):
            same(one, other)


def bptt(shipped):
    from rnn_lit.activations import ACTIVATIONS
    from rnn_lit.model import Parameters, States

    for p, x, a_0, y, e, r, g_1, g_2, kind in cases():
        batched = x.ndim == 3
        runs, arrays = started(p, x, a_0, g_1, g_2)
        states = States(*(array.real for array in arrays))
        for incoming in (r, None):
            ends = r if incoming is not None else 0 * r
            series = [(one, *runs[b][:2], each(e, batched)[b], ends[b] if batched else ends)
                      for b, one in enumerate(each(x, batched))]  # fmt: skip
            gradient, firsts = gradient_of(p, series, g_1)
            found, r_0 = shipped.backward(Parameters(*p), x, states, e, ACTIVATIONS[g_1], incoming)
            for one, other in zip(found, gradient, strict=True):
                same(one, other)
            same(r_0, firsts if batched else firsts[0])
        same_gradient(shipped.loss_and_gradient, p, x, a_0, y, g_1, g_2, kind)


def clipping(shipped):
    from rnn_lit.model import Parameters

    for p, *_ in cases():
        for scale in (1, 0, 1e200, 1e-200):
            entries = [float(value) * scale for w in p for value in w.flat]
            size = math.hypot(*entries)
            for limit in (0.5, 1.0, 2 * size + 1e-300, math.inf):
                found, norm = shipped.clip(Parameters(*(w * scale for w in p)), limit)
                factor = min(1, limit / size) if size else 1
                same(norm, size)
                for one, other in zip(found, p, strict=True):
                    same(one / (scale or 1), other * factor * (scale != 0))


def arrays(_):
    """The checks as the forward pass calls them, which has imported them already."""
    model(importlib.import_module("rnn_lit.model"))


CASES = {"activations": activations, "_arrays": arrays, "model": model, "loss": loss,
         "gradients": jacobians, "bptt": bptt, "training": clipping}  # fmt: skip
