"""tools/fuzz.py draws the same case from the same seed, and lists what ends as it may not."""

import fuzz
import numpy as np
import pytest

from rnn_lit import Forecaster


def test_a_seed_draws_one_case():
    for seed in range(40):
        kind, series, settings, _ = fuzz.case(seed)
        again = fuzz.case(seed)
        assert (kind, repr(settings)) == (again[0], repr(again[2]))
        assert fuzz.held(series) == fuzz.held(again[1])


def test_every_kind_of_series_comes():
    kinds = {fuzz.case(seed)[0].partition(",")[0] for seed in range(1500)}
    assert set(fuzz.HOSTILE) <= kinds
    assert len(kinds - set(fuzz.HOSTILE)) == 16  # the ordinary ones


def test_the_first_seeds_end_as_they_may(capsys):
    assert fuzz.main(["--fits", "8", "--first", "100", "--workers", "1"]) == 0
    assert "8 fits with the seeds from 100 on" in capsys.readouterr().out


@pytest.mark.parametrize("seed", [882, 965, 1676, 1902, 2671, 500032])
def test_seeds_that_ended_otherwise_once(seed):
    assert fuzz.end(seed)[0] in ("forecasts", "refused")


def plant(name, change):
    original = getattr(Forecaster, name)
    return name, lambda self, *given, **named: change(original(self, *given, **named), *given)


def unclear(*_):
    raise ValueError("setting an array element with a sequence")


def broken(*_):
    raise RuntimeError("a fault of our own")


def beside(found, *_):
    return (found[0], found[0] + 1, found[0] + 2) if isinstance(found, tuple) else found


def scribble(result, series):
    if isinstance(series, np.ndarray) and series.flags.writeable:
        series[0] = 0
    return result


PLANTS = {
    "an interval beside its forecast": ("predict", beside, "predict gives the interval"),
    "a forecast that is no number": ("predict", lambda mean, *_: mean * np.nan, "predict gives"),
    "one step that is no number": ("one_step", lambda v, *_: np.asarray(v) * np.nan, "one_step or"),
    "a score that is no number": ("score", lambda *_: np.nan, "score is NaN"),
    "an unclear error": ("fit", unclear, "ValueError: setting an array element"),
    "an error of another kind": ("fit", broken, "RuntimeError: a fault of our own"),
    "a series that is written to": ("fit", scribble, "the series was changed"),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_listed_with_its_seed(name, monkeypatch, capsys):
    method, change, told = PLANTS[name]
    monkeypatch.setattr(Forecaster, *plant(method, change))
    assert fuzz.main(["--fits", "8", "--workers", "1"]) == 1
    out = capsys.readouterr().out
    assert told in out
    seed = out.partition("again: python tools/fuzz.py --fits 1 --first ")[2].split()[0]
    assert fuzz.main(["--fits", "1", "--first", seed]) == 1
    assert told in capsys.readouterr().out


def test_it_stops_when_its_time_is_up(capsys):
    assert fuzz.main(["--fits", "19", "--workers", "1", "--minutes", "0"]) == 0
    assert "1 fits" in (out := capsys.readouterr().out) and "stopped after 0 minutes" in out
