"""Fits with random settings to random series: python tools/fuzz.py [--fits N] [--first SEED]

Each fit has a seed, which draws the series, ordinary or hostile, and the settings. It may end in
two ways: with forecasts that are numbers, finite unless the series nears the largest, in intervals
that hold them, the same from a file as from memory, and the series unchanged; or with a ValueError
or TypeError that names an argument.
(Newton's method may also say that it found no minimum.) Every other end is listed with the seed,
which

    python tools/fuzz.py --first SEED --fits 1

tries again, with the traceback. The exit code is 1 if there was any.
"""

import argparse
import os
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # a process on each core, not threads
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from rnn_lit import Forecaster  # noqa: E402

FITS, WORKERS, MINUTES = 3000, 2, 28
#: How a message may begin that names what was wrong.
NAMED = re.compile(
    r"(n|lags|linear|season|power|penalty|starts|rounds|polished|seed|series|values|steps|interval|form"
    r"|digits|path|evaluate) (is|has|holds|gives|varies)\b"
)


def ordinary(rng):
    """A series as it might come from anywhere, and what it is called."""
    N, time_ = int(rng.integers(12, 121)), np.arange(121)
    noise = rng.standard_normal(121)
    season = np.sin(2 * np.pi * time_ / rng.integers(2, 25))
    autoregression = noise.copy()
    for t in range(1, 121):
        autoregression[t] += rng.uniform(-0.99, 0.99) * autoregression[t - 1]
    kinds = {
        "noise": noise,
        "an autoregression": autoregression,
        "a walk": noise.cumsum(),
        "twice summed": noise.cumsum().cumsum(),
        "a season": season + 0.1 * noise,
        "a season and a trend": season + 0.05 * time_ + 0.1 * noise,
        "exact": season,
        "a trend": time_.astype(float),
        "counts": rng.poisson(rng.uniform(0.1, 20), 121).astype(float),
        "mostly zeros": np.where(rng.random(121) < 0.1, 1.0, 0.0) * abs(noise),
        "two values": rng.integers(0, 2, 121).astype(float),
        "heavy tails": rng.standard_t(1, 121),
        "an outlier": np.where(time_ == 5, 10.0 ** rng.integers(2, 150), noise),
        "a step": noise + 100 * (time_ > 8),
        "growth": np.exp(rng.uniform(0, 0.5) * time_),
        "a logistic map": logistic(121),
    }
    kind = str(rng.choice(list(kinds)))
    values = kinds[kind][:N]
    if rng.random() < 0.3:  # in other units
        values = values * 10.0 ** rng.integers(-12, 13) + float(rng.choice([0, 1, -5, 1e3, 1e6]))
    return kind, abs(values) if rng.random() < 0.4 else values


def logistic(N):
    values = [0.3]
    while len(values) < N:
        values.append(3.9 * values[-1] * (1 - values[-1]))
    return np.array(values)


def put(values, what, rng):
    values = np.array(values, dtype=object if not isinstance(what, float) else float)
    values[int(rng.integers(len(values)))] = what
    return values


#: What else may come, made of an ordinary series.
HOSTILE = {
    "nan": lambda v, rng: put(v, np.nan, rng),
    "inf": lambda v, rng: put(v, np.inf, rng),
    "None": lambda v, rng: put(v, None, rng),
    "text": lambda v, rng: put(v, "many", rng),
    "strings": lambda v, rng: v.astype(str),
    "short": lambda v, rng: v[: int(rng.integers(0, 12))],
    "constant": lambda v, rng: 0 * v + v[0],
    "columns": lambda v, rng: np.column_stack([v, v]),
    "a number": lambda v, rng: v[0],
    "masked": lambda v, rng: np.ma.masked_array(v, rng.random(len(v)) < 0.1),
    "complex": lambda v, rng: v + 0j,
    "huge": lambda v, rng: v * (1e307 / max(1e-300, abs(v).max())) * rng.uniform(0.1, 17),
    "tiny": lambda v, rng: v * 1e-300,
    "smaller than normal": lambda v, rng: v * 1e-310,
    "far from zero": lambda v, rng: v + 10.0 ** rng.integers(6, 18),
    "whole numbers": lambda v, rng: np.clip(np.round(10 * v), -1e18, 1e18).astype(np.int64),
    "bytes": lambda v, rng: (rng.random(len(v)) * 255).astype(np.uint8),
    "truths": lambda v, rng: v > v.mean(),
    "half precision": lambda v, rng: v.astype(np.float16),
    "long doubles": lambda v, rng: v.astype(np.longdouble),
    "other byte order": lambda v, rng: v.astype(">f8"),
    "fractions": lambda v, rng: [Fraction(float(u)) for u in v],
    "huge whole numbers": lambda v, rng: [int(u) * 10 ** int(rng.integers(1, 400)) for u in v],
    "read-only": lambda v, rng: np.broadcast_to(v, v.shape),
    "backwards": lambda v, rng: v[::-1],
    "a column of a table": lambda v, rng: np.column_stack([v, v])[:, 0],
    "pandas": lambda v, rng: pd.Series(v, name="y"),
    "dates": lambda v, rng: dated(v, rng),
    "dates with a gap": lambda v, rng: without_one(dated(v, rng)),
    "nullable": lambda v, rng: pd.Series(v).astype("Float64"),
    "missing": lambda v, rng: pd.Series(put(v, None, rng)).astype("Float64"),
}  # fmt: skip


def dated(values, rng):
    freq = ["D", "B", "h", "MS", "ME", "QS", "W-WED", "YS", "15min"][int(rng.integers(9))]
    zone = [None, "Europe/Berlin", "Asia/Ho_Chi_Minh"][int(rng.integers(3))]
    index = pd.date_range("2024-01-31", periods=len(values), freq=freq, tz=zone)
    return pd.Series(values, index=index)


def without_one(series):
    return series.drop(index=series.index[3:4])


def choose(rng, *options):
    return options[int(rng.integers(len(options)))]


def settings(rng):
    found = dict(
        n=int(rng.integers(1, 6)),
        lags=int(rng.integers(1, 5)),
        linear=choose(rng, None, None, 0, 0, int(rng.integers(1, 30))),
        season=choose(rng, None, None, None, int(rng.integers(2, 14))),
        power=choose(rng, None, 0, 1.0, 1.0, 1.0, 0.5, 2.0, float(rng.uniform(0.05, 4))),
        penalty=choose(rng, None, 0.0, 0, 1e-3, float(10 ** rng.uniform(-12, 6))),
        starts=int(rng.integers(1, 5)),
        rounds=int(10 ** rng.uniform(0, 2)),
        polished=bool(rng.random() < 0.05),
        seed=int(rng.integers(2**63)),
    )
    if rng.random() < 0.05:
        name = choose(rng, *found)
        found[name] = choose(rng, -1, 0, 0.5, np.nan, np.inf, "2", None, [1], 10**400, True)
        if name in ("n", "lags", "starts", "rounds") and found[name] == 10**400:
            found[name] = -1  # a size is as large as memory and patience allow
    return found


def case(seed):
    """The series, what it is called, and the settings of a seed."""
    rng = np.random.default_rng([seed])
    (kind, series), chosen = ordinary(rng), settings(rng)
    if chosen["power"] != 1.0 and rng.random() < 0.8:  # or it is refused too often
        series = abs(series)
    if rng.random() < 0.5:
        how = choose(rng, *HOSTILE)
        with np.errstate(all="ignore"):
            series = HOSTILE[how](series, rng)
        kind = f"{how}, of {kind}"
    return kind, series, chosen, rng


def numbers(forecast):
    return np.asarray(forecast, float)


def use(series, chosen, rng):
    """Fit, forecast in every way, save and load; a sentence if a result is not right."""
    f = Forecaster(**chosen).fit(series)
    steps = int(rng.integers(1, 9))
    mean = f.predict(steps)
    near = abs(numbers(f.series_)).max() > 1e300  # what grows on may leave the floats

    def are_numbers(forecasts):
        return not np.isnan(forecasts).any() and (near or np.isfinite(forecasts).all())

    if mean.shape != (steps,) or not are_numbers(numbers(mean)):
        return f"predict gives {numbers(mean)}"
    try:
        lower, upper = map(numbers, f.predict(steps, 0.8)[1:])
    except ValueError as error:
        if "errors" not in str(error):
            raise
        lower = upper = numbers(mean)
    if not ((lower <= mean) & (mean <= upper)).all():  # an end may lie beyond the largest float
        return f"predict gives the interval {lower} to {upper} around {numbers(mean)}"
    one_step, table = numbers(f.one_step(series)), numbers(f.horizon(series, 2))
    first = max(len(f.linear_), f.lags_)
    if not (are_numbers(one_step[first:]) and are_numbers(table[first - 1 :])):
        return "one_step or horizon gives a NaN or an infinity"
    file = tempfile.NamedTemporaryFile(suffix=".npz", delete=False)
    file.close()
    try:
        f.save(file.name)
        loaded = Forecaster.load(file.name)
    finally:
        os.unlink(file.name)
    if not np.array_equal(numbers(loaded.predict(steps)), numbers(mean)):
        return "the forecaster loaded forecasts otherwise than the one saved"
    if np.isnan(f.score(series)):
        return "score is NaN"
    values = numbers(f.series_)[-2:]
    after = f.update(values).predict(1)
    if not are_numbers(numbers(after)):
        return f"after an update predict gives {numbers(after)}"
    return None


def held(series):
    """What a series holds, to see whether it stays."""
    data = series.to_numpy(dtype=object) if hasattr(series, "to_numpy") else series
    return repr(np.asarray(data).tolist())


def end(seed):
    """How a fit ended: ("forecasts" | "refused" | "fault", what is told of it)."""
    kind, series, chosen, rng = case(seed)
    before = held(series)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wrong = use(series, chosen, rng)
        except (ValueError, TypeError) as error:
            named = NAMED.match(str(error))
            wrong = None if named else "".join(traceback.format_exception(error))
            how = "refused"
        except ArithmeticError as error:
            stuck = chosen["polished"] and str(error).startswith("no minimum within")
            wrong = None if stuck else "".join(traceback.format_exception(error))
            how = "refused"
        except Exception as error:
            wrong = "".join(traceback.format_exception(error))
        else:
            how = "forecasts"
    if held(series) != before:
        wrong = f"{wrong or ''} the series was changed".strip()
    if wrong:
        return "fault", f"{kind}; {chosen}\n{wrong}"
    return how, kind


def several(seeds):
    return [(seed, *end(seed)) for seed in seeds]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fits", type=int, default=FITS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    given = parser.parse_args(arguments)
    seeds = range(given.first, given.first + given.fits)
    begin, ends, faults = time.monotonic(), Counter(), []
    for seed, how, told in ended(seeds, given.workers, begin + 60 * given.minutes):
        ends[how] += 1
        if how == "fault":
            faults.append(seed)
            last = told.strip().splitlines()
            print(f"seed {seed}: {told if given.fits == 1 else ' … '.join((last[0], last[-1]))}")
    done = sum(ends.values())
    print(
        f"{done} fits with the seeds from {given.first} on, in {time.monotonic() - begin:.0f} s: "
        f"{ends['forecasts']} forecast, {ends['refused']} were refused with a reason, "
        f"{ends['fault']} ended otherwise"
    )
    if done < given.fits:
        print(f"stopped after {given.minutes:g} minutes, before all {given.fits} were made")
    for seed in faults:
        print(f"again: python tools/fuzz.py --fits 1 --first {seed}")
    return 1 if faults or not done else 0


def ended(seeds, workers, deadline):
    """The ends in the order of the seeds, until time is up."""
    if workers == 1 or len(seeds) < 20:
        for seed in seeds:
            yield seed, *end(seed)
            if time.monotonic() > deadline:
                return
        return
    with ProcessPoolExecutor(workers) as pool:
        for first in range(0, len(seeds), 200):
            batch = seeds[first : first + 200]
            for part in pool.map(several, (batch[i : i + 10] for i in range(0, len(batch), 10))):
                yield from part
            if time.monotonic() > deadline:
                return


if __name__ == "__main__":
    sys.exit(main())
