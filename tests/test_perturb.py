"""tools/perturb.py lists what hangs on the machine, and figures at an edge."""

import ast
import builtins
import warnings

import perturb
import pytest
import recorder
import run
import tangle
from tiny import cell, project, save

START = "import os\nimport numpy as np\nplanted = 'PLANTED' in os.environ"
HANGS = "print('changed' if planted else 'as stored')"
AT_EDGE = "print(f'{2.049 + 0.0005 * planted:.1f}')"
INSIDE = "print(f'{2.0 + 0.0005 * planted:.1f}')"
EXACT = "print(f'{251 + planted:.0e}')"
TIMING = "print(f'{2.049 + 0.0005 * planted:.1f}', planted)"
LAST_BITS = "print(np.array([0.5, 0.12345678499999 + 1e-14 * planted]))"
UNSEEN = "str(np.array([0.5, 0.12345678499999 + 1e-14 * planted]));"


@pytest.fixture
def planted(book):
    path = save(
        book / "book" / "1-first.ipynb",
        *map(cell, (START, HANGS, AT_EDGE, INSIDE, EXACT)),
        cell(TIMING, "nbval-ignore-output"),
        cell(LAST_BITS),
        cell(UNSEEN),
    )
    project(book)
    tangle.tangle(book)
    assert run.main(["--root", str(book), str(path)]) == 0
    return path


def test_what_hangs_on_the_environment_is_listed(planted, book, capsys):
    factor = perturb.Factor("a plant", {"PLANTED": "1"})
    runs = perturb.perturb([planted], [factor], book)
    assert not runs.failures
    name = "book/1-first.ipynb"
    # cell 1 is the title, so the planted ones are the third and those after it
    assert runs.changed == {
        (name, 3): {"a plant": (("as stored",), ("changed",))}
    }
    assert sorted(
        {number for _, number, _, _ in perturb.at_edges(runs.figures)}
    ) == [4, 8]
    assert 5 in {
        number for _, number, _, _ in runs.figures
    }  # seen, and well inside
    assert perturb.report(runs) == 3
    told = capsys.readouterr().out
    assert f"{name}, cell 3: a plant" in told and "+changed" in told
    assert f"{name}, cell 4: 1" in told and "from 2.04" in told


def test_without_a_change_nothing_is_listed(planted, book, capsys):
    runs = perturb.perturb([planted], [], book)
    assert perturb.report(runs) == 0
    assert "0 cells change" in capsys.readouterr().out


@pytest.mark.parametrize(
    "value, digits, kind, distance",
    [
        (2.0499, 1, "f", 0.0001),
        (2.0, 1, "f", 0.05),
        (-2.0499, 1, "f", 0.0001),
        (1e-17, 3, "f", 1e-17),  # below zero it would be -0.000
        (0.7, 0, "f", 0.2),
        (1.2649e-8, 2, "e", 0.01e-10),
        (1.2649e-8, 3, "g", 0.01e-10),
        (0.12345, 1, "%", 0.00005),
        (0.3, None, "g", 0.0),
    ],
)
def test_the_distance_to_the_next_edge(value, digits, kind, distance):
    assert recorder.edge(value, digits, kind) == pytest.approx(
        distance, rel=1e-9
    )


@pytest.mark.parametrize(
    "source",
    [
        "f'{v:.2f}'",
        "f'{v:{4}.{2}f}'",
        "f'{v:.3g}'",
        "f'{v:.1%}'",
        "'{} {:.2f}'.format(1, v)",
        "list(map('{:.2f}'.format, [v]))",
        "round(v, 2)",
        "round(v, ndigits=2)",
        "np.round(v, 2)",
        "np.array([v]).round(2)",
        "np.array([v]).round(decimals=2)",
        "pd.DataFrame({'a': [v]}).round(2)",
        "pd.Series([v]).round(2)",
    ],
)
def test_every_way_to_round_is_seen_and_changes_nothing(source, monkeypatch):
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    log = recorder.Log(None)
    monkeypatch.setattr(recorder, "_log", log)
    monkeypatch.setattr(
        builtins, "__figure__", recorder._figure, raising=False
    )
    monkeypatch.setattr(
        builtins, "__rounding__", recorder._rounding, raising=False
    )
    monkeypatch.setattr(
        builtins, "__formatter__", recorder._formatter, raising=False
    )
    names = {"np": np, "pd": pd, "v": 2.7182818}
    tree = recorder.Watch("cell").visit(ast.parse(source, mode="eval"))
    answer = eval(
        compile(ast.fix_missing_locations(tree), "cell", "eval"), names
    )
    assert str(answer) == str(eval(source, names))
    assert [line[3] for line in log.lines] == [2.7182818]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("warnings.warn(f'{v:.0e} is large', stacklevel=1)", "3e+00"),
        ("print(f'{v:.0e} is large')", None),
    ],
)
def test_what_a_warning_tells_counts_only_if_it_is_shown(
    source, text, monkeypatch
):
    log = recorder.Log(None)
    monkeypatch.setattr(recorder, "_log", log)
    monkeypatch.setattr(
        builtins, "__figure__", recorder._figure, raising=False
    )
    tree = recorder.Watch("cell").visit(ast.parse(source, mode="eval"))
    code = compile(ast.fix_missing_locations(tree), "cell", "eval")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        eval(code, {"warnings": warnings, "v": 2.7182818})
    assert [(line[3], line[5]) for line in log.lines] == [(2.7182818, text)]


@pytest.mark.parametrize(
    "exact", ["3", "Fraction(1, 3)", "'1.5'", "True", "np.int64(3)"]
)
def test_what_is_exact_is_not_noted(exact):
    from fractions import Fraction

    import numpy as np

    assert (
        recorder.inexact(eval(exact, {"Fraction": Fraction, "np": np})) is None
    )


def test_a_factor_that_the_processor_cannot_run_says_why(monkeypatch):
    monkeypatch.setattr(perturb, "_flags", lambda: {"sse4_2", "avx"})
    missing = {factor.name: factor.missing for factor in perturb.factors()}
    assert missing["Haswell"] == "the processor lacks avx2, fma"
    assert "avx512f" in missing["SkylakeX"] and "avx512f" in missing["AVX-512"]


def test_a_home_is_the_only_one_that_a_run_sees(tmp_path, monkeypatch):
    monkeypatch.setitem(perturb.ENVIRONMENT, "MPLCONFIGDIR", "/somewhere")
    monkeypatch.setitem(perturb.ENVIRONMENT, "RNN_LIT_KEEP_ENV", "1")
    found = perturb.environment(
        perturb.Factor("hostile", home="hostile"), tmp_path
    )
    assert found["HOME"] == str(tmp_path) and found[
        "PYTHONSTARTUP"
    ].startswith(found["HOME"])
    assert "MPLCONFIGDIR" not in found and "RNN_LIT_KEEP_ENV" not in found
    assert (
        "usetex" in (tmp_path / ".config/matplotlib/matplotlibrc").read_text()
    )


def test_the_kernels_of_the_pinned_run_need_no_other(monkeypatch):
    monkeypatch.setattr(perturb, "_missing_core", lambda name: "")
    missing = {factor.name: factor.missing for factor in perturb.factors()}
    assert "as pinned" in missing["Haswell"] and not missing["Sandybridge"]


def test_an_unknown_factor_is_refused(book, capsys, monkeypatch):
    monkeypatch.setattr(perturb, "_missing_core", lambda name: "")
    tangle.tangle(book)
    assert perturb.main(["--root", str(book), "--factors", "moon"]) == 2
    assert "no factor moon, only Haswell" in capsys.readouterr().err
