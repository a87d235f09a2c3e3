"""One environment for every kernel: nbval's, tools/run.py's and the reader's own check.

Stored outputs can be compared letter by letter only if the same instructions produce them, so
the kernels that a library would choose by looking at the processor are chosen here instead. What
the user's settings would change, tools/surroundings.py takes away.
"""

import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
import surroundings  # noqa: E402

#: On x86-64 Linux the stored outputs are reproduced exactly; elsewhere they are not comparable.
EXACT = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")

PINNED = {
    "TQDM_DISABLE": "1",  # a progress bar writes its speed, which no two runs share
    "OPENBLAS_NUM_THREADS": "1",  # more threads add in another order
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # the order of a set of strings
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a debugger's remark about frozen modules
}
if EXACT:
    PINNED |= {
        "OPENBLAS_CORETYPE": "Haswell",  # AVX2 everywhere, also where AVX-512 is to be had
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    }

surroundings.settle()
# A trial on another processor's kernels may set these itself: RNN_LIT_KEEP_ENV=1 keeps them.
for name, value in PINNED.items():
    if not (os.environ.get("RNN_LIT_KEEP_ENV") and name in os.environ):
        os.environ[name] = value


def pytest_configure(config):
    """Where digits may differ, run every cell and every assertion, and compare nothing else."""
    if not __debug__:
        import pytest

        raise pytest.UsageError(
            "Python runs without assertions (-O or PYTHONOPTIMIZE), so nothing would be tested"
        )
    if not hasattr(config, "workerinput"):  # once, before pytest-xdist starts its processes
        surroundings.prepare()
    if config.getoption("nbval", False) and not EXACT:
        config.option.nbval = False
        config.option.nbval_lax = True


def pytest_collection_modifyitems(items):
    """Compare no cell's stderr: a library's remark on the machine is no result of the book.

    What a notebook stores is free of it, which tests/test_notebooks.py sees to.
    """
    for item in items:
        compared = getattr(item.parent, "skip_compare", None)  # nbval's, of a notebook
        if compared is not None and "stderr" not in compared:
            item.parent.skip_compare = (*compared, "stderr")


def pytest_report_header(config):
    """Say which comparison this run makes, so that a lax run is not mistaken for an exact one."""
    if config.getoption("nbval_lax", False):
        return (
            "notebooks: every cell runs and every assertion holds, but stored outputs are NOT "
            f"compared ({sys.platform} on {platform.machine()}; exact on x86-64 Linux only)"
        )
    if config.getoption("nbval", False):
        return "notebooks: every stored output is compared, except pictures"
    return None
