"""What a reader downloads: python tools/bundle.py [FOLDER] [--colab ADDRESS]

Writes the package as a wheel, and ``book.zip`` with that wheel, the chapters and a README, into a
folder (``_build`` by default; the pages are built with both beside them). The same sources give the
same bytes. A chapter needs nothing beside it but the package: the figures' style and the data are
in the wheel. The write-up is put together from the chapters, which lie beside it in the archive.

``--colab`` writes nothing there. It puts a cell into each chapter of this checkout that installs
the package from the repository at the address, where Colab opens the chapters; elsewhere the cell
does nothing. Downloads get that cell when the pages are built for a known repository.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from chapters import ROOT, BookError, notebooks, pages, write
from nbformat.v4 import new_code_cell

NAME = "book.zip"
TOP = "rnn-book"
#: What the wheel is made from.
SOURCES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "LICENSE-text", "src")
#: What else is in the archive: what the write-up is put together with, and what one has to know.
BESIDE = ("book/write_up.py", "CITATION.cff", "LICENSE", "LICENSE-text", "requirements.txt")
#: The earliest date that a zip archive can hold, in seconds and as the archive has it.
EPOCH, DATE = 315532800, (1980, 1, 1, 0, 0, 0)
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"

READ_ME = """\
The recurrent network as a forecasting equation: the chapters as notebooks.

The notebooks, in the folder book, need Python 3.11 or later, and what one line
installs, here or wherever the wheel is:

    python -m pip install "{wheel}[chapters]"
{elsewhere}
With it every chapter runs, also by itself in an empty folder: the figures'
style and the data are in the package. (The write-up alone is put together from
the others, so it stays beside them.) To open the chapters with their
formulas, theorems and links rendered, in an environment of their own:

    python -m venv .venv
    .venv/bin/python -m pip install "{wheel}[chapters,lab]"
    .venv/bin/python -m jupyterlab

(on Windows .venv\\Scripts\\python for .venv/bin/python). The outputs that the
notebooks store are of the versions in requirements.txt; others may round the
last digit differently, and every assertion must hold all the same.

The code is under the MIT licence (LICENSE), the text and the figures under
CC BY 4.0 (LICENSE-text). CITATION.cff says how to cite.
"""

#: What the README says besides where the repository's address is known.
ELSEWHERE = """
Without this archive the repository does for the wheel:

    python -m pip install "rnn_lit[chapters] @ git+{repository}"
"""

#: The cell for Colab: where it is known from, and what pages and tests make of it.
COLAB = "colab"
TAGS = ["nbval-skip", "remove-cell", "skip-execution"]
INSTALL = """\
# @title On Colab: install what the chapter imports
import sys

if "google.colab" in sys.modules:  # elsewhere this does nothing
    get_ipython().run_line_magic(
        "pip",
        "install --quiet 'rnn_lit[chapters] @ "
        "git+{repository}'",
    )"""


def archive(files):
    """A zip archive of {name: bytes}, which depends on these alone."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def wheel(root):
    """The package as a wheel: its name and its bytes. Nothing is written into the checkout."""
    with tempfile.TemporaryDirectory(prefix="rnn_lit-wheel-") as folder:
        copy, made = Path(folder, "source"), Path(folder, "wheel")
        copy.mkdir()
        for name in SOURCES:
            if (root / name).is_dir():
                leave = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
                shutil.copytree(root / name, copy / name, ignore=leave)
            else:
                shutil.copy(root / name, copy)
        done = subprocess.run(
            [sys.executable, "-c", BUILD, str(made)],
            cwd=copy, env=os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH)},
            capture_output=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        if done.returncode:
            raise BookError(f"the wheel could not be made:\n{done.stderr}")
        (path,) = made.glob("*.whl")
        with zipfile.ZipFile(path) as packed:  # packed anew, without the modes of this checkout
            return path.name, archive({name: packed.read(name) for name in packed.namelist()})


def known(repository):
    """The address of a repository, checked."""
    parts = urlsplit(repository)
    if parts.scheme != "https" or not parts.netloc or set(repository) & set(" '\"\\\n{}"):
        raise BookError(f"{repository!r} is no address of a repository, wanted https://…")
    return repository.rstrip("/")


def with_install(text, repository):
    """A notebook's text with the cell for Colab below its title, or without one if no address."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id != COLAB]
    if repository:
        source = INSTALL.format(repository=known(repository))
        cell = new_code_cell(source, metadata={"cellView": "form", "tags": TAGS}, id=COLAB)
        notebook.cells.insert(1, cell)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def installs_from(root, repository):
    """Does each chapter of the checkout hold the cell with this address?"""
    texts = [path.read_text(encoding="utf-8") for path in notebooks(root)]
    return bool(texts) and all(with_install(text, repository) == text for text in texts)


def bundle(root, repository=""):
    """The files to download: {name: bytes}, the archive and the wheel."""
    name, content = wheel(root)
    elsewhere = ELSEWHERE.format(repository=known(repository)) if repository else ""
    told = READ_ME.format(wheel=name, elsewhere=elsewhere)
    files = {"README.txt": told.encode(), name: content}
    for path in pages(root):
        text = path.read_text(encoding="utf-8")
        if repository and path.suffix == ".ipynb":
            text = with_install(text, repository)
        files[path.relative_to(root).as_posix()] = text.encode()
    for other in BESIDE:
        files[other] = (root / other).read_bytes()
    packed = archive({f"{TOP}/{inside}": files[inside] for inside in files})
    return {NAME: packed, name: content}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where to write; _build by default")
    parser.add_argument("--colab", metavar="ADDRESS", help="put Colab's cell into the chapters")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.colab is not None:
            for path in notebooks(root):
                text = path.read_text(encoding="utf-8")
                new = with_install(text, options.colab)
                if new != text:
                    write(path, new)
                    print(f"wrote {path.relative_to(root)}")
            return 0
        folder = options.folder or root / "_build"
        repository = os.environ.get("BOOK_REPOSITORY", "").strip()
        for name, content in bundle(root, repository).items():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            print(f"{folder / name}: {len(content) / 1e6:.1f} MB")
    except BookError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
