"""Each chapter by itself, as a reader downloads it: python tools/alone.py [NOTEBOOK …]

In a temporary folder: the package as a wheel, a new environment with what one line installs, the
wheel with its extra ``chapters`` at the newest versions that pyproject.toml allows, and for each
notebook a folder that holds nothing else, where it runs. A cell that fails is shown, and so is a
file that a chapter leaves behind, in its folder or in the package. The write-up is put together
from the chapters, so it runs in the archive. Fetches packages; a quarter of an hour. ``--python``
takes an interpreter that has them instead.
"""

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

#: The user's own, taken before tools/run.py changes it.
ENVIRONMENT = dict(os.environ)

import bundle  # noqa: E402
import nbformat  # noqa: E402
import run  # noqa: E402
import surroundings  # noqa: E402
from chapters import ROOT, BookError, notebooks  # noqa: E402
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager  # noqa: E402
from jupyter_client.manager import AsyncKernelManager  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import (  # noqa: E402
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)

CELL_SECONDS = 900
PACKAGE = "import pathlib, rnn_lit; print(pathlib.Path(rnn_lit.__file__).parent)"


def environment(folder):
    """A new environment with the wheel and what the chapters import; its interpreter."""
    name, content = bundle.wheel(ROOT)
    (folder / name).write_bytes(content)
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    python = folder / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    apart = [sys.executable, "-I", surroundings.__file__, "--pip"]
    line = [python, "-m", "pip", "install", "--quiet", f"{name}[chapters]"]
    subprocess.run([*apart, *line], cwd=folder, env=ENVIRONMENT, check=True)
    return python


def takes_from_others(path):
    """Is this notebook put together from the others, as the write-up is?"""
    return "import write_up" in path.read_text(encoding="utf-8")


def alone(path, python, seconds=CELL_SECONDS):
    """Run a copy of a notebook in a folder of its own; raises BookError if a cell fails.

    Returns the names of the files that are there afterwards and were not before.
    """

    class Python(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            options = "-m", "ipykernel_launcher", "-f", "{connection_file}"
            return KernelSpec(argv=[str(python), *options, "--log-level=ERROR"], language="python")

    with (tempfile.TemporaryDirectory(prefix="rnn_lit-alone-") as folder,
          tempfile.TemporaryDirectory(prefix="rnn_lit-home-") as home):  # fmt: skip
        if takes_from_others(path):
            with zipfile.ZipFile(io.BytesIO(bundle.bundle(ROOT)[bundle.NAME])) as archive:
                archive.extractall(folder)
            folder = Path(folder, bundle.TOP, "book")
        copy = Path(shutil.copy(path, folder))
        before = set(Path(folder).rglob("*"))
        notebook = nbformat.read(copy, as_version=4)
        client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=Python()),
            timeout=seconds,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            variables = surroundings.surroundings(ENVIRONMENT, Path(home))
            client.execute(cleanup_kc=True, env=variables)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise BookError(run.failure(path.name, notebook, error)) from None
        left = {file for file in Path(folder).rglob("*") if "__pycache__" not in file.parts}
        return sorted(file.name for file in left - before)


def contents(python):
    """A hash of each file of the package that this interpreter finds, but for the caches."""
    home = Path(subprocess.run([python, "-I", "-c", PACKAGE], capture_output=True,
                               encoding="utf-8", check=True).stdout.strip())  # fmt: skip
    files = [file for file in home.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return {file.relative_to(home): hashlib.sha256(file.read_bytes()).digest() for file in files}


def each(paths, python, say=print):
    """Run each; the number of those that failed or left something behind."""
    failures, before = 0, contents(python)
    for path in paths:
        start = time.perf_counter()
        try:
            left = alone(path, python)
        except BookError as error:
            failures += 1
            say(f"alone: {error}")
            continue
        after = contents(python)
        left += [str(name) for name in after if after[name] != before.get(name)]
        before = after
        failures += bool(left)
        told = f", but it left {', '.join(left)}" if left else ""
        say(f"{path.name}: ran alone in {time.perf_counter() - start:.0f} s{told}")
    return failures


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--python", type=Path, help="an interpreter that has the packages")
    options = parser.parse_args(arguments)
    paths = options.notebooks or notebooks(ROOT)
    with tempfile.TemporaryDirectory(prefix="rnn_lit-reader-") as folder:
        try:
            python = (options.python or environment(Path(folder))).absolute()
            failures = each(paths, python, lambda text: print(text, flush=True))
        except (BookError, subprocess.CalledProcessError) as error:
            print(f"alone: {error}", file=sys.stderr)
            return 2
    print(f"{len(paths) - failures} of {len(paths)} chapters run alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
