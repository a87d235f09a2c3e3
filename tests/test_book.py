"""The parts of the project say the same of each other."""

import re
import tomllib
from pathlib import Path

import chapters
import tangle
import yaml

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_the_package_is_what_the_chapters_say():
    diff = tangle.differences(ROOT)
    assert not diff, diff + tangle.DRIFT


def test_the_table_of_contents_lists_every_page():
    written = {p for p in (ROOT / "book").iterdir() if p.suffix in (".ipynb", ".md")}
    missing = {p.name for p in written} - {p.name for p in chapters.pages()}
    assert not missing, f"not in _toc.yml: {sorted(missing)}"


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
    assert citation["version"] == VERSION
    assert citation["title"] == title


def test_the_package_tells_its_version():
    import rnn_lit

    assert rnn_lit.__version__ == VERSION


def test_the_readme_names_only_targets_that_the_makefile_has():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.M))
    assert named <= targets, f"the README names {sorted(named - targets)}"
    assert {"book", "test"} <= named
