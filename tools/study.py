"""The study of chapter 10: every configuration, every seed. python tools/study.py [--jobs N]

Writes ``rnn_lit/_book/sunspot_study.csv`` (a row for each configuration and seed) and
``rnn_lit/_book/sunspot_study_forecasts.csv`` (a row for each configuration: the mean forecast of
its seeds, year by year). What is finished is kept in ``_build/study``, so an interrupted run goes
on where it was.

Nothing after 1920 takes part in any choice: the validation scores come from four stretches of 25
years, each forecast by networks trained on the years before it alone. The scores after 1920, of
networks trained on 1700–1920, are written down beside them.
"""

import argparse
import ast
import hashlib
import inspect
import itertools
import os
import platform
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from types import SimpleNamespace

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported: the processes share the cores

import numpy as np

from rnn_lit import forward, initialise
from rnn_lit._search import _direction, join, minimise, separate, side_by_side
from rnn_lit._series import lagged

#: Under the name by which the functions below, which the fingerprint covers, have always known
#: them: the modules have moved since the study ran, the code has not.
forecast = SimpleNamespace(
    join=join, lagged=lagged, minimise=minimise, side_by_side=side_by_side
)


def flatten(parameters):
    """As the package's, which checks what it is given: not needed here, nor when the study ran."""
    return np.concatenate([np.ravel(w) for w in parameters])


ROOT = Path(__file__).resolve().parents[1]
DATA = Path("src", "rnn_lit", "_book")
ROWS, FORECASTS = "sunspot_study.csv", "sunspot_study_forecasts.csv"

POWERS = (1.0, 0.7, 0.5)
SIZES = (1, 2, 3, 4, 6)
LAGS = (1, 2, 3, 9)
PENALTIES = (1e-2, 3e-3, 1e-3, 3e-4)
SEEDS = 20
ROUNDS = 300

FOLDS = ((1820, 1845), (1845, 1870), (1870, 1895), (1895, 1920))
TESTS = ((1921, 1955), (1956, 1979), (1980, 2008))
FIRST = FOLDS[0][0] + 1
VARIANCE = 1535.0

HEADER = "power,n,lags,penalty,seed,objective,validation,test_1921,test_1956,test_1980"


def grid():
    """All configurations, in the order of the files: (power, n, lags, penalty)."""
    return list(itertools.product(POWERS, SIZES, LAGS, PENALTIES))


def sunspots():
    """The years and the yearly sunspot numbers, 1700–2008."""
    from statsmodels.datasets import sunspots

    data = sunspots.load_pandas().data
    return data["YEAR"].to_numpy().astype(int), data["SUNACTIVITY"].to_numpy()


def starts(n, lags, seeds=SEEDS):
    """The random parameters of the seeds 0, 1, …, a row each."""
    return np.stack(
        [flatten(initialise(n, lags, 1, np.random.default_rng(seed))) for seed in range(seeds)]
    )


def fit_and_forecast(configuration, years, series, end, seeds=SEEDS, rounds=ROUNDS):
    """Train on the years up to the end, forecast every year one step ahead.

    Returns the objective of each seed, (seeds,), and the forecasts, (len(series), seeds), with
    NaN for the first years, which no full input precedes.
    """
    power, n, lags, penalty = configuration
    u = series**power
    past = u[years <= end]
    mean, scale = past.mean(), past.std()
    x, y = forecast.lagged((u - mean) / scale, lags)
    T = len(past) - lags
    found = forecast.minimise(
        lambda theta: forecast.side_by_side(theta, n, x[:T], y[:T], penalty),
        starts(n, lags, seeds),
        rounds,
    )
    y_hat = forward(forecast.join(found.theta, n, lags), x[:-1]).y_hat * scale + mean
    if power != 1:
        y_hat = np.maximum(y_hat, 0) ** (1 / power)
    return found.J, np.concatenate([np.full((lags, seeds), np.nan), y_hat])


def walk_forward(configuration, years, series, seeds=SEEDS):
    """Forecasts of the validation years, each by networks trained on the years before its fold."""
    stretches = []
    for end, last in FOLDS:
        _, y_hat = fit_and_forecast(configuration, years, series, end, seeds)
        stretches.append(y_hat[(years > end) & (years <= last)])
    return np.concatenate(stretches)


def arv(y_hat, years, series, first, last):
    """The mean squared error of the years first … last over the variance 1535, column by column."""
    chosen = (years >= first) & (years <= last)
    error = (y_hat[chosen].T - series[chosen]).T
    return (error**2).mean(axis=0) / VARIANCE


def score(configuration, years, series):
    """One configuration's lines of the two files."""
    objectives, y_hat = fit_and_forecast(configuration, years, series, FOLDS[-1][1])
    y_hat[(years >= FIRST) & (years <= FOLDS[-1][1])] = walk_forward(configuration, years, series)
    periods = ((FIRST, FOLDS[-1][1]), *TESTS)
    scores = np.stack([objectives, *(arv(y_hat, years, series, *p) for p in periods)], axis=1)
    name = ",".join(f"{value:g}" for value in configuration)
    rows = [
        ",".join([name, str(seed), *(f"{value:.5f}" for value in row)])
        for seed, row in enumerate(scores)
    ]
    mean = y_hat[years >= FIRST].mean(axis=1)
    return rows, ",".join([name, *(f"{value:.1f}" for value in mean)])


def _plain(node):
    """A syntax tree without positions, comments, docstrings, the types of a signature and
    decorators that only refuse arguments (`_refuse_…`), the same in every Python."""
    if isinstance(node, ast.AST):
        fields = {name: value for name, value in ast.iter_fields(node)}
        if isinstance(node, (ast.arg, ast.FunctionDef)):
            fields |= dict.fromkeys(("annotation", "returns"))
        if isinstance(node, ast.FunctionDef):
            fields["decorator_list"] = [
                one for one in node.decorator_list
                if not (isinstance(one, ast.Name) and one.id.startswith("_refuse_"))
            ]  # fmt: skip
        body = fields.get("body")
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                fields["body"] = body[1:]
        return (
            type(node).__name__,
            [(name, _plain(value)) for name, value in fields.items() if value not in (None, [])],
        )
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return repr(node)


def hash_of(settings, code):
    """Of settings, and of functions, classes or modules as `_plain` sees their source.

    Of a function behind a decorator that wraps it (functools.wraps) the source is its own.
    """
    trees = [_plain(ast.parse(textwrap.dedent(inspect.getsource(part)))) for part in code]
    return hashlib.sha256(repr((settings, trees)).encode()).hexdigest()[:16]


def fingerprint():
    """A hash of the code that determines the numbers, blind to docstrings, comments and types.

    It covers this file's settings and computations, and the search for the minimum. What the
    forward pass and the gradient compute is fixed by their proofs, so a faster version of them
    leaves the study valid; that it does is what chapter 10's refit of a row asserts.
    """
    code = [fit_and_forecast, walk_forward, arv, score, starts, forecast.lagged, forecast.join]
    code += [separate, forecast.side_by_side, forecast.minimise, _direction]
    code += [initialise, flatten]
    settings = (POWERS, SIZES, LAGS, PENALTIES, SEEDS, ROUNDS, FOLDS, TESTS, VARIANCE)
    return hash_of(settings, code)


def write_whole(path, text):
    """Under its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(path.suffix + ".tmp")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _job(configuration):
    return configuration, *score(configuration, *sunspots())


def run(configurations, kept, jobs):
    """Score what is not kept yet; {configuration: lines of the two files}."""
    done = {}
    for configuration in configurations:
        path = kept / ("_".join(f"{value:g}" for value in configuration) + ".csv")
        if path.exists():
            *rows, mean = path.read_text(encoding="utf-8").splitlines()
            done[configuration] = rows, mean
    left = [configuration for configuration in configurations if configuration not in done]
    print(f"{len(done)} of {len(configurations)} configurations are done, {len(left)} to go")
    begun = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(_job, configuration) for configuration in left]):
            configuration, rows, mean = future.result()
            path = kept / ("_".join(f"{value:g}" for value in configuration) + ".csv")
            write_whole(path, "\n".join([*rows, mean]) + "\n")
            done[configuration] = rows, mean
            if len(done) % 20 == 0:
                print(f"{len(done)} done after {time.monotonic() - begun:.0f} s", flush=True)
    return done


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all cores)")
    jobs = parser.parse_args(arguments).jobs
    code = fingerprint()
    done = run(grid(), ROOT / "_build" / "study" / code, jobs)
    import statsmodels

    head = (
        f"# code {code}, written by tools/study.py with Python {platform.python_version()}, "
        f"NumPy {np.__version__}, statsmodels {statsmodels.__version__} (the data)\n"
    )
    years, _ = sunspots()
    names = "power,n,lags,penalty," + ",".join(str(year) for year in years[years >= FIRST])
    rows = [row for configuration in grid() for row in done[configuration][0]]
    means = [done[configuration][1] for configuration in grid()]
    write_whole(ROOT / DATA / ROWS, head + "\n".join([HEADER, *rows]) + "\n")
    write_whole(ROOT / DATA / FORECASTS, head + "\n".join([names, *means]) + "\n")
    print(f"{DATA / ROWS}: {len(rows)} rows; {DATA / FORECASTS}: {len(means)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
