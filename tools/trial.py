"""The trial of the forecaster's defaults. python tools/trial.py SET [--jobs N]

Scores every series of one set ("development" or "test") of ``book/data/trial.json`` and writes
``_build/trial/SET.csv``; with ``--record`` also ``book/data/trial_scores.csv``, headed by the hash
of the code that determines the numbers. Series, horizons, origins, measures and rivals were fixed
before any score was seen; the set "test" is recorded once.
"""

import argparse
import hashlib
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import trial_series
from study import _plain, write_whole

ROOT = Path(__file__).resolve().parents[1]
SCORES = ROOT / "book" / "data" / "trial_scores.csv"
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
    """A hash of the trial's list and code and of the package's modules, blind to comments."""
    import ast

    import rnn_lit

    files = [trial_series.LIST, Path(__file__), Path(trial_series.__file__)]
    names = ("forecast", "_line", "_intervals", "_search", "_series", "_settings", "_fast")
    package = Path(rnn_lit.__file__).parent
    files += [p for name in names if (p := package / f"{name}.py").exists()]
    parts = [
        repr(_plain(ast.parse(f.read_text("utf-8")))) if f.suffix == ".py"
        else f.read_text("utf-8")
        for f in files
    ]  # fmt: skip
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _job(entry, methods):
    return score(trial_series.values(entry), entry["season"], methods)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=("development", "test"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args(arguments)
    methods = tuple(chosen.methods.split(","))
    entries, found = trial_series.listed(chosen.set), {}
    with ProcessPoolExecutor(chosen.jobs) as pool:
        jobs = {pool.submit(_job, e, methods): e["name"] for e in entries}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            shown = "  ".join(f"{k} {v[0]:.3f}" for k, v in job.result().items())
            print(f"{jobs[job]:40s} {shown}", flush=True)
    rows = ["set,name,season,nonlinear,method,mase,error"]
    for e in entries:
        for method, (mase, error) in found[e["name"]].items():
            name = e["name"].replace(",", ";")
            kind = f"{e['season'] or 0},{int(e['nonlinear'])}"
            rows.append(f"{e['set']},{name},{kind},{method},{mase:.4f},{error:.4f}")
    head = f"# code {fingerprint()}, written by tools/trial.py\n"
    write_whole(ROOT / "_build" / "trial" / f"{chosen.set}.csv", head + "\n".join(rows) + "\n")
    if chosen.record:
        write_whole(SCORES, head + "\n".join(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
