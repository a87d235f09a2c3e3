"""Outputs that hang on the machine: python tools/perturb.py [NOTEBOOK …]

Every notebook runs once as pinned and once with each factor changed: the
processor kernels of OpenBLAS and NumPy, threads, the hash seed, the locale,
the home folder, other work beside. Listed are

- the cells whose outputs then differ from the stored ones, compared as nbval
  compares them;
- the printed figures that lie nearer to an edge of their rounding than three
  times their spread over the runs: on the next machine they may differ.

What is exact, or is stored and not compared (a timing), does not count. What
the record of figures does not see is said in tools/recorder.py. Pictures are
not compared. Kernels start as in tools/run.py, pinned by conftest.py but for
the factor. A factor that this processor cannot run is named and left out.
"""

import argparse
import ctypes
import difflib
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

#: The user's own, taken before conftest.py changes it.
ENVIRONMENT = dict(os.environ)

import nbformat  # noqa: E402
import tangle  # noqa: E402
from chapters import ROOT, BookError, notebooks  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: E402
from nbformat.v4 import new_code_cell  # noqa: E402
from outputs import IGNORED, comparable  # noqa: E402

WORKERS = 2
#: How many times as many notebooks run at once under load.
LOAD = 3
CELL_SECONDS = 900
#: How many spreads over the runs a figure has to keep from its edge.
SPREADS = 3
SHOWN = 6  # lines of a difference, and values of a figure
#: What leads to a configuration outside the home folder.
OUTSIDE = (
    "MPLCONFIGDIR", "MATPLOTLIBRC", "IPYTHONDIR", "JUPYTER_CONFIG_DIR",
    "JUPYTER_CONFIG_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PATH",
    "JUPYTER_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
    "XDG_DATA_HOME", "PYTHONSTARTUP",
)  # fmt: skip
#: What conftest.py pins and a factor may change.
VARIED = (
    "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "PYTHONHASHSEED",
)  # fmt: skip
#: What a processor must be able to do, in the words of /proc/cpuinfo.
NEEDS = {
    "Nehalem": ("sse4_2",),
    "Sandybridge": ("avx",),
    "Haswell": ("avx2", "fma"),
    "Zen": ("avx2", "fma"),
    "SkylakeX": ("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"),
}
HOSTILE = {
    ".config/matplotlib/matplotlibrc": (
        "text.usetex: True\nfont.family: No Such Font\ntoolbar: toolmanager\n"
    ),
    ".ipython/profile_default/startup/00-hostile.py": (
        "print('from a start-up file')\n"
        "import numpy\nnumpy.set_printoptions(precision=2)\n"
    ),
    ".ipython/profile_default/ipython_config.py": (
        "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\n"
    ),
    ".ipython/profile_default/ipython_kernel_config.py": (
        "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\n"
    ),
    "startup.py": "print('from PYTHONSTARTUP')\nimport numpy\n",
}


class Factor(NamedTuple):
    """One change; the variables replace what conftest.py pins."""

    name: str
    variables: dict = {}
    home: str = ""  # "empty", "unwritable" or "hostile"
    load: bool = False
    missing: str = ""  # why this processor cannot run it


PINNED = Factor("pinned")


def factors():
    """All factors, in the order in which they run."""
    pins = runpy.run_path(str(ROOT / "conftest.py"))["PINNED"]
    pinned = pins.get("OPENBLAS_CORETYPE")
    cores = [
        Factor(
            name,
            {"OPENBLAS_CORETYPE": name},
            missing=_missing_core(name)
            or ("the run as pinned uses its kernels" if name == pinned else ""),
        )
        for name in ("Haswell", "Sandybridge", "Nehalem", "SkylakeX", "Zen")
    ]
    wide, avx2 = _numpy_groups()
    narrow = " ".join(wide + avx2)
    return [
        *cores,
        Factor(
            "AVX-512",
            {"NPY_DISABLE_CPU_FEATURES": ""},
            missing=_missing_numpy("AVX-512", wide),
        ),
        Factor(
            "no-AVX2",
            {"NPY_DISABLE_CPU_FEATURES": narrow},
            missing=_missing_numpy("AVX2", avx2),
        ),
        Factor(
            "2-threads",
            dict.fromkeys(
                (
                    "OPENBLAS_NUM_THREADS",
                    "OMP_NUM_THREADS",
                    "NUMBA_NUM_THREADS",
                ),
                "2",
            ),
            missing="" if (os.cpu_count() or 1) > 1 else "one core",
        ),
        Factor("hash-1", {"PYTHONHASHSEED": "1"}),  # pinned is another, 0
        Factor("C-locale", {"LC_ALL": "C"}),
        Factor("empty-home", home="empty"),
        Factor("unwritable-home", home="unwritable"),
        Factor("hostile-home", home="hostile"),
        Factor("load", load=True),
    ]


def _flags():
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return set(found[1].split()) if found else None


def _missing_core(name):
    """Why OpenBLAS does not run these kernels here, or nothing."""
    flags = _flags()
    if flags is None:
        return "no /proc/cpuinfo says what the processor can do"
    lacking = [need for need in NEEDS[name] if need not in flags]
    if lacking:
        return f"the processor lacks {', '.join(lacking)}"
    answer = subprocess.run(
        [sys.executable, __file__, "--core"],
        env=ENVIRONMENT | {"OPENBLAS_CORETYPE": name},
        capture_output=True,
        text=True,
    )
    used = answer.stdout.split()
    if answer.returncode or not used:
        return "no OpenBLAS that says which kernels it uses"
    other = [one for one in used if one.lower() != name.lower()]
    return (
        f"OpenBLAS takes its kernels for {other[0]} instead" if other else ""
    )


def cores():
    """The kernels that the OpenBLAS of NumPy and that of SciPy use."""
    found = []
    for package in ("numpy", "scipy"):
        spec = importlib.util.find_spec(package)
        if spec is None:
            continue
        __import__(f"{package}.linalg")
        site = Path(spec.origin).parent
        for library in sorted(
            (site.parent / f"{package}.libs").glob("*openblas*")
        ):
            handle = ctypes.CDLL(str(library))
            for prefix in ("scipy_", ""):
                for suffix in ("64_", "_64", ""):
                    function = getattr(
                        handle, f"{prefix}openblas_get_corename{suffix}", None
                    )
                    if function is not None:
                        function.restype = ctypes.c_char_p
                        found.append(function().decode("ascii"))
    return found


def _numpy_groups():
    """NumPy's names for the instructions of AVX-512, and for those of AVX2."""
    try:
        from numpy._core._multiarray_umath import __cpu_dispatch__ as names
    except ImportError:  # an older NumPy
        from numpy.core._multiarray_umath import __cpu_dispatch__ as names
    wide = [
        name for name in names if name == "X86_V4" or name.startswith("AVX512")
    ]
    return wide, [name for name in names if name in ("X86_V3", "AVX2", "FMA3")]


def _missing_numpy(what, groups):
    try:
        from numpy._core._multiarray_umath import __cpu_features__ as has
    except ImportError:
        from numpy.core._multiarray_umath import __cpu_features__ as has
    if not groups:
        return f"this NumPy has no {what} code"
    # conftest.py may have switched them off in this process: ask the processor
    flags = _flags() or set()
    if what == "AVX-512" and "avx512f" not in flags:
        return "the processor lacks avx512f"
    if what == "AVX2" and "avx2" not in flags and not has.get("AVX2"):
        return "the processor lacks avx2, so the run as pinned is without it"
    return ""


def environment(factor, home):
    """The variables with which a notebook's runner starts."""
    variables = dict(ENVIRONMENT)
    variables.pop("RNN_LIT_KEEP_ENV", None)
    if factor.home:
        for name in OUTSIDE:
            variables.pop(name, None)
        variables["HOME"] = (
            "/dev/null/x" if factor.home == "unwritable" else str(home)
        )
    if factor.home == "hostile":
        variables["PYTHONSTARTUP"] = str(home / "startup.py")
        for name, text in HOSTILE.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if factor.variables:
        # what the user has of the others is pinned all the same
        for name in VARIED:
            variables.pop(name, None)
        variables |= factor.variables
        variables["RNN_LIT_KEEP_ENV"] = "1"
    return variables


def observe(path, answer):
    """Run one notebook; write what differs and what was rounded."""
    import run  # settles and pins what the kernel inherits

    run.surroundings.prepare()

    notebook = nbformat.read(path, as_version=4)
    stored = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and cell.source.strip()
        and not run.skipped(cell)
        and "nbval-skip" not in cell.metadata.get("tags", [])  # translated
    ]
    before = [
        (cell.get("outputs", []), cell.metadata.get("tags", []))
        for cell in stored
    ]
    numbers = [i for i, cell in enumerate(notebook.cells, 1) if cell in stored]
    record = answer.with_suffix(".figures")
    notebook.cells.insert(0, new_code_cell(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
            f"import recorder; "
        f"sys.path.pop(0); recorder.start({str(record)!r}); del recorder, sys"
    ))  # fmt: skip
    client = NotebookClient(
        notebook,
        km=run.AsyncKernelManager(
            kernel_name="python3", kernel_spec_manager=run.ThisPython()
        ),
        timeout=CELL_SECONDS,
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    failure = ""
    try:
        client.execute()
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        failure = str(error).splitlines()[0]
    first, *_ = notebook.cells
    failure = failure or " ".join(_readable(first.outputs))
    changed = {}
    for number, cell, (outputs, tags) in zip(
        numbers, stored, before, strict=True
    ):
        raised = any(output.output_type == "error" for output in cell.outputs)
        compared = IGNORED not in tags or (
            raised and "raises-exception" not in tags
        )
        if compared and _compared(cell.outputs) != _compared(outputs):
            changed[number] = [_readable(outputs), _readable(cell.outputs)]
    ignored = {
        n
        for n, (_, tags) in zip(numbers, before, strict=True)
        if IGNORED in tags
    }
    lines = (
        record.read_text(encoding="utf-8").splitlines()
        if record.exists()
        else []
    )
    figures = []
    shown = ["\n".join(_readable(cell.outputs)) for cell in stored]
    for cell, *figure, text in map(json.loads, lines):
        # cells count from the one after that which starts the recording
        known = 1 <= cell <= len(numbers) and numbers[cell - 1] not in ignored
        if known and (text is None or text in shown[cell - 1]):
            figures.append([numbers[cell - 1], *figure])
    result = {"changed": changed, "figures": figures, "failure": failure}
    answer.write_text(json.dumps(result), encoding="utf-8")


def _compared(outputs):
    """What nbval compares: not the remarks on stderr, which conftest.py drops."""
    return comparable([o for o in outputs if o.get("name") != "stderr"])


def _readable(outputs):
    """An output's text by lines."""
    lines = []
    for output in outputs:
        data = output.get("data", {})
        kind = next(
            (k for k in ("text/markdown", "text/plain", *data) if k in data),
            None,
        )
        text = output.get("text") or (data[kind] if kind else "")
        if output.output_type == "error":
            text = f"{output.ename}: {output.evalue}"
        if output.get("name") == "stderr":
            text = f"on stderr: {text}"
        lines += str(text).splitlines()
    return lines


class Runs(NamedTuple):
    """What all runs showed, by notebook and factor."""

    changed: (
        dict  # (notebook, cell's number): {factor: (stored lines, new lines)}
    )
    figures: dict  # (notebook, cell, place, time): [(value, distance), …]
    failures: list  # (notebook, factor, reason)


def perturb(paths, chosen, root, say=print):
    """Run each notebook as pinned and with each factor; returns Runs."""
    runs = Runs({}, {}, [])
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="perturb-") as folder:
        for load in (False, True):
            workers = WORKERS * (LOAD if load else 1)
            with ThreadPoolExecutor(workers) as pool:
                jobs = {
                    factor.name: {
                        path: pool.submit(_one, path, factor, Path(folder))
                        for path in paths
                    }
                    for factor in (PINNED, *chosen)
                    if factor.load == load
                }
                try:
                    for factor, of in jobs.items():
                        for path in paths:
                            name = path.relative_to(root).as_posix()
                            _take_in(runs, name, factor, of[path].result())
                        changed = runs.changed.values()
                        count = sum(factor in by for by in changed)
                        took = time.perf_counter() - begun
                        say(
                            f"{factor:16} after {took:5.0f} s, "
                            f"{count} cells changed",
                            flush=True,
                        )
                except KeyboardInterrupt:
                    pool.shutdown(cancel_futures=True)
                    raise
    return runs


def _one(path, factor, folder):
    """One notebook in a process, with a home if the factor asks for one."""
    place = Path(tempfile.mkdtemp(dir=folder))
    home = place / "home"
    home.mkdir()
    answer = place / "answer.json"
    try:
        ended = subprocess.run(
            [sys.executable, __file__, "--observe", str(path), str(answer)],
            env=environment(factor, home),
            capture_output=True,
            text=True,
            errors="replace",
        )
        if not answer.exists():
            last = (
                ended.stderr.strip().splitlines()
                or [f"code {ended.returncode}"]
            )[-1]
            return {
                "changed": {},
                "figures": [],
                "failure": f"it did not run: {last}",
            }
        return json.loads(answer.read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _take_in(runs, name, factor, result):
    for number, pair in result["changed"].items():
        runs.changed.setdefault((name, int(number)), {})[factor] = tuple(
            map(tuple, pair)
        )
    for number, place, time_, value, distance in result["figures"]:
        runs.figures.setdefault((name, number, place, time_), []).append(
            (value, distance)
        )
    if result["failure"]:
        runs.failures.append((name, factor, result["failure"]))


def at_edges(figures):
    """The figures nearer to an edge than SPREADS times their spread."""
    near = {}
    for key, seen in figures.items():
        values = [value for value, _ in seen]
        spread = max(values) - min(values)
        if min(distance for _, distance in seen) < SPREADS * spread:
            near[key] = (min(values), max(values))
    return near


def report(runs, say=print):
    """Print both lists; returns the number of entries."""
    say(f"\n{len(runs.changed)} cells change")
    for (name, number), by_factor in sorted(runs.changed.items()):
        alike = {}
        for factor, pair in by_factor.items():
            alike.setdefault(pair, []).append(factor)
        for (old, new), names in alike.items():
            say(f"{name}, cell {number}: {', '.join(names)}")
            lines = [
                line
                for line in difflib.unified_diff(old, new, lineterm="", n=0)
                if not line.startswith(("---", "+++", "@@"))
            ]
            for line in lines[:SHOWN]:
                say(f"    {line}")
    near = at_edges(runs.figures)
    cells = {}
    for (name, number, place, _), values in near.items():
        cells.setdefault((name, number), []).append((place, values))
    say(
        f"\n{len(near)} figures of {len(runs.figures)} "
        "near an edge of their rounding"
    )
    for (name, number), found in sorted(cells.items()):
        say(f"{name}, cell {number}: {len(found)}")
        for place, (low, high) in found[:SHOWN]:
            say(f"    {place}: from {low:.17g} to {high:.17g}")
    for name, factor, reason in runs.failures:
        say(f"{name} with {factor}: {reason}")
    return len(runs.changed) + len(near) + len(runs.failures)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK")
    parser.add_argument(
        "--factors", default="", help="names, with spaces or commas between"
    )
    parser.add_argument(
        "--list", action="store_true", help="name the factors and run nothing"
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the project's folder"
    )
    parser.add_argument(
        "--observe", nargs=2, type=Path, help=argparse.SUPPRESS
    )
    parser.add_argument("--core", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.core:
        print(*cores())
        return 0
    if options.observe:
        observe(*options.observe)
        return 0
    root = options.root.resolve()
    paths = [Path(name).resolve() for name in options.notebooks] or notebooks(
        root
    )
    known = {factor.name: factor for factor in factors()}
    names = options.factors.replace(",", " ").split()
    try:
        for name in names:
            if name not in known:
                raise BookError(f"no factor {name}, only {', '.join(known)}")
        for path in paths:
            if (
                path.suffix != ".ipynb"
                or not path.is_file()
                or root not in path.parents
            ):
                raise BookError(f"{path} is not a notebook of this book")
        if tangle.differences(root):
            raise BookError(
                "the package is not what the chapters say: run `make tangle`"
            )
    except BookError as error:
        print(f"perturb: {error}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in names] or list(known.values())
    for factor in chosen:
        if factor.missing:
            print(f"{factor.name} is left out: {factor.missing}")
    if options.list:
        print(
            "\n".join(factor.name for factor in chosen if not factor.missing)
        )
        return 0
    runs = perturb(
        paths, [factor for factor in chosen if not factor.missing], root
    )
    return 1 if report(runs) else 0


if __name__ == "__main__":
    sys.exit(main())
