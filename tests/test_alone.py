"""A chapter needs nothing beside it: what it reads is in the package, what it imports is asked for.

That every chapter then runs in an empty folder and a new environment is what tools/alone.py tries.
"""

import ast
import re
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import alone
import pytest
from chapters import ROOT, BookError, cells, notebooks
from tiny import cell, save

NOTEBOOKS = notebooks()
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
HELD = {file.name for file in files("rnn_lit._book").iterdir()}
#: What looks like the name of a file.
FILE = re.compile(
    r"[\w./~-]*\w\.(json|csv|tsv|txt|np[yz]|mplstyle|bib|toml|ya?ml|pkl|v|svg|png|pdf)"
)
#: The one folder that is named: where a checkout keeps what two chapters find and others show.
KEPT = "../src/rnn_lit/_book"
#: What JupyterLab 4.6 with jupyterlab-myst 2.7 was seen to render. It shows nothing in the place of
#: a literalinclude, and knows no eval-rst and no bibliography, which stand on pages of text alone.
DIRECTIVES = {
    "admonition", "exercise", "solution",
    "prf:algorithm", "prf:lemma", "prf:proof", "prf:theorem",
}  # fmt: skip
ROLES = {"cite", "cite:t", "eq", "numref", "prf:ref", "ref"}
OPENING = ("Path", "open", "read_csv", "load", "loadtxt")
#: Names under which a distribution is imported, where they differ.
IMPORTED = {"python-flint": "flint", "ipykernel": "IPython"}


def faults(source):
    """What a cell reads that a reader of the notebook alone does not have."""
    found, tree = [], ast.parse(source)
    texts = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and node.body
        and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in texts:
            if FILE.fullmatch(node.value) and node.value not in HELD:
                found.append(node.value)
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(
            node.func, "id", "")  # fmt: skip
        named = [a.value for a in node.args if isinstance(getattr(a, "value", None), str)]
        mode = called == "open" and named and re.fullmatch("[rwxabt+]+", named[0])
        if called in OPENING and named and named[0] != KEPT and not mode:
            found.append(f"{called}({named[0]!r})")
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func).endswith("style.use"):
            package, _, style = str(named[0]).rpartition(".")
            if package != "rnn_lit._book" or f"{style}.mplstyle" not in HELD:
                found.append(named[0])
        if called == "files" and named != ["rnn_lit._book"]:
            found.append(f"files({named})")
    return found


@EACH
def test_what_a_chapter_reads_is_in_the_package(path):
    told = [(one.place, fault) for one in cells(path) if one.kind == "code"
            for fault in faults(one.source)]  # fmt: skip
    assert not told, "put it into src/rnn_lit/_book: a reader may have the notebook alone"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('(files("rnn_lit._book") / "equation.json").read_text()', []),
        ('(files("rnn_lit._book") / "none.json").read_text()', ["none.json"]),
        ('(files("elsewhere") / "equation.json").read_text()', ["files(['elsewhere'])"]),
        ('Path("data", name)', ["Path('data')"]),
        ('Path("../tests", "equation.json")', ["Path('../tests')"]),
        ('open("../proofs/bptt.v")', ["../proofs/bptt.v", "open('../proofs/bptt.v')"]),
        ('plt.style.use("figures.mplstyle")', ["figures.mplstyle"]),
        ('plt.style.use("rnn_lit._book.other")', ["rnn_lit._book.other"]),
        ('plt.style.use("rnn_lit._book.figures")', []),
        ('def f():\n    """data/x.csv"""', []),
    ],
)
def test_a_file_that_is_elsewhere_is_noticed(source, told):
    assert sorted(faults(source)) == sorted(told)


@EACH
def test_jupyterlab_renders_each_directive_and_role(path):
    text = "\n".join(one.source for one in cells(path) if one.kind == "markdown")
    assert set(re.findall(r"^ *(?::{3,}|`{3,})\{([^}]*)\}", text, re.MULTILINE)) <= DIRECTIVES
    assert set(re.findall(r"\{([a-z:]+)\}`", text)) <= ROLES


def asked(extra):
    """The modules that the package's extra brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras, found, met = project["optional-dependencies"], {"numpy", "rnn_lit"}, [extra]
    for name in met:
        for need in extras[name]:
            dist, more = re.match(r"([\w-]+)(?:\[([\w,]*)\])?", need).groups()
            if dist == "rnn_lit":
                met += more.split(",")
            else:
                found.add(IMPORTED.get(dist, dist))
    return found


def imports(source):
    """The modules, without what is in them, that a cell imports anywhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name.split(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_the_extra_of_the_chapters_brings_what_they_import():
    wanted = {name for path in NOTEBOOKS for one in cells(path) if one.kind == "code"
              for name in imports(one.source)} - sys.stdlib_module_names  # fmt: skip
    together = {path.stem for path in NOTEBOOKS if alone.takes_from_others(path)}
    assert together == {"write-up", "vi-write-up"}
    wanted.remove("write_up")  # which is beside it in the archive
    wanted.remove("sklearn")  # a method that scikit-learn alone calls
    assert wanted <= asked("chapters")
    assert {"statsmodels", "flint", "numba", "IPython"} <= wanted  # and something is seen
    assert not wanted <= asked("plot")


def test_a_chapter_that_runs_alone(tmp_path):
    path = save(tmp_path / "one.ipynb", cell("import os\nassert len(os.listdir()) == 1\n1 + 1"))
    before = path.read_bytes()
    assert alone.alone(path, sys.executable) == []
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_chapter_that_needs_a_file_beside_it_or_leaves_one(tmp_path):
    (tmp_path / "beside.txt").write_text("1")
    reads = save(tmp_path / "reads.ipynb", cell("open('beside.txt').read()"))
    with pytest.raises(BookError, match="reads.ipynb, cell 2 failed:(?s:.*)FileNotFoundError"):
        alone.alone(reads, sys.executable)
    leaves = save(tmp_path / "leaves.ipynb", cell("open('left.txt', 'w').close()"))
    told = []
    assert alone.each([reads, leaves], Path(sys.executable), told.append) == 2
    assert "FileNotFoundError" in told[0] and "but it left left.txt" in told[1]


def test_a_chapter_that_changes_the_package_is_told(tmp_path, monkeypatch):
    states = iter([{"a": 1}, {"a": 1}, {"a": 2}])
    monkeypatch.setattr(alone, "contents", lambda python: next(states))
    monkeypatch.setattr(alone, "alone", lambda path, python: [])
    told = []
    assert alone.each([Path("x.ipynb"), Path("y.ipynb")], Path("python"), told.append) == 1
    assert "but it left a" in told[1] and "left" not in told[0]
