"""How often the forecaster's intervals hold. python tools/interval_trial.py [--part P] [--jobs N]

Simulates series of 30, 100 and 300 values from four processes in turn (an AR(1), an AR(2) with a
cycle, a threshold autoregression, an ARMA(1, 1)), fits the forecaster and an autoregression to
each, and asks both for the 90 % intervals of the next four values. Writes
``rnn_lit/_book/coverage.csv``: for each length and horizon the shares of values inside, the mean
interval scores of both, and their ratio, headed by the hash of the code.

The other part, "real", makes intervals of one season, or four steps, from every origin in the last
third of each real series of the trial's test set, with the defaults fitted once before, and
writes ``coverage_real.csv``: the share inside for each series, and the mean of these shares with
a nominal 90 % interval, given the series and the fits: blocks of consecutive origins, two horizons
long, are drawn anew in each series by itself (circular block bootstrap).
"""

import argparse
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import trial
import trial_series
from study import hash_of, write_whole

LENGTHS, COUNT, STEPS, SHARE, SEED = (30, 100, 300), 2000, 4, 0.9, 20260
FILE = trial.ROOT / "src" / "rnn_lit" / "_book" / "coverage.csv"
REAL_FILE, DRAWS = FILE.with_name("coverage_real.csv"), 10_000


def simulated(length, number):
    """The series of that number and what follows it."""
    rng = np.random.default_rng([SEED, length, number])
    N = length + STEPS
    make = (
        lambda: trial_series.ar(rng, N, None, [0.6]),
        lambda: trial_series.ar(rng, N, None, [1.5, -0.8]),
        lambda: trial_series.threshold(rng, N, None),
        lambda: trial_series.arma(rng, N, None, 0.85, -0.5),
    )[number % 4]
    series = make()
    return series[:length], series[length:]


def forecaster(past):
    from rnn_lit import Forecaster

    band = Forecaster(2, starts=3).fit(past).predict(STEPS, interval=SHARE)
    return band.lower, band.upper


def bootstrap(past, seed, draws=1000):
    """An AR by AIC, the residuals drawn anew and fed back."""
    from statsmodels.tsa.ar_model import AutoReg, ar_select_order

    order = ar_select_order(past, trial.most_lags(len(past), None), ic="aic").ar_lags
    order = 0 if order is None else order[-1]
    fit = AutoReg(past, order).fit()
    rng, (c, *phi) = np.random.default_rng(seed), fit.params
    paths = np.tile(past, (draws, 1))
    for _ in range(STEPS):
        step = c + sum(f * paths[:, -1 - j] for j, f in enumerate(phi))
        paths = np.column_stack([paths, step + rng.choice(fit.resid, draws)])
    tails = (1 - SHARE) / 2, (1 + SHARE) / 2
    return np.quantile(paths[:, -STEPS:], tails, axis=0)


def interval_score(lower, upper, value):
    """The width, and 2/α for each unit that the value lies outside (Gneiting and Raftery)."""
    outside = np.maximum(lower - value, 0) + np.maximum(value - upper, 0)
    return upper - lower + 2 / (1 - SHARE) * outside


def one(job):
    length, number = job
    past, coming = simulated(length, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bands = forecaster(past), bootstrap(past, [SEED, number])
    return [
        row
        for lower, upper in bands
        for row in ((lower <= coming) & (coming <= upper), interval_score(lower, upper, coming))
    ]


def real(entry):
    """Whether each value is inside its interval: (origins, steps)."""
    from rnn_lit import Forecaster

    series, season = np.array(trial_series.values(entry)), entry["season"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Forecaster(4, season=season).fit(series)
        found = fitted.backtest(season or 4, interval=SHARE)
    return (found.lower <= found.actual) & (found.actual <= found.upper)


def block_bootstrap(shares, blocks, rng):
    """The mean share of several series, drawn anew DRAWS times.

    shares: for each series the share inside of every origin, oldest first; blocks: how many
    consecutive origins are drawn at once.
    """
    means = []
    for share, block in zip(shares, blocks):
        n = len(share)
        first = rng.integers(n, size=(DRAWS, -(-n // block)))
        drawn = share[(first[..., None] + np.arange(block)) % n]
        means.append(drawn.reshape(DRAWS, -1)[:, :n].mean(axis=1))
    return np.mean(means, axis=0)


def fingerprint(part="simulated"):
    """A hash of what determines a record: what the trial of the forecasts covers, and intervals."""
    from rnn_lit import _backtest, _law, _rolling

    laws = [_rolling.law_of, _law.half_widths, _law._resampled]
    settings = trial.fingerprint(), len(_law._NODES), SHARE, SEED
    if part == "real":
        return hash_of(
            (*settings, DRAWS),
            [*laws, real, block_bootstrap, real_rows, _backtest.walk, _backtest._row],
        )
    code = [simulated, forecaster, bootstrap, interval_score, one, trial.most_lags]
    return hash_of((*settings, LENGTHS, COUNT, STEPS), code + laws)


def simulated_rows(pool):
    yield "length,series,h,inside,inside_ar,score,score_ar,ratio"
    for length in LENGTHS:
        jobs = [(length, number) for number in range(COUNT)]
        found = np.array(list(pool.map(one, jobs, chunksize=10)), dtype=float)
        inside, score, inside_ar, score_ar = found.mean(axis=0)
        for h in range(STEPS):
            values = inside[h], inside_ar[h], score[h], score_ar[h], score[h] / score_ar[h]
            told = ",".join(f"{value:.4f}" for value in values)
            yield f"{length},{COUNT},{h + 1},{told}"


def real_rows(pool):
    yield "name,origins,inside,low,high"
    entries = [e for e in trial_series.listed("test") if "file" in e["source"]]
    shares = [inside.mean(axis=1) for inside in pool.map(real, entries)]
    for entry, share in zip(entries, shares):
        yield f"{entry['name'].replace(',', ';')},{len(share)},{share.mean():.4f},,"
    blocks = [2 * (entry["season"] or 4) for entry in entries]
    drawn = block_bootstrap(shares, blocks, np.random.default_rng(SEED))
    low, high = np.quantile(drawn, [0.05, 0.95])
    mean = np.mean([share.mean() for share in shares])
    yield f"all,{sum(map(len, shares))},{mean:.4f},{low:.4f},{high:.4f}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=("simulated", "real"), help="only this one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    chosen = parser.parse_args(arguments)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for part, file, made in (
            ("simulated", FILE, simulated_rows(pool)),
            ("real", REAL_FILE, real_rows(pool)),
        ):
            if chosen.part in (None, part):
                rows = [f"# code {fingerprint(part)}, written by tools/interval_trial.py"]
                for row in made:
                    rows.append(row)
                    print(row, flush=True)
                write_whole(file, "\n".join(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
