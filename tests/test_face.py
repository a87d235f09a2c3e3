"""What the package shows: few names, small modules, and for each public name a whole docstring."""

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import rnn_lit

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "rnn_lit"
FACE = """
Forecaster Forecast Parameters States initialise forward Activation tanh sigmoid softplus sine
identity softmax mean_squared_error softmax_cross_entropy backward loss_and_gradient
jacobian_product_gradient clip train objective History Diverged Interrupted
""".split()
APART = ("verify", "certify")


def modules():
    """The files of the package outside the proofs: {dotted name: path}."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in APART:
            found[".".join(("rnn_lit", *parts)).removesuffix(".__init__")] = path
    return found


MODULES = modules()
PUBLIC = [name for name in MODULES if "._" not in name]


def test_the_top_level_shows_exactly_its_face():
    assert sorted(rnn_lit.__all__) == sorted(FACE)
    shown = {name for name in dir(rnn_lit) if not name.startswith("_")}
    submodules = {module.name for module in pkgutil.iter_modules(rnn_lit.__path__)}
    assert shown - submodules == set(FACE), "what else `import rnn_lit` shows"


def test_every_name_that_is_listed_is_there_and_is_defined_once():
    homes = {}
    for module in set(MODULES) - {"rnn_lit", "rnn_lit.compiled"}:
        for name in listed(MODULES[module]):
            assert homes.setdefault(name, module) == module
    for module in PUBLIC:
        for name in (shown := importlib.import_module(module)).__all__:
            assert hasattr(shown, name)


def listed(path):
    """`__all__`, read off the source: `_numba` can be imported only with Numba."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def lines(source):
    """How many lines of a source are neither blank nor part of a docstring; a signature, which
    names a type for each argument, is one. They are lines of a hundred columns, however narrow
    the page is for which a chapter lays them out."""
    layout = ["--isolated", "--line-length=100", "--config=format.skip-magic-trailing-comma=true"]
    source = subprocess.run(
        [sys.executable, "-m", "ruff", "format", *layout, "--stdin-filename=any.py", "-"],
        input=source, capture_output=True, text=True, check=True, encoding="utf-8",
    ).stdout  # fmt: skip
    told = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            told |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        if isinstance(node, ast.FunctionDef):
            told |= set(range(node.lineno + 1, node.body[0].lineno))
    return sum(
        bool(line.strip()) and at not in told for at, line in enumerate(source.splitlines(), 1)
    )


def test_lines_are_counted_without_words():
    head, function = '"""A\n\ntext."""\n\nx = 1\n\n\n', 'def f(\n    x: int,\n):\n    """More."""\n'
    assert lines(head + function + "    return x\n") == 3
    wide, narrow = "x = [1, 2, 3]\n", "x = [\n    1,\n    2,\n    3,\n]\n"
    assert lines(wide) == lines(narrow) == 1


def test_the_package_is_small():
    assert len(MODULES) <= 20, sorted(MODULES)
    large = {
        name: size
        for name, path in MODULES.items()
        if (size := lines(path.read_text(encoding="utf-8"))) > 250
    }
    assert not large, large


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"rnn_lit"}))
def test_a_module_says_its_one_idea_and_where_it_is_explained(name):
    doc = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8")))
    assert doc and re.search(r"\((?:ch|app)-[a-z-]+(?:, (?:ch|app)-[a-z-]+)*\)", doc), doc


def documented():
    """Every public name and public method, once: (where it is found, what it is)."""
    for module in PUBLIC:
        if module == "rnn_lit":  # what is shown again there
            continue
        shown = importlib.import_module(module)
        for name in shown.__all__:
            value = getattr(shown, name)
            if callable(value):
                yield f"{module}.{name}", value
            if name == "Forecaster":
                for method in (m for m in dir(value) if not m.startswith("_")):
                    if callable(getattr(value, method)):
                        yield f"{module}.{name}.{method}", getattr(value, method)


DOCUMENTED = dict(documented())


#: The book's three-line loops, which the passes call: they check nothing, and say little.
STEPS = {"rows", "forward_steps", "backward_steps"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_docstring_is_whole(name):
    value, last = DOCUMENTED[name], name.rpartition(".")[2]
    doc = inspect.getdoc(value) or ""
    wanted = ["Examples"]
    if inspect.isclass(value):
        wanted += ["Attributes"] if issubclass(value, tuple) or last == "Forecaster" else []
    elif ".compiled." in name:
        assert f"As `rnn_lit.{last}`" in doc
    elif last not in {"get_params", "set_params", *STEPS}:
        wanted += ["Parameters"]
        wanted += ["Returns"] if last != "save" else []
        wanted += ["Raises"] if last != "flatten" else []
    missing = [part for part in wanted if f"{part}\n{'-' * len(part)}\n" not in doc]
    assert not missing, f"{name} has no {missing}"
    if last not in ("get_params", "set_params"):
        assert re.search(r"\b(?:eq|def|thm|ch|app)-[a-z]", doc), f"{name} names no label"


def test_the_api_page_shows_every_public_module_and_no_private_one():
    page = (ROOT / "book" / "C-api.md").read_text(encoding="utf-8")
    one_by_one = re.findall(
        r"^\.\. (?:auto(?:class|function)|py:data):: rnn_lit\.(\w+)$", page, re.M
    )
    whole = re.findall(
        r"^\.\. automodule:: (rnn_lit[\w.]*)\n   :members:(?:\n   :exclude-members: (.*))?",
        page,
        re.M,
    )
    outside = {name: left for name, left in whole if name.split(".")[1] not in APART}
    assert sorted(one_by_one) == sorted(FACE)
    for module in set(PUBLIC) - {"rnn_lit"}:
        names = importlib.import_module(module).__all__
        above, left = (sorted(set(names) & set(FACE)), sorted(set(names) - set(FACE)))
        if module in outside and module != "rnn_lit.compiled":  # whose names are its own
            assert sorted(filter(None, outside[module].split(", "))) == above
        elif module != "rnn_lit.compiled":
            assert left in ([], ["ACTIVATIONS"]), f"{module}: the page lacks {left}"
    assert set(outside) <= set(PUBLIC) and "rnn_lit.compiled" in outside
    assert "rnn_lit.activations.ACTIVATIONS" in page


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The names in a source distribution and in a wheel, made from what they would be made from."""
    folder = tmp_path_factory.mktemp("distributions")
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "LICENSE-text"):
        shutil.copy(ROOT / name, folder)
    for name in ("src", "tests", "tools"):
        leave = shutil.ignore_patterns(
            "__pycache__", "*.egg-info", "node_modules", "browser", "data"
        )
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    build_meta = pytest.importorskip("setuptools.build_meta")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        source = build_meta.build_sdist(str(folder / "dist"))
        wheel = build_meta.build_wheel(str(folder / "dist"))
    with tarfile.open(folder / "dist" / source) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]
    return names, zipfile.ZipFile(folder / "dist" / wheel).namelist()


def test_the_sdist_holds_the_package_and_no_tests(distributions):
    sdist, _ = distributions
    assert [name for name in sdist if name.startswith(("tests", "tools", "book"))] == []
    for path in MODULES.values():
        assert path.relative_to(ROOT).as_posix() in sdist
    assert {"src/rnn_lit/py.typed", "README.md", "LICENSE", "pyproject.toml"} <= set(sdist)


def test_the_wheel_holds_what_the_chapters_read_and_no_more_than_the_package(distributions):
    """The figures' style and the data, without which a chapter alone stops in its first cells."""
    sdist, wheel = distributions
    kept = [f"rnn_lit/_book/{path.name}" for path in (PACKAGE / "_book").iterdir()]
    assert {"rnn_lit/_book/figures.mplstyle", "rnn_lit/_book/equation.json"} <= set(kept)
    code = [path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")]
    held = [name for name in wheel if ".dist-info/" not in name]
    assert sorted(held) == sorted([*kept, *code, "rnn_lit/py.typed"])
    assert {f"src/{name}" for name in kept} <= set(sdist)
