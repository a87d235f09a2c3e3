"""The annotations: a user's script and the package pass `mypy --strict`, wrong uses do not."""

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import rnn_lit

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tests" / "typed_user.py"
START = """
import numpy as np
from rnn_lit import *
from rnn_lit.loss import Loss
p = initialise(2, 1, 1, np.random.default_rng(0))
x = np.ones((5, 1))
states = forward(p, x)
f = Forecaster(2)
"""
#: Each line is wrong, and is all that is wrong with it.
WRONG = """
initialise(2.5, 1, 1, np.random.default_rng(0))
initialise(2, 1, 1, 0)
forward(p, None)
forward(x, p)
forward(p, x, g_1="tanh")
forward(p, x, tanh)
states.y.shape
Parameters(x, x, x, x)
Parameters([[1.0]], x, x, x, x)
mean_squared_error(states, {1.0})
backward(p, x, states)
backward(p, x, x, x)
clip(x, 1.0)
loss_and_gradient(p, x, x, loss=abs)
loss_and_gradient(p, x, x, loss=lambda states, y, g_2: 1.0)
loss_and_gradient(p, x, x)[1].W
jacobian_product_gradient(p, x, x)[0].W_aa
objective(p, x, x, penalty="0.1")
train(p, x, x, 20)
train(p, x, x, rounds=20, eta="fast")
train(p, x, x, rounds=20, validation=[x, x, x])
train(p, x, x, rounds=20).loss
Activation("cube", lambda z: z**3)
Activation("cube", np.tanh, 3)
softmax.df(x, x)
Forecaster()
Forecaster(2, 3)
Forecaster(2, lag=3)
Forecaster(2, seed="0")
f.fit(None)
f.predict()
f.predict("3")
f.predict(3, interval="0.9")
f.predict(3, interval=0.9).upper_bound
f.fitt(x[0])
f.score()
f.save(3)
f.parameters_.W
n_iter: int = f.n_iter_
""".strip().splitlines()


def mypy(folder, *arguments):
    """Run mypy as a user does, who has the package installed and no settings."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary"]
    command += ["--follow-imports=silent", f"--cache-dir={folder / 'cache'}"]
    surroundings = {**os.environ, "MYPYPATH": str(ROOT / "src"), "PYTHONUTF8": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=surroundings,
        cwd=folder, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The lines in which mypy finds errors: those of the user's script, those of wrong uses."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "wrong.py").write_text(START + "\n".join(WRONG) + "\n", encoding="utf-8")
    done = mypy(folder, SCRIPT, "wrong.py")
    assert done.returncode in (0, 1), done.stderr
    of_user, of_wrong, before = [], {}, START.count("\n")
    for line in done.stdout.splitlines():
        if match := re.match(r"(.*?):(\d+): error: (.*)", line):
            if "typed_user" in match[1]:
                of_user.append(line)
            else:
                of_wrong[int(match[2]) - before - 1] = match[3]
    return of_user, of_wrong


def test_a_users_script_passes(found):
    assert found[0] == []


@pytest.mark.parametrize("at", range(len(WRONG)), ids=lambda at: WRONG[at])
def test_a_wrong_use_is_an_error(found, at):
    assert at in found[1], WRONG[at]


def test_what_comes_before_the_wrong_uses_is_right(found):
    assert min(found[1]) >= 0, found[1]


def test_the_script_takes_every_name_of_the_face_and_runs(capsys):
    named = {
        node.id
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name)
    }
    assert set(rnn_lit.__all__) <= named
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "tanh" in capsys.readouterr().out
