"""The trial of the defaults: its list, its protocol, and that its record is of this code."""

import csv
from collections import Counter

import interval_trial
import numpy as np
import pytest
import trial
import trial_series

from rnn_lit import Forecaster, _law


def record():
    if not trial.SCORES.exists():
        pytest.skip("the trial has not been recorded yet")
    head, *lines = trial.SCORES.read_text("utf-8").splitlines()
    return head, list(csv.DictReader(lines))


def test_the_list_has_what_was_promised():
    for part, least in (("development", 10), ("test", 30)):
        entries = trial_series.listed(part)
        seasonal = sum(e["season"] is not None for e in entries)
        assert len(entries) >= least and 0.45 <= seasonal / len(entries) <= 0.55
    names = Counter(e["name"] for e in trial_series.listed())
    assert max(names.values()) == 1
    assert sum(e["nonlinear"] for e in trial_series.listed("test")) >= 5
    seeds = [e["source"]["seed"] for e in trial_series.listed() if "seed" in e["source"]]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("entry", trial_series.listed(), ids=lambda e: e["name"])
def test_a_series_is_there_and_the_same_twice(entry):
    series = trial_series.values(entry)
    assert len(series) == entry["length"] and series.std() > 0
    assert np.array_equal(series, trial_series.values(entry))
    horizon = entry["season"] or 4
    chosen = trial.origins(len(series), horizon)
    assert chosen[0] >= 2 * len(series) // 3 and chosen[-1] + horizon == len(series)
    assert 3 <= len(chosen) <= trial.ORIGINS


def test_no_method_sees_what_it_forecasts(monkeypatch):
    seen = []

    def spy(past, horizon, season):
        seen.append(len(past))

        def forecast(known):
            seen.append(len(known))
            return np.zeros(horizon)

        return forecast

    monkeypatch.setitem(trial.FITTERS, "naive", spy)
    series = 1 + np.arange(90.0)
    mase, _ = trial.score(series, 4, ("naive",))["naive"]
    chosen = trial.origins(90, 4)
    assert max(seen) == chosen[-1] and len(seen) == len(chosen) + trial.FITS
    missed = np.mean([series[t : t + 4].mean() for t in chosen])
    assert mase == pytest.approx(missed / 4)  # the seasonal naive error of a straight line


def test_the_record_is_of_this_code():
    head, rows = record()
    assert f"code {trial.fingerprint()}," in head, "run tools/trial.py test --record again"
    assert {row["name"] for row in rows} == {
        e["name"].replace(",", ";") for e in trial_series.listed("test")
    }
    scored = Counter((row["name"], row["method"]) for row in rows)
    assert max(scored.values()) == 1
    for method in set(trial.METHODS) - {"SARIMA"}:  # which may still be on its way
        assert sum(row["method"] == method for row in rows) == len(trial_series.listed("test"))
    assert all(float(row["mase"]) > 0 and float(row["error"]) > 0 for row in rows)


def test_the_fingerprint_covers_the_defaults(monkeypatch):
    before, plain = trial.fingerprint(), Forecaster.__init__

    def changed(self, n, **settings):
        plain(self, n, **{"starts": 3, **settings})

    monkeypatch.setattr(Forecaster, "__init__", changed)
    assert trial.fingerprint() != before


def test_the_record_of_the_intervals_is_of_this_code(monkeypatch):
    head, *lines = interval_trial.FILE.read_text("utf-8").splitlines()
    code = interval_trial.fingerprint()
    assert f"code {code}," in head, "run tools/interval_trial.py again"
    rows = list(csv.DictReader(lines))
    cases = [(int(row["length"]), int(row["h"])) for row in rows]
    assert cases == [(N, h) for N in interval_trial.LENGTHS for h in (1, 2, 3, 4)]
    real = interval_trial.REAL_FILE.read_text("utf-8")
    code_of_real = interval_trial.fingerprint("real")
    assert f"code {code_of_real}," in real.splitlines()[0], "run tools/interval_trial.py again"
    monkeypatch.setattr(_law, "half_widths", lambda errors, interval: errors[0])
    assert interval_trial.fingerprint() != code
    assert interval_trial.fingerprint("real") != code_of_real


def test_a_block_bootstrap_spreads_as_its_blocks_say():
    """Of n equal blocks of ones and zeros, whole blocks drawn: a binomial share."""
    rng = np.random.default_rng(0)
    share = np.repeat([1.0, 0.0] * 20, 5)
    drawn = interval_trial.block_bootstrap([share], [1], rng)
    assert drawn.mean() == pytest.approx(0.5, abs=0.005)
    assert drawn.std() == pytest.approx(0.5 / np.sqrt(len(share)), rel=0.05)
    longer = interval_trial.block_bootstrap([np.repeat([1.0, 0.0], 100)], [20], rng)
    assert longer.std() > 2 * drawn.std()  # neighbours alike: few independent values
    two = interval_trial.block_bootstrap([np.ones(8), np.zeros(90)], [2, 4], rng)
    assert (two == 0.5).all()  # each series counts alike
