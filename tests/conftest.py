"""Fixtures for the tests of the tools: a book of two chapters in a folder of its own."""

import pytest
from tiny import SQUARE, TWICE, cell, project, save


@pytest.fixture
def book(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nparts:\n- chapters:\n"
        "  - file: book/1-first\n  - file: book/2-second\n"
    )
    project(tmp_path, "square", "zero")
    (tmp_path / "book" / "index.md").write_text("# A book\n")
    save(
        tmp_path / "book" / "1-first.ipynb",
        cell("import numpy as np", "export:first"),
        cell(SQUARE + "\n\n\nzero = np.zeros(1)\n_hidden = 1", "export:first"),
        cell("print(square(3))"),
    )
    save(tmp_path / "book" / "2-second.ipynb", cell(TWICE, "export:verify/second"))
    return tmp_path


@pytest.fixture
def first(book):
    return book / "book" / "1-first.ipynb"


@pytest.fixture
def second(book):
    return book / "book" / "2-second.ipynb"
