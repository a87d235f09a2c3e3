"""A book of two chapters in a folder of its own, for the tests of the tools."""

import os
import subprocess
import sys

import nbformat
from chapters import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

SQUARE = "def square(x):\n    return x * x"
TWICE = "from rnn_lit.first import square\n\ndef twice(x):\n    return square(x) + square(x)"


def cell(source, *tags, **metadata):
    return new_code_cell(source, metadata={"tags": list(tags), **metadata})


def save(path, *cells):
    """Write a notebook whose cells have steady ids."""
    notebook = new_notebook(cells=[new_markdown_cell("(ch-x)=\n# Title"), *cells])
    for number, one in enumerate(notebook.cells):
        one["id"] = f"{path.stem}-{number}"
    nbformat.write(notebook, path)
    return path


def load(path):
    return nbformat.read(path, as_version=4)


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def project(root, *face):
    """Write the tiny book's pyproject.toml, with these names in the package's face."""
    names = ", ".join(f'"{name}"' for name in face)
    text = f'[project]\nversion = "1.2"\n[tool.rnn_lit]\nface = [{names}]\n'
    (root / "pyproject.toml").write_text(text, encoding="utf-8")


def built_by_sphinx(folder, settings, builder="html"):
    """Build the pages of that folder into a folder of the builder's name; returns the warnings.

    In a process of its own: a second Sphinx in one process finds the first one's suffixes and
    directives. The settings are those of conf.py.
    """
    conf = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    (folder / "conf.py").write_text(conf, encoding="utf-8")
    said = folder / "warnings"
    ended = subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", builder, "-q", "-w", said,
         "-d", folder / "trees", folder, folder / builder],
        env=os.environ | {"PYTHONPATH": str(ROOT / "_ext")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return said.read_text(encoding="utf-8")
