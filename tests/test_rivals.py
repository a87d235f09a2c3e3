"""The GRU and the LSTM that PyTorch trained: their stored errors, recomputed without PyTorch."""

import ast
import json

import chapters
import numpy as np
import pytest

DATA = json.loads((chapters.ROOT / "src" / "rnn_lit" / "_book" / "rivals.json").read_text("utf-8"))
KNOWN, SKIPPED, STEPS, LAGS = 1000, 100, 14, 4
EACH = pytest.mark.parametrize("rival", DATA["rivals"], ids=lambda rival: rival["kind"])


@pytest.fixture(scope="module")
def chaos():
    path = chapters.ROOT / "book" / "11-horizon.ipynb"
    (cell,) = (c for c in chapters.cells(path) if "def mackey_glass" in c.source)
    body = [p for p in ast.parse(cell.source).body if isinstance(p, ast.FunctionDef)]
    names = {"np": np}
    exec(compile(ast.Module(body, []), cell.place, "exec"), names)
    return names["mackey_glass"](3000)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(kind, w, x, state):
    """One step as PyTorch's manual writes it; the rows are origins."""
    h, c = state
    given = x @ w["cells.weight_ih_l0"].T + w["cells.bias_ih_l0"]
    kept = h @ w["cells.weight_hh_l0"].T + w["cells.bias_hh_l0"]
    if kind == "GRU":
        (r, z, n), (hr, hz, hn) = np.split(given, 3, 1), np.split(kept, 3, 1)
        r, z = sigmoid(r + hr), sigmoid(z + hz)
        return (1 - z) * np.tanh(n + r * hn) + z * h, c
    i, f, g, o = np.split(given + kept, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def test_the_record_says_who_made_it():
    assert DATA["written_by"] == "tools/rivals_torch.py"
    assert DATA["versions"]["torch"] and DATA["versions"]["python"]
    assert [rival["kind"] for rival in DATA["rivals"]] == ["GRU", "LSTM"]


def test_the_series_is_the_chapters(chaos):
    assert DATA["last_sample"] == pytest.approx(chaos[-1], rel=1e-9)


@EACH
def test_the_units_are_those_that_erred_least_on_what_was_kept_back(rival):
    scores = {int(n): score for n, score in rival["kept_back"].items()}
    assert len(scores) >= 2 and rival["units"] == min(scores, key=scores.get)
    assert len(rival["training_errors"]) == DATA["starts"]
    assert rival["units"] == np.shape(rival["parameters"]["cells.weight_hh_l0"])[1]


@EACH
def test_the_stored_errors_are_those_of_the_stored_network(rival, chaos):
    w = {name: np.array(values) for name, values in rival["parameters"].items()}
    u = (chaos - chaos[:KNOWN].mean()) / chaos[:KNOWN].std()
    origins = np.arange(KNOWN + SKIPPED, len(u) - STEPS)
    state = (np.zeros((len(origins), rival["units"])),) * 2
    for back in range(DATA["warm"], -1, -1):
        x = np.column_stack([u[origins - back - j] for j in range(LAGS)])
        state = step(rival["kind"], w, x, state)
    for h in range(1, STEPS + 1):
        y = state[0] @ w["line.weight"][0] + w["line.bias"]
        missed = np.sqrt(((y - u[origins + h]) ** 2).mean()) / u[KNOWN:].std()
        assert missed == pytest.approx(rival["nrmse"][h - 1], rel=1e-6)
        x = np.column_stack([y, x[:, :-1]])
        state = step(rival["kind"], w, x, state)
