"""The study of chapter 10: complete, current, honest about time, and its tables agree."""

import ast
import csv
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import study  # noqa: E402

ADVICE = "run `make study`, then `make run`"


def table(name):
    head, *lines = (ROOT / study.DATA / name).read_text(encoding="utf-8").splitlines()
    return head, list(csv.DictReader(lines))


def configuration(row):
    return float(row["power"]), int(row["n"]), int(row["lags"]), float(row["penalty"])


@pytest.fixture(scope="module")
def rows():
    return table(study.ROWS)[1]


@pytest.fixture(scope="module")
def means():
    return table(study.FORECASTS)[1]


def test_the_tables_are_of_the_present_code_and_name_their_versions():
    for name in (study.ROWS, study.FORECASTS):
        head, _ = table(name)
        assert f"code {study.fingerprint()}," in head, f"{name} is of other code: {ADVICE}"
        assert all(word in head for word in ("Python 3.", "NumPy ", "statsmodels "))


def test_the_grid_is_complete_and_in_order(rows, means):
    wanted = [(*c, seed) for c in study.grid() for seed in range(study.SEEDS)]
    assert [(*configuration(row), int(row["seed"])) for row in rows] == wanted, ADVICE
    assert [configuration(row) for row in means] == study.grid(), ADVICE
    assert study.SEEDS >= 20
    years, _ = study.sunspots()
    assert list(means[0])[4:] == [str(year) for year in years if year >= study.FIRST]
    assert all(np.isfinite(float(v)) for row in rows for v in row.values())
    assert all(np.isfinite(float(v)) for row in means for v in row.values())


def test_the_two_tables_agree(rows, means):
    """The mean forecast's error is at most the mean of the seeds' errors, and not far from it."""
    years, series = study.sunspots()
    later = years >= study.FIRST
    for i, row in enumerate(means):
        of_seeds = rows[i * study.SEEDS : (i + 1) * study.SEEDS]
        forecasts = np.array(list(row.values())[4:], float)
        periods = ((study.FIRST, study.FOLDS[-1][1]), *study.TESTS)
        for (first, last), column in zip(periods, study.HEADER.split(",")[-4:]):
            score = study.arv(forecasts, years[later], series[later], first, last)
            average = np.mean([float(seed[column]) for seed in of_seeds])
            assert score <= average + 1e-3, (row, column)
    same = [r for r in rows if configuration(r) == (1.0, 2, 1, 1e-2)]
    assert {r["objective"] for r in same} == {same[0]["objective"]}


@pytest.mark.parametrize("chosen", [(1.0, 2, 1, 1e-2), (0.7, 1, 2, 1e-2)])
def test_a_row_computed_again_agrees(rows, chosen):
    years, series = study.sunspots()
    objectives, y_hat = study.fit_and_forecast(chosen, years, series, study.FOLDS[-1][1])
    kept = [row for row in rows if configuration(row) == chosen]
    assert np.median(objectives) == pytest.approx(
        np.median([float(r["objective"]) for r in kept]), abs=1e-4
    )
    again = np.median(study.arv(y_hat, years, series, *study.TESTS[0]))
    assert again == pytest.approx(np.median([float(r["test_1921"]) for r in kept]), abs=2e-3)


def test_no_forecast_knows_a_later_year():
    years, series = study.sunspots()
    chosen, few = (0.7, 2, 2, 1e-2), 1
    validated = study.walk_forward(chosen, years, series, few)
    _, tested = study.fit_and_forecast(chosen, years, series, 1920, few)
    rng = np.random.default_rng(0)
    for first_changed in (1846, 1921, 1950):
        other = np.where(years >= first_changed, rng.uniform(0, 200, len(years)), series)
        before = np.arange(study.FIRST, 1921) <= first_changed
        assert np.array_equal(
            study.walk_forward(chosen, years, other, few)[before], validated[before]
        )
        if first_changed > 1920:
            _, after = study.fit_and_forecast(chosen, years, other, 1920, few)
            kept = years <= first_changed
            assert np.array_equal(after[kept], tested[kept], equal_nan=True)


def test_the_stretches_cover_the_hundred_years_once():
    years = [y for end, last in study.FOLDS for y in range(end + 1, last + 1)]
    assert years == list(range(1821, 1921))
    assert max(last for _, last in study.FOLDS) < study.TESTS[0][0]


def plain(text):
    return study._plain(ast.parse(text))


def test_the_fingerprint_sees_code_and_not_words():
    text = 'def f(x):\n    """Doc."""\n    return x + 1  # why\n'
    assert plain(text) == plain("def f(x):\n    return x + 1\n")
    assert plain(text) == plain('def f(x):\n    """Other\n    words."""\n\n    return (x + 1)\n')
    assert plain(text) == plain("def f(x: int | None) -> int:\n    return x + 1\n")
    assert plain(text) == plain("@_refuse_long\ndef f(x):\n    return x + 1\n")
    assert plain(text) != plain("@doubled\ndef f(x):\n    return x + 1\n")
    assert plain(text) != plain("def f(x):\n    return x + 2\n")
    assert plain(text) != plain("def f(x=0):\n    return x + 1\n")
    assert plain(text) != plain("def f(x):\n    return x - 1\n")


def test_the_fingerprint_covers_settings_and_the_search(monkeypatch):
    before = study.fingerprint()
    monkeypatch.setattr(study, "ROUNDS", study.ROUNDS + 1)
    assert study.fingerprint() != before
    monkeypatch.undo()
    monkeypatch.setattr(study.forecast, "minimise", lambda *a, **k: None)
    assert study.fingerprint() != before


def test_what_is_kept_is_not_computed_again(tmp_path, monkeypatch, capsys):
    chosen = study.grid()[:2]
    for i, c in enumerate(chosen):
        name = "_".join(f"{value:g}" for value in c) + ".csv"
        (tmp_path / name).write_text(f"row {i}\nanother\nmean {i}\n", encoding="utf-8")
    monkeypatch.setattr(study, "_job", None)  # would fail if called
    done = study.run(chosen, tmp_path, 1)
    assert done == {
        chosen[0]: (["row 0", "another"], "mean 0"),
        chosen[1]: (["row 1", "another"], "mean 1"),
    }
    assert "2 of 2 configurations are done, 0 to go" in capsys.readouterr().out


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    study.write_whole(tmp_path / "new" / "a.csv", "one\n")
    monkeypatch.setattr(study.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        study.write_whole(tmp_path / "new" / "a.csv", "two\n")
    assert (tmp_path / "new" / "a.csv").read_text(encoding="utf-8") == "one\n"
