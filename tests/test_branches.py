"""Branches that no other test reaches, found by `make coverage`."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from rnn_lit import Forecaster
from rnn_lit.equation import canonical_form, in_units, linear, linearise

S = 10 + np.sin(0.5 * np.arange(60))
pytestmark = pytest.mark.filterwarnings("ignore:the search")


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster(1, linear=0, penalty=1e-2, starts=2, rounds=30)
    return forecaster.fit(pd.Series(S, name="y"))


def test_numbers_for_an_index_go_on_after_an_update():
    f = Forecaster(1, penalty=1e-2, starts=2, rounds=30).fit(pd.Series(S))
    f.update([10.0, 10.5])
    assert f.index_.tolist() == list(range(62))
    assert f.predict(2).index.tolist() == [62, 63]


@pytest.mark.skipif(np.finfo(np.longdouble).max <= np.finfo(float).max, reason="no long doubles")
def test_a_long_double_that_no_double_holds_is_told():
    series = S.astype(np.longdouble)
    series[7] = np.longdouble(10) ** 400
    with pytest.raises(ValueError, match="series holds a number at position 7 that is too large"):
        Forecaster(1).fit(series)


def test_the_linear_equation_is_the_one_around_the_mean(fitted):
    pytest.importorskip("sympy")
    mean = fitted.mean_
    parameters = canonical_form(in_units(fitted.parameters_, mean, fitted.scale_))
    assert fitted.equation("linear", digits=8) == [linear(linearise(parameters, mean), 8)]


@pytest.mark.parametrize("change", ["magic", "negative"])
def test_an_array_with_a_damaged_header_is_refused(fitted, tmp_path, change):
    path, damaged = tmp_path / "f.npz", tmp_path / "d.npz"
    fitted.save(path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "series.npy" and change == "magic":
                content = b"X" + content[1:]
            if name == "series.npy" and change == "negative":
                content = content.replace(b"(60,)", b"(-1,)")
            new.writestr(name, content)
    with pytest.raises(ValueError, match="truncated or damaged.*series(.npy)? is no array"):
        Forecaster.load(damaged)
