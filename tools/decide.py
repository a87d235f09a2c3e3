"""What ch-decide reads and cannot compute in a chapter's time. python tools/decide.py [--jobs N]

Writes ``rnn_lit/_book/decide.json``: the forecasts of 1821–2008 by a line beside a network in each
of some settings, walk-forward in the folds of the study up to 1920 and from one fit to 1700–1920
after that; the coefficients of the printed equation fitted anew to series that it simulates
itself; and, as a control, what the same fit finds in series of stable linear models, which have no
cycle without noise. What is finished is kept in ``_build/decide``, so an interrupted run goes on.
Some minutes.
"""

import argparse
import itertools
import json
import os
import platform
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from study import FIRST, FOLDS, hash_of, sunspots, write_whole

from rnn_lit import Forecaster, equation, forward
from rnn_lit._rolling import fitted_line, rest_size, rows_of
from rnn_lit._search import evaluator, join, minimise, random_starts
from rnn_lit._series import centre_and_scale, lagged
from rnn_lit.training import flatten

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path("src", "rnn_lit", "_book", "decide.json")

#: (lags of the line, n, lags of the network, penalty); two lags are for the table of ch-decide.
BESIDE = [*itertools.product((9,), (2, 4), (1, 2, 9), (3e-2, 1e-2, 3e-3))]
BESIDE += [(2, 4, 2, 1e-2), (2, 4, 2, 3e-3)]
POWER, SEEDS, ROUNDS = 0.5, 8, 300
EQUATION = dict(n=2, linear=0, penalty=1e-2, rounds=600)
STARTS, REPLICATES = 6, 200
NAMES = ["fixed point", "rho", "rho closed", "turn", "cycle", "ceiling"]
#: The linear models of the control: the lags, and the power of the series that they read.
CONTROLS = {"AR(2)": (2, 1.0), "AR(9)": (9, 1.0), "AR(9) of √s": (9, 0.5)}


def beside(setting):
    """The forecasts of 1821–2008 by a line beside a network, the mean of some starts.

    They are the mean of Forecasters of one start each, with the seeds 0, 1, …, searched at once.
    """
    linear, n, lags, penalty = setting
    years, series = sunspots()
    forecasts = []
    for end, last in (*FOLDS, (FOLDS[-1][1], years[-1])):
        mean, scale = centre_and_scale(series[years <= end], POWER)
        v = (series**POWER - mean) / scale
        line = fitted_line(v[years <= end], {"linear": linear, "season": None})
        x, _, rest = rows_of(line, lags, v[years <= end])
        size = rest_size(line, rest)
        theta = np.concatenate([random_starts(n, lags, seed, 1)[0] for seed in range(SEEDS)])
        found = minimise(evaluator(n, x[:-1], rest / size, penalty), theta, ROUNDS)
        x, base, _ = rows_of(line, lags, v)
        v_hat = base[:-1, None] + size * forward(join(found.theta, n, lags), x[:-1]).y_hat
        s_hat = np.maximum(mean + scale * v_hat, 0) ** (1 / POWER)
        after = years[len(years) - len(s_hat) :]
        forecasts.append(s_hat.mean(axis=1)[(after > end) & (after <= last)])
    return np.concatenate(forecasts)


def the_equation():
    """The equation of 1700–1920 as ch-sunspots fits it, polished."""
    years, series = sunspots()
    return Forecaster(**EQUATION, starts=20, polished=True).fit(series[years <= 1920])


def simulated(fitted, draw):
    """A series that the equation makes of itself and of its own errors, def-bootstrap."""
    p, residuals = fitted.parameters_, fitted.residuals_ - fitted.residuals_.mean()
    v = (fitted.series_ - fitted.mean_) / fitted.scale_
    path, a = [v[:1]], np.zeros(fitted.n_)
    for _ in range(len(v) - 1):
        a = np.tanh(p.W_aa @ a + p.W_ax @ path[-1] + p.b_a)
        path.append(p.W_ya @ a + p.b_y + draw.choice(residuals))
    return fitted.mean_ + fitted.scale_ * np.concatenate(path)


def linear_model(lags, power):
    """Constant, coefficients and residuals of the least squares AR of 1700–1920, and its start.

    A model that does not come to rest without noise is refused: it could not serve as a control.
    """
    years, series = sunspots()
    u = series[years <= 1920] ** power
    x, y = lagged(u, lags)
    x = np.column_stack([np.ones(len(y)), x[:-1]])
    constant, *phi = np.linalg.lstsq(x, y[:, 0], rcond=None)[0]
    largest = abs(np.roots([1, *(-c for c in phi)])).max()
    if largest >= 1:
        raise ValueError(f"an AR({lags}) whose largest root is {largest:.3f} has no rest")
    return constant, np.array(phi), y[:, 0] - x @ [constant, *phi], u[:lags]


def noise_made(model, power, size, draw):
    """A series that a linear model makes of its own errors, from its first values."""
    constant, phi, residuals, first = model
    u = list(first)
    while len(u) < size:
        u.append(constant + phi @ u[: -len(phi) - 1 : -1] + draw.choice(residuals))
    return np.array(u) if power == 1 else np.maximum(u, 0) ** (1 / power)


def nearest(parameters, wanted):
    """The one of the 2ⁿn! equal networks whose parameters are nearest to others, eq-canonical."""
    n = len(parameters.b_a)
    equal = [
        equation.rearrange(parameters, order, signs)
        for order in itertools.permutations(range(n))
        for signs in itertools.product((1, -1), repeat=n)
    ]
    return min(equal, key=lambda p: np.sum((flatten(p) - flatten(wanted)) ** 2))


def apparent_cycle(path, level):
    """Years from one rise through a level to the next, on the average; None without two."""
    low = np.asarray(path) < level
    rises = np.flatnonzero(low[:-1] & ~low[1:])
    return (rises[-1] - rises[0]) / (len(rises) - 1) if len(rises) > 1 else None


def mean_cycle(parameters, level, steps=3000):
    """The apparent cycle of the equation fed its own forecasts; None where it comes to rest."""
    W_aa, W_ax, b_a, W_ya, b_y = parameters
    a, s, path = np.zeros(len(b_a)), np.array([level + 1.0]), []
    for _ in range(steps):
        a = np.tanh(W_aa @ a + W_ax @ s + b_a)
        s = W_ya @ a + b_y
        path.append(s[0])
    return None if np.ptp(path[1000:]) < 1e-3 else apparent_cycle(path[1000:], level)


def invariants(parameters, guess):
    """What does not hang on the order and the signs of the units, in the order of `NAMES`.

    A cycle is looked for where the fixed point repels; elsewhere a slow way to rest looks like one.
    """
    near = equation.linearise(parameters, guess)
    eigenvalues = np.linalg.eigvals(near.closed)
    repels = abs(eigenvalues).max() > 1
    angle = abs(np.angle(eigenvalues)).max()
    turning = abs(eigenvalues.imag).max() > 0
    return [
        near.s,
        abs(np.linalg.eigvals(near.A)).max(),
        abs(eigenvalues).max(),
        2 * np.pi / angle if turning else None,
        mean_cycle(parameters, near.s) if repels else None,
        parameters.b_y[0] + abs(parameters.W_ya).sum(),
    ]


def replicate(seed, fitted, like):
    """Coefficients and invariants of the equation fitted to a series that it made itself."""
    series = simulated(fitted, np.random.default_rng([2026, seed]))
    again = Forecaster(**EQUATION, starts=STARTS, seed=seed).fit(series)
    parameters = nearest(again.parameters_, like)
    in_years = equation.in_units(parameters, again.mean_, again.scale_)
    return [*flatten(in_years), *invariants(in_years, again.mean_)]


def control(name, seed, level):
    """The invariants of the equation fitted to a noise-made series, and that series' own cycle."""
    lags, power = CONTROLS[name]
    years, _ = sunspots()
    draw = np.random.default_rng([2026, lags, int(10 * power), seed])
    series = noise_made(linear_model(lags, power), power, np.sum(years <= 1920), draw)
    again = Forecaster(**EQUATION, starts=STARTS, seed=seed).fit(series)
    in_years = equation.in_units(again.parameters_, again.mean_, again.scale_)
    return [*invariants(in_years, again.mean_), apparent_cycle(series, level)]


def own_cycles(fitted, level):
    """The apparent cycles of the series behind the replicates."""
    draws = (np.random.default_rng([2026, seed]) for seed in range(REPLICATES))
    return [apparent_cycle(simulated(fitted, draw), level) for draw in draws]


def estimate():
    """The equation itself: its coefficients and invariants, in the order that is printed."""
    fitted = the_equation()
    like = equation.canonical_form(fitted.parameters_)
    in_years = equation.in_units(like, fitted.mean_, fitted.scale_)
    return fitted, like, [*flatten(in_years), *invariants(in_years, fitted.mean_)]


def fingerprint():
    """A hash of the code that determines the numbers, blind to docstrings and comments.

    The two passes, the search and the line have their own tests, as in tools/trial.py.
    """
    from rnn_lit import _line, _rolling, _search

    code = [beside, the_equation, simulated, nearest, mean_cycle, invariants, replicate, estimate]
    code += [linear_model, noise_made, apparent_cycle, control, own_cycles]
    code += [equation.rearrange, equation.in_units, equation.linearise, equation.fixed_point]
    for module, names in (
        (_line, "fit_line _design _lags _differencing line_after"),
        (_rolling, "rows_of rest_size fitted_line"),
        (_search, "evaluator random_starts _cuts search_all minimise polish hessian _direction"),
    ):
        code += [getattr(module, name) for name in names.split()]
    settings = (BESIDE, POWER, SEEDS, ROUNDS, EQUATION, STARTS, REPLICATES, NAMES, FOLDS, FIRST)
    settings += (CONTROLS,)
    return hash_of(settings, code)


def shortened(numbers, digits=4):
    """To some digits, as they are kept."""
    return [None if value is None else float(f"{value:.{digits}g}") for value in numbers]


def _job(kind, key, fitted, like, level):
    warnings.simplefilter("ignore", RuntimeWarning)  # a search that ends before it has converged
    if kind == "beside":
        return [round(float(value), 1) for value in beside(key)]
    if kind == "control":
        return shortened(control(*key, level))
    return shortened(replicate(key, fitted, like))


def _file(kind, key):
    """The name under which a finished result is kept."""
    parts = key if isinstance(key, tuple) else (key,)
    return "_".join([kind, *map(str, parts)]).replace(" ", "").replace("√", "root") + ".json"


def run(code, jobs):
    """{(kind, key): numbers}, those kept and those computed now."""
    fitted, like, numbers = estimate()
    level = numbers[-len(NAMES)]
    wanted = [("beside", setting) for setting in BESIDE]
    wanted += [("replicate", seed) for seed in range(REPLICATES)]
    wanted += [("control", (name, seed)) for name in CONTROLS for seed in range(REPLICATES)]
    found, left = {"estimate": shortened(numbers, 10)}, []
    found["own cycles"] = shortened(own_cycles(fitted, level))
    for kind, key in wanted:
        path = ROOT / "_build" / "decide" / code / _file(kind, key)
        if path.exists():
            found[kind, key] = json.loads(path.read_text("utf-8"))
        else:
            left.append((kind, key, path))
    print(f"{len(found)} results are kept, {len(left)} to go", flush=True)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(_job, kind, key, fitted, like, level): (kind, key, path)
            for kind, key, path in left
        }
        for job in as_completed(waiting):
            kind, key, path = waiting[job]
            found[kind, key] = job.result()
            write_whole(path, json.dumps(job.result()))
            if len(found) % 20 == 0:
                print(f"{len(found)} done", flush=True)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all cores)")
    code = fingerprint()
    found = run(code, parser.parse_args(arguments).jobs)
    keys = ("linear", "n", "lags", "penalty")
    content = {
        "code": code,
        "versions": f"Python {platform.python_version()}, NumPy {np.__version__}",
        "first": FIRST,
        "beside": [
            dict(zip(keys, setting, strict=True), forecasts=found["beside", setting])
            for setting in BESIDE
        ],
        "invariants": NAMES,
        "estimate": found["estimate"],
        "replicates": [found["replicate", seed] for seed in range(REPLICATES)],
        "own cycles": found["own cycles"],
        "controls": {
            name: [found["control", (name, seed)] for seed in range(REPLICATES)]
            for name in CONTROLS
        },
    }
    text = json.dumps(content, ensure_ascii=False).replace("], [", "],\n [")
    write_whole(ROOT / RESULT, text.replace(', "', ',\n "') + "\n")
    print(f"{RESULT}: {len(BESIDE)} settings, {REPLICATES} replicates, {len(CONTROLS)} controls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
