"""Execute chapters in place: python tools/run.py [--changed] [--fresh] [NOTEBOOK …]

Without a name, every chapter of _toc.yml runs. A notebook is written only after its last cell
has run, so a failing or interrupted run leaves it as it was; and what did not change is kept to
the byte, so that running twice leaves git clean.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import nbformat
import surroundings
import tangle
from chapters import ROOT, BookError, notebooks, write
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from outputs import keep_old_outputs

sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401  (the kernels inherit what it settles and pins)

CELL_SECONDS = 300
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class ThisPython(KernelSpecManager):
    """The interpreter that runs this tool, whatever kernels the machine has installed."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(**get_kernel_dict(extra_arguments=["--log-level=ERROR"]))


def execute(path, root, fresh=False):
    """Run one notebook and replace it; raises BookError and leaves it alone if a cell fails."""
    text = path.read_text(encoding="utf-8")
    new, old = (nbformat.reads(text, as_version=4) for _ in range(2))
    fill(new, path, root)
    for cell in new.cells:
        cell.metadata.pop("execution", None)
    if not fresh:
        keep_old_outputs(new, old, _committed(path, root))
    new.metadata = {**new.metadata, **METADATA}
    result = nbformat.writes(new).rstrip("\n") + "\n"
    if path.read_text(encoding="utf-8") != text:
        raise BookError(f"{path.relative_to(root)} was edited while it ran: run it again")
    if result != text:
        write(path, result)
    return sum(bool(cell.get("execution_count")) for cell in new.cells), result != text


def fill(notebook, path, root):
    """Give the cells of a notebook, which is at `path` or made of one there, their outputs."""
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython()),
        timeout=CELL_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(cleanup_kc=True)  # or the kernel would live as long as this process
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise BookError(failure(path.relative_to(root), notebook, error)) from None


def stale(path):
    """Does a code cell wait for its first run since it was edited?"""
    code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    code = [c for c in code if c.source.strip() and not skipped(c)]
    counts = [cell.execution_count for cell in code]
    return counts != list(range(1, len(counts) + 1))


def skipped(cell):
    """Does nbclient pass over this cell, as over the one for Colab (tools/bundle.py)?"""
    return "skip-execution" in cell.metadata.get("tags", [])


def _committed(path, root):
    """The notebook as git has it, or None where it has none."""
    name = f"HEAD:./{path.relative_to(root).as_posix()}"
    answer = surroundings.git("show", name, folder=root)
    if answer is None or answer.returncode:
        return None
    return nbformat.reads(answer.stdout.decode("utf-8"), as_version=4)


def failure(name, notebook, error):
    """The failing cell and its error, as one would see them in the notebook."""
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and not _may_fail(cell):
                trace = COLOURS.sub("", "\n".join(output.traceback))
                return f"{name}, cell {number} failed:\n\n{cell.source}\n\n{trace}\n"
    return f"{name}: {COLOURS.sub('', str(error))}\n"


def _may_fail(cell):
    return "raises-exception" in cell.metadata.get("tags", [])


def _chosen(options, root):
    paths = [Path(name).resolve() for name in options.notebooks] or notebooks(root)
    for path in paths:
        if path.suffix != ".ipynb" or not path.is_file() or root not in path.parents:
            raise BookError(f"{path} is not a notebook of this book")
    return [path for path in paths if stale(path)] if options.changed else paths


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK")
    parser.add_argument("--changed", action="store_true", help="only those with a cell not yet run")
    parser.add_argument("--fresh", action="store_true", help="renew timings and pictures as well")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    failures = 0
    try:
        if tangle.differences(root):
            raise BookError(
                "the package is not what the chapters say, so outputs would show other code than "
                "the pages do; run `make tangle` first"
            )
        chosen = _chosen(options, root)
        surroundings.prepare()
    except BookError as error:
        print(f"run: {error}", file=sys.stderr)
        return 2
    for path in chosen:
        start = time.perf_counter()
        try:
            count, changed = execute(path, root, options.fresh)
        except BookError as error:
            failures += 1
            print(f"run: {error}The notebook was left as it was.", file=sys.stderr, flush=True)
            continue
        took = time.perf_counter() - start
        verdict = "new outputs" if changed else "unchanged"
        print(f"{path.relative_to(root)}: {count} cells in {took:.1f} s, {verdict}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("run: interrupted; the notebook that ran was left as it was", file=sys.stderr)
        sys.exit(130)
