"""What is tracked says nothing of the machine it was made on, and the package stands alone."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import picture
import pytest
import surroundings

ROOT = Path(__file__).resolve().parents[1]
REFUSED = {
    "an index or a folder of one machine": re.compile(r"-{2}(?:extra-)?(?:index-url|find-links)\b"),
    "a version that no index has": re.compile(r"==[\w.]+\+[\w.]+"),
    "a folder of one machine": re.compile(r"(?<![\w.:])/(?:home|root|Users|work)/[\w.]"),
    "a registry's address": re.compile(r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs)\."),
}
PICTURE = re.compile(r'"image/(?:png|jpeg)": "[^"]*"')


def tracked():
    answer = surroundings.git("ls-files", "-z", folder=ROOT)
    if answer is None or answer.returncode:
        pytest.skip("git is not installed" if answer is None else "not a git checkout")
    names = answer.stdout.decode("utf-8").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def faults(text):
    """What a tracked text may not hold, each with the words found."""
    text = PICTURE.sub("", text)
    return [(why, found.group()) for why, rule in REFUSED.items() if (found := rule.search(text))]


def test_tracked_files_name_no_index_and_no_machine():
    told = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        told += [f"{path.relative_to(ROOT)}: {why}: {found}" for why, found in faults(text)]
    assert not told, "\n".join(told)


@pytest.mark.parametrize(
    "text",
    [
        "-" + "-index-url x",
        "-" + "-extra-index-url x",
        "-" + "-find-links x",
        "numpy==1.0" + "+cpu",
        "see /" + "home/ann/book",
        "https://" + "pypi.org/simple",
    ],
)
def test_the_rules_above_have_teeth(text):
    assert faults(text)


def test_every_package_that_is_asked_for_is_locked_with_hashes():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = extras["dependencies"] + [
        need
        for extra in ("chapters", "book", "test")
        for need in extras["optional-dependencies"][extra]
    ]
    names = {re.match(r"[\w-]+", need).group().lower() for need in asked} - {"rnn_lit"}
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^([\w-]+)==\S+(?: ;[^\\\n]*)? \\\n    --hash=sha256:[0-9a-f]{64}", lock, re.M
    )
    assert blocks, "requirements.txt locks nothing"
    assert not names - set(blocks), (
        f"not in requirements.txt, run `make lock`: {names - set(blocks)}"
    )
    unhashed = set(re.findall(r"^([\w-]+)==", lock, re.M)) - set(blocks)
    assert not unhashed, f"without a hash: {unhashed}"


def test_the_core_needs_numpy_alone():
    """Every core module imports with the optional packages blocked, and brings none in."""
    script = """
import importlib
import json, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"sympy", "scipy", "matplotlib", "pandas", "numba", "tqdm",
                                  "statsmodels", "mpmath"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import rnn_lit
names = [m.name for m in pkgutil.iter_modules(rnn_lit.__path__) if not m.ispkg]
names.remove("_numba")  # Numba's own; rnn_lit.compiled imports it when it is called
for name in names:
    importlib.import_module(f"rnn_lit.{name}")
assert "rnn_lit.verify" not in sys.modules, "rnn_lit imports its proofs"
for name in rnn_lit.__all__:
    getattr(rnn_lit, name)
print(len(names), "modules,", len(rnn_lit.__all__), "names")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_module_of_the_proofs_imports():
    package = importlib.import_module("rnn_lit.verify")
    for name in package.__all__:
        getattr(package, name)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"rnn_lit.verify.{module.name}")


def test_the_readme_shows_the_equation_that_chapter_8_found():
    found = json.loads((ROOT / "src/rnn_lit/_book/equation.json").read_text(encoding="utf-8"))
    shown = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in found["text"] if line not in shown] == []


def test_the_readme_shows_a_picture_that_is_there():
    pictures = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert pictures == [(picture.ALT, picture.TARGET.relative_to(ROOT).as_posix())]
    drawn = picture.TARGET.read_text(encoding="utf-8")
    assert drawn.startswith("<?xml") and "</svg>" in drawn
    assert "a year ahead" in drawn and "/usr/" not in drawn


def test_the_picture_is_of_the_printed_equation():
    """Its forecasts are those of the package, and the curve in the file is theirs."""
    from rnn_lit import Parameters, forward

    stored = json.loads((ROOT / "src/rnn_lit/_book/equation.json").read_text(encoding="utf-8"))
    series = [5.0, 11.0, 16.0, 23.0, 36.0, 58.0, 29.0]
    theta = Parameters(**{name: np.array(v) for name, v in stored["parameters"].items()})
    wanted = forward(theta, np.array(series)[:-1, None]).y_hat[:, 0]
    assert np.allclose(picture.forecasts(series, stored["parameters"]), wanted, rtol=1e-12)


def test_the_version_is_written_once_and_cited_as_it_is():
    """pyproject.toml says it, the package's is made from that; CITATION.cff repeats it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert importlib.import_module("rnn_lit").__version__ == version
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", cited, re.M) == [version]


def test_every_extra_that_a_message_names_is_one():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {}
    for path in (ROOT / "src" / "rnn_lit").rglob("*.py"):
        for name in re.findall(r'pip install "([^"]*)"', path.read_text(encoding="utf-8")):
            named[name] = path.name
    wanted = {f".[{extra}]" for extra in extras["optional-dependencies"]}
    assert named and set(named) <= wanted, named
