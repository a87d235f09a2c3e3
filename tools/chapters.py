"""What every tool knows of the book: its chapters in reading order, and how to write a file."""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]


class BookError(Exception):
    """A mistake in the book, told to the person who can mend it."""


class Cell(NamedTuple):
    """A code or markdown cell, and where a message should send its reader."""

    path: str  # of the notebook, from the root
    number: int  # among all cells of the notebook, from 1
    kind: str  # "code", "markdown" or "raw"
    source: str
    tags: tuple[str, ...]

    @property
    def place(self):
        first = next((line for line in self.source.splitlines() if line.strip()), "")
        return f"{self.path}, cell {self.number} ({first.strip()[:50]!r})"


def pages(root=ROOT):
    """The files that _toc.yml lists, notebooks and text alike, in reading order."""
    root = Path(root)
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [_existing(root, name) for name in _names(toc)]


def notebooks(root=ROOT):
    """The chapters that hold code, in reading order."""
    return [path for path in pages(root) if path.suffix == ".ipynb"]


def cells(path, root=ROOT):
    """Every cell of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    name = Path(path).resolve().relative_to(Path(root).resolve()).as_posix()
    return [
        Cell(name, number, cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ())))
        for number, cell in enumerate(notebook.cells, 1)
    ]


def write(path, text):
    """Replace a file at once: a reader, or an interruption, sees the old text or the new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _names(entry):
    if isinstance(entry, list):
        for item in entry:
            yield from _names(item)
        return
    for key in ("root", "file"):
        if key in entry:
            yield entry[key]
    for key in ("parts", "subtrees", "chapters", "sections", "entries"):
        yield from _names(entry.get(key, []))


def _existing(root, name):
    for path in (root / name, root / f"{name}.ipynb", root / f"{name}.md"):
        if path.is_file():
            return path
    raise BookError(f"_toc.yml lists {name}, but there is no such notebook or text file")
