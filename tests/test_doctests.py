"""Every example in the package's docstrings prints what it says it prints."""

import doctest
import importlib

import numpy as np
import pytest
from test_face import MODULES

import rnn_lit

NAMES = {"np": np} | {name: getattr(rnn_lit, name) for name in rnn_lit.__all__}
EXAMPLES = sorted(set(MODULES) - {"rnn_lit._numba"})


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_module(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name == "rnn_lit.compiled":
        pytest.importorskip("numba")
    if name == "rnn_lit.equation":
        pytest.importorskip("sympy")
    module = importlib.import_module(name)
    own = {key: value for key, value in vars(module).items() if not key.startswith("__")}
    with np.printoptions(precision=6, suppress=False):
        found = doctest.testmod(module, globs=NAMES | own)
    assert found.failed == 0


def test_a_wrong_example_is_seen():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1
