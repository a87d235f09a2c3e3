"""The trial of the forecaster's defaults. python tools/trial.py SET [--jobs N] [--record]

Scores every series of one set ("development" or "test") of ``rnn_lit/_book/trial.json`` and writes
``_build/trial/SET.csv``; what is finished is kept beside it. With ``--record`` it writes also
``rnn_lit/_book/trial_scores.csv``, headed by the hash of the code that determines the numbers.
Series, horizons, origins, measures and rivals were fixed before a score was seen. "test" was to be
recorded once; it was recorded a second time when the search for the minimum had changed, and what
was recorded first is kept in ``trial_scores_first.csv``.
"""

import argparse
import itertools
import json
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import trial_series
from study import hash_of, write_whole

ROOT = Path(__file__).resolve().parents[1]
SCORES = ROOT / "src" / "rnn_lit" / "_book" / "trial_scores.csv"
METHODS = ("line", "network", "both", "AR", "naive", "ETS", "SARIMA")
ORIGINS, FITS = 36, 3


def origins(length, horizon):
    """The last 36 positions with a whole horizon left, from two thirds of the series on."""
    last = length - horizon
    return list(range(max(2 * length // 3, last - ORIGINS + 1), last + 1))


def most_lags(length, season):
    """The largest number of lags that the forecaster and AR may use."""
    return max(1, min(length // 10, 12 if season is None else 2 * season + 1, 24))


def mean_and_error(values):
    """A mean over consecutive origins and its standard error.

    The long-run variance is the equally weighted cosine estimate with ν = ⌊.4 n^⅔⌋ terms
    (Lazarus, Lewis, Stock and Watson 2018).
    """
    n = len(values)
    nu = max(1, int(0.4 * n ** (2 / 3)))
    j, t = np.arange(1, nu + 1)[:, None], np.arange(1, n + 1)
    waves = np.sqrt(2 / n) * np.cos(np.pi * j * (t - 0.5) / n)
    long_run = ((waves @ values) ** 2).mean()
    return float(np.mean(values)), float(np.sqrt(long_run / n))


def naive(past, horizon, season):
    m = season or 1
    return lambda known: np.resize(known[-m:], horizon)


def autoregression(past, horizon, season):
    """AR with an intercept, its order by AIC among those that the forecaster may use."""
    from statsmodels.tsa.ar_model import AutoReg, ar_select_order

    most = most_lags(len(past), season)
    order = ar_select_order(past, most, ic="aic").ar_lags
    order = 0 if order is None else order[-1]
    c, *phi = AutoReg(past, order).fit().params

    def forecast(known):
        path = list(known)
        for _ in range(horizon):
            path.append(c + sum(f * path[-1 - j] for j, f in enumerate(phi)))
        return np.array(path[len(known) :])

    return forecast


def smoothing(past, horizon, season):
    """ETS with additive errors: trend and season by AICc, by maximum likelihood."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    seasons = (None,) if season is None else (None, "add")
    kinds = [
        dict(trend=trend, damped_trend=damped, seasonal=kind, seasonal_periods=season)
        for trend, damped in ((None, False), ("add", False), ("add", True))
        for kind in seasons
    ]
    fits = [ETSModel(past, **kind).fit(disp=False) for kind in kinds]
    best = int(np.nanargmin([fit.aicc for fit in fits]))
    kind, params = kinds[best], fits[best].params
    return lambda known: ETSModel(known, **kind).smooth(params).forecast(horizon)


def _strength(past, season):
    """How strong the season is beside the remainder, 0 to 1 (Hyndman and Athanasopoulos)."""
    from statsmodels.tsa.seasonal import STL

    parts = STL(past, period=season).fit()
    return 1 - parts.resid.var() / (parts.resid + parts.seasonal).var()


def sarima(past, horizon, season):
    """SARIMA: a seasonal difference if the season's strength is above .64, a first difference if
    KPSS at 5 % asks for it, the rest by AICc."""
    from statsmodels.tsa.arima.model import ARIMA
    from statsmodels.tsa.stattools import kpss

    D = int(season is not None and _strength(past, season) > 0.64)
    rest = past[season:] - past[:-season] if D else past
    d = int(kpss(rest, nlags="auto")[1] < 0.05)
    mains = [(1, d, 0), (2, d, 0), (0, d, 1), (1, d, 1), (2, d, 1)]
    ends = [(0, 0, 0, 0)]
    if season is not None:
        ends = [(0, D, 1, season), (1, D, 0, season)]
    best = None
    for order in mains:
        for end in ends:
            trend = "c" if d + D == 0 else "t" if d + D == 1 else "n"
            try:
                fit = ARIMA(past, order=order, seasonal_order=end, trend=trend).fit(
                    method="innovations_mle" if d + D == 0 or trend == "n" else None,
                    low_memory=True,
                )
            except (ValueError, np.linalg.LinAlgError):
                continue
            if np.isfinite(fit.aicc) and (best is None or fit.aicc < best[0]):
                best = fit.aicc, order, end, trend, fit.params
    _, order, end, trend, params = best

    def forecast(known):
        model = ARIMA(known, order=order, seasonal_order=end, trend=trend)
        return model.filter(params).forecast(horizon)

    return forecast


def line(past, horizon, season):
    """The forecaster's line alone: what is left of it when its network says nothing."""
    from rnn_lit import Forecaster

    fitted = Forecaster(4, season=season, penalty=1e6, starts=1, rounds=20).fit(past)
    return lambda known: _gone_on(fitted, past, known).predict(horizon)


def network(past, horizon, season):
    from rnn_lit import Forecaster

    lags = 1 if season is None else season + 1
    fitted = Forecaster(4, linear=0, lags=lags).fit(past)
    return lambda known: _gone_on(fitted, past, known).predict(horizon)


def both(past, horizon, season):
    from rnn_lit import Forecaster

    fitted = Forecaster(4, season=season).fit(past)
    return lambda known: _gone_on(fitted, past, known).predict(horizon)


def _gone_on(fitted, past, known):
    """A fitted forecaster with the values since its fit appended."""
    new = known[len(fitted.series_) :]
    return fitted.update(new) if len(new) else fitted


FITTERS = dict(
    line=line, network=network, both=both, AR=autoregression, naive=naive,
    ETS=smoothing, SARIMA=sarima,
)  # fmt: skip


def score(series, season, methods=METHODS):
    """MASE and its standard error: {method: (MASE, error)}."""
    series = np.asarray(series, dtype=float)
    horizon = season or 4
    chosen = origins(len(series), horizon)
    m = season or 1
    first = series[: chosen[0]]
    scale = abs(first[m:] - first[:-m]).mean()
    anew = {chosen[i * len(chosen) // FITS] for i in range(FITS)}
    scores = {}
    for method in methods:
        missed = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for t in chosen:
                if t in anew:
                    forecast = FITTERS[method](series[:t], horizon, season)
                guess = forecast(series[:t])
                missed.append(abs(guess - series[t : t + horizon]).mean() / scale)
        scores[method] = mean_and_error(np.array(missed))
    return scores


def fingerprint():
    """A hash of what determines the forecaster's scores, blind to docstrings and comments.

    It covers the list, the series, this file's protocol, the forecaster's defaults, the line, the
    errors outside the sample and the search. What the two passes compute is fixed by their proofs.
    """
    from rnn_lit import Forecaster, _law, _line, _rolling, _search

    code = [origins, mean_and_error, naive, autoregression, smoothing, sarima, line, network]
    code += [both, score, trial_series.values, *trial_series.GENERATORS.values()]
    for module, names in (
        (_line, "fit_line _choose_p _design _lags _differencing line_after most_lags"),
        (_rolling, "rows_of closed_loop loops_from edges folds_of _networks rest_size"),
        (_rolling, "errors_outside _relative fitted_line choose_penalty"),
        (_law, "mean_and_error"),
        (_search, "evaluator random_starts _cuts search_all minimise _direction"),
    ):
        code += [getattr(module, name) for name in names.split()]
    known = trial_series.LIST.read_text("utf-8"), Forecaster.PENALTIES, _line.KINDS
    return hash_of((*known, Forecaster(4).get_params()), code)


def _job(entry, method):
    return score(trial_series.values(entry), entry["season"], (method,))[method]


def kept(code, entry, method):
    """Where a finished score is kept, so that an interrupted run goes on."""
    name = entry["name"].replace(" ", "_").replace("/", "_")
    return ROOT / "_build" / "trial" / code / f"{entry['set']}__{name}__{method}.json"


def run(entries, methods, jobs):
    """All scores: {(name, method): (MASE, error)}, those kept and those computed now."""
    code, found, left = fingerprint(), {}, []
    for entry, method in itertools.product(entries, methods):
        path = kept(code, entry, method)
        if path.exists():
            found[entry["name"], method] = json.loads(path.read_text("utf-8"))
        else:
            left.append((entry, method))
    print(f"{len(found)} scores are kept, {len(left)} to go", flush=True)
    if not jobs:
        return found
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_job, *pair): pair for pair in left}
        for job in as_completed(waiting):
            entry, method = waiting[job]
            found[entry["name"], method] = job.result()
            write_whole(kept(code, entry, method), json.dumps(job.result()))
            print(f"{len(found)} done: {entry['name']}, {method}", flush=True)
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=("development", "test"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--kept", action="store_true", help="compute nothing, write what is kept")
    chosen = parser.parse_args(arguments)
    entries = trial_series.listed(chosen.set)
    found = run(entries, METHODS, 0 if chosen.kept else chosen.jobs)
    rows = ["set,name,season,nonlinear,method,mase,error"]
    for entry, method in itertools.product(entries, METHODS):
        if (entry["name"], method) not in found:
            continue
        mase, error = found[entry["name"], method]
        name, kind = entry["name"].replace(",", ";"), int(entry["nonlinear"])
        start = f"{entry['set']},{name},{entry['season'] or 0},{kind},{method}"
        rows.append(f"{start},{mase:.4f},{error:.4f}")
    text = f"# code {fingerprint()}, written by tools/trial.py\n" + "\n".join(rows) + "\n"
    write_whole(ROOT / "_build" / "trial" / f"{chosen.set}.csv", text)
    if chosen.record:
        write_whole(SCORES, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
