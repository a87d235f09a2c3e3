"""What ch-decide reads and cannot compute in a chapter's time. python tools/decide.py [--jobs N]

Writes ``rnn_lit/_book/decide.json``: the forecasts of 1821–2008 by a line beside a network in each
of some settings, walk-forward in the folds of the study up to 1920 and from one fit to 1700–1920
after that; and the coefficients of the printed equation fitted anew to series that it simulates
itself. What is finished is kept in ``_build/decide``, so an interrupted run goes on. Some minutes.
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
from rnn_lit._series import centre_and_scale
from rnn_lit.training import flatten

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path("src", "rnn_lit", "_book", "decide.json")

#: (lags of the line, n, lags of the network, penalty); the last is for the table of ch-decide.
BESIDE = [*itertools.product((9,), (2, 4), (1, 2, 9), (3e-2, 1e-2, 3e-3)), (2, 4, 2, 1e-2)]
POWER, SEEDS, ROUNDS = 0.5, 8, 300
EQUATION = dict(n=2, linear=0, penalty=1e-2, rounds=600)
STARTS, REPLICATES = 6, 200
NAMES = ["fixed point", "rho", "rho closed", "turn", "cycle", "ceiling"]


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


def nearest(parameters, wanted):
    """The one of the 2ⁿn! equal networks whose parameters are nearest to others, eq-canonical."""
    n = len(parameters.b_a)
    equal = [
        equation.rearrange(parameters, order, signs)
        for order in itertools.permutations(range(n))
        for signs in itertools.product((1, -1), repeat=n)
    ]
    return min(equal, key=lambda p: np.sum((flatten(p) - flatten(wanted)) ** 2))


def mean_cycle(parameters, level, steps=3000):
    """Years from one rise through a level to the next, of the equation fed its own forecasts."""
    W_aa, W_ax, b_a, W_ya, b_y = parameters
    a, s, path = np.zeros(len(b_a)), np.array([level + 1.0]), []
    for _ in range(steps):
        a = np.tanh(W_aa @ a + W_ax @ s + b_a)
        s = W_ya @ a + b_y
        path.append(s[0])
    low = np.array(path[1000:]) < level
    rises = np.flatnonzero(low[:-1] & ~low[1:])
    if np.ptp(path[1000:]) < 1e-3 or len(rises) < 2:
        return None
    return (rises[-1] - rises[0]) / (len(rises) - 1)


def invariants(parameters, guess):
    """What does not hang on the order and the signs of the units, in the order of `NAMES`."""
    near = equation.linearise(parameters, guess)
    eigenvalues = np.linalg.eigvals(near.closed)
    angle = abs(np.angle(eigenvalues)).max()
    turning = abs(eigenvalues.imag).max() > 0
    return [
        near.s,
        abs(np.linalg.eigvals(near.A)).max(),
        abs(eigenvalues).max(),
        2 * np.pi / angle if turning else None,
        mean_cycle(parameters, near.s),
        parameters.b_y[0] + abs(parameters.W_ya).sum(),
    ]


def replicate(seed, fitted, like):
    """Coefficients and invariants of the equation fitted to a series that it made itself."""
    series = simulated(fitted, np.random.default_rng([2026, seed]))
    again = Forecaster(**EQUATION, starts=STARTS, seed=seed).fit(series)
    parameters = nearest(again.parameters_, like)
    in_years = equation.in_units(parameters, again.mean_, again.scale_)
    return [*flatten(in_years), *invariants(in_years, again.mean_)]


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
    code += [equation.rearrange, equation.in_units, equation.linearise, equation.fixed_point]
    for module, names in (
        (_line, "fit_line _design _lags _differencing line_after"),
        (_rolling, "rows_of rest_size fitted_line"),
        (_search, "evaluator random_starts search_all minimise polish hessian _direction"),
    ):
        code += [getattr(module, name) for name in names.split()]
    settings = (BESIDE, POWER, SEEDS, ROUNDS, EQUATION, STARTS, REPLICATES, NAMES, FOLDS, FIRST)
    return hash_of(settings, code)


def shortened(numbers):
    """To four digits, as they are kept."""
    return [None if value is None else float(f"{value:.4g}") for value in numbers]


def _job(kind, key, fitted, like):
    warnings.simplefilter("ignore", RuntimeWarning)  # a search that ends before it has converged
    if kind == "beside":
        return [round(float(value), 1) for value in beside(key)]
    return shortened(replicate(key, fitted, like))


def run(code, jobs):
    """{(kind, key): numbers}, those kept and those computed now."""
    fitted, like, numbers = estimate()
    wanted = [("beside", setting) for setting in BESIDE]
    wanted += [("replicate", seed) for seed in range(REPLICATES)]
    found, left = {"estimate": shortened(numbers)}, []
    for kind, key in wanted:
        path = ROOT / "_build" / "decide" / code / f"{kind}_{key}.json".replace(" ", "")
        if path.exists():
            found[kind, key] = json.loads(path.read_text("utf-8"))
        else:
            left.append((kind, key, path))
    print(f"{len(found)} results are kept, {len(left)} to go", flush=True)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(_job, kind, key, fitted, like): (kind, key, path)
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
    }
    text = json.dumps(content, ensure_ascii=False).replace("], [", "],\n [")
    write_whole(ROOT / RESULT, text.replace(', "', ',\n "') + "\n")
    print(f"{RESULT}: {len(BESIDE)} settings, {REPLICATES} replicates")
    return 0


if __name__ == "__main__":
    sys.exit(main())
