"""The parts of the project say the same of each other."""

import re
import tomllib
from pathlib import Path
from string import ascii_uppercase

import chapters
import nbformat
import pytest
import tangle
import yaml
from sphinx.util.matching import Matcher
from surroundings import git

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_the_package_is_what_the_chapters_say():
    diff = tangle.differences(ROOT)
    assert not diff, diff + tangle.DRIFT


def test_the_table_of_contents_lists_every_page():
    written = {p for p in (ROOT / "book").iterdir() if p.suffix in (".ipynb", ".md")}
    missing = {p.name for p in written} - {p.name for p in chapters.pages()}
    assert not missing, f"not in _toc.yml: {sorted(missing)}"


def test_what_is_no_page_is_left_out_by_name():
    """only_build_toc_files looks for such files by a pattern that brackets in the path break."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    left_out = Matcher(config["exclude_patterns"])
    taken_in = {"CHANGELOG.md"}  # by a page, which Sphinx knows
    if (told := git("ls-files", folder=ROOT)) is None or told.returncode:
        pytest.skip("git does not list the files")
    for name in told.stdout.decode().splitlines():
        parts = name.split("/")
        if name.endswith((".md", ".ipynb")) and parts[0] != "book" and name not in taken_in:
            above = ("/".join(parts[: i + 1]) for i in range(len(parts)))
            assert any(map(left_out, above)), f"exclude_patterns should name {name}"


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
    assert citation["version"] == VERSION
    assert citation["title"] == title


def test_the_package_tells_its_version():
    import rnn_lit

    assert rnn_lit.__version__ == VERSION


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_page_names_only_targets_that_the_makefile_has(name):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / name).read_text("utf-8"), re.M))
    assert named and named <= targets, f"{name} names {sorted(named - targets)}"


def test_an_appendix_has_the_letter_of_its_file():
    """_toc.yml gives the letters in order; links and the names of the files say them as well."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    (appendices,) = [part for part in parts if "style" in part]
    assert appendices["style"] == "alphaupper" and appendices["numbered"] == 1
    files = [chapter["file"].removeprefix("book/") for chapter in appendices["chapters"]]
    letters = ascii_uppercase[: len(files)]
    assert [name[:2] for name in files] == [f"{letter}-" for letter in letters]


def test_a_chapter_is_called_by_the_number_of_its_page():
    """In links, `chapter 4 <ch-bptt>`, and in docstrings, `chapter 4, equation eq-delta`."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    pages = [c["file"] for part in parts
             if part.get("numbered") and "style" not in part for c in part["chapters"]]
    kinds = r"((?:eq|ch|thm|def|lem|bptt)-[\w-]+)"
    label = re.compile(rf"\({kinds}\)=|\$\$ \({kinds}\)|:label: {kinds}")
    home, wrong = {}, []
    for number, page in enumerate(pages, 1):
        text = "\n".join(cell.source for cell in nbformat.read(ROOT / f"{page}.ipynb", 4).cells)
        home |= {"".join(found): number for found in label.findall(text)}
    link = r"`chapter (\d+) <([\w-]+)>`"
    says = re.compile(link + r"|chapter (\d+)(?:,| \()(?:\s+equations?)?\s*([\w-]+)")
    for path in [*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]:
        for found in says.findall(path.read_text(encoding="utf-8").replace("\\n", "\n")):
            number, of = (found[0] or found[2]), (found[1] or found[3])
            if of in home and int(number) != home[of]:
                wrong.append((path.name, number, of, home[of]))
    assert len(home) > 100 and not wrong
