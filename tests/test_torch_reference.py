"""Losses and gradients against the numbers that PyTorch computed."""

import json
from importlib.resources import files

import numpy as np
import pytest

from rnn_lit import activations, loss_and_gradient, mean_squared_error, softmax_cross_entropy
from rnn_lit.model import Parameters
from rnn_lit.verify.rungs import stored_error

DATA = json.loads((files("rnn_lit._book") / "torch_reference.json").read_text("utf-8"))
CASES = DATA["cases"]
LOSSES = {f.__name__: f for f in (mean_squared_error, softmax_cross_entropy)}


def test_the_stored_cases_cover_what_they_should():
    assert DATA["versions"]["torch"] and DATA["written_by"] == "tools/torch_reference.py"
    assert len(CASES) >= 10
    assert {case["loss"] for case in CASES} == set(LOSSES)
    assert {case["g_1"] for case in CASES} >= {"tanh", "sigmoid", "sine", "softplus"}
    assert {case["sizes"]["B"] is None for case in CASES} == {True, False}
    assert {"a_0" in case["gradient"] for case in CASES} == {True, False}


@pytest.mark.parametrize("entry", CASES, ids=lambda entry: entry["name"])
def test_loss_and_every_gradient_agree_with_pytorch(entry):
    # The public function, with a_0 left out where PyTorch's case left it out.
    numbers = {name: np.array(values) for name, values in entry["numbers"].items()}
    L, gradient = loss_and_gradient(
        Parameters(*(numbers[name] for name in Parameters._fields)),
        numbers["x"],
        numbers["y"],
        numbers.get("a_0"),
        activations.ACTIVATIONS[entry["g_1"]],
        activations.ACTIVATIONS[entry["g_2"]],
        LOSSES[entry["loss"]],
    )
    assert abs(L - entry["L"]) < 1e-13 * entry["L"]
    for name, found in gradient._asdict().items():
        wanted = np.array(entry["gradient"][name])
        assert found.shape == wanted.shape, name
        assert abs(found - wanted).max() < 1e-13 * abs(wanted).max(), name


@pytest.mark.parametrize("entry", CASES, ids=lambda entry: entry["name"])
def test_the_adjoint_of_the_initial_state_agrees_with_pytorch(entry):
    # The chapter's comparison, which covers r_0 = ∂L/∂a_0 as well.
    assert stored_error(entry) < 1e-13
