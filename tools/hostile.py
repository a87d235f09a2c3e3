"""The commands on machines that break other projects: python tools/hostile.py [NAME …]

Each plant sets up one such machine and runs a command of the project there, the
smallest that would show the harm, in a throwaway clone of what is committed. It
passes if the command does what it does elsewhere and if what lies beside the
clone is as it was. Half an hour on two cores; with names, only the plants whose
names hold one of them. `make test` tries most of it with a stub of pip:
tests/test_commands.py.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import surroundings

#: What patterns, shells and the locale of C treat as special.
AWKWARD = "a [x] 'y' \"z\" đ"
VENV = ("make", "venv")
BOOK = ("make", "book")
TEST = ("make", "test")
#: A chapter with pictures, and the tests that call git and start kernels and processes.
SOME = (*TEST, "TESTS=book/01-forward.ipynb tests/test_run.py tests/test_repository.py")
PACKAGE = "import numpy, rnn_lit; print(rnn_lit.__file__)"


class Plant(NamedTuple):
    """One machine. OTHER in a value stands for the folder beside the clone (see `beside`)."""

    name: str
    command: tuple[str, ...]
    variables: dict[str, str] = {}
    wanted: str = ""  # what the command prints
    fails: bool = False  # is it right to fail?
    folder: str = "clone"


HOSTILE_HOME = {
    "HOME": "OTHER/home",
    "MATPLOTLIBRC": "OTHER/home/.config/matplotlib/matplotlibrc",
    "PYTHONSTARTUP": "OTHER/home/startup.py",
    "IPYTHONDIR": "OTHER/home/.ipython",
    "JUPYTER_CONFIG_DIR": "OTHER/home/.jupyter",
}
GIT = {"GIT_DIR": "OTHER/.git", "GIT_WORK_TREE": "OTHER", "GIT_INDEX_FILE": "OTHER/.git/index"}

#: Those that make an environment of their own; two run at a time. A plant holds several settings,
#: as it takes minutes; each alone has its test with a stub of pip.
FRESH = (
    Plant("venv, settings of Python and another project on CDPATH", VENV,
          {"CDPATH": "OTHER", "PYTHONWARNINGS": "error", "PYTHONHOME": "/nowhere"}),
    Plant("venv, pip for the user, which says little and does nothing", VENV,
          {"PIP_USER": "1", "PIP_DRY_RUN": "1", "PIP_QUIET": "3", "XDG_CONFIG_HOME": "OTHER/xdg"}),
    Plant("venv, pip elsewhere, and other modules", VENV,
          {"PIP_TARGET": "OTHER/target", "PYTHONPATH": "OTHER", "PYTHONSAFEPATH": "1"}),
    Plant("venv, an awkward path, the locale of C, a prefix", VENV,
          {"LC_ALL": "C", "PIP_PREFIX": "OTHER/prefix"}, folder=AWKWARD),
)  # fmt: skip
#: Those that find the environment ready (`make hostile` sees to it that it is).
READY = (
    Plant("venv, numpy was deleted", VENV, wanted="does not work"),
    Plant("tangle, PYTHONSAFEPATH", ("make", "tangle"), {"PYTHONSAFEPATH": "1"}),
    Plant("test, GIT_DIR is another repository", SOME, GIT, "passed"),
    Plant("test, no git", SOME, {"PATH": "OTHER/programs"}, "git is not installed"),
    Plant("test, the whole in a hostile home", TEST, HOSTILE_HOME, "passed"),
    Plant("test, no home", SOME, {"HOME": "/dev/null/x"}, "passed"),
    Plant("test, warnings are errors, no plugins", SOME,
          {"PYTHONWARNINGS": "error", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, "passed"),
    Plant("test, no assertions, and a test that fails",
          (*TEST, "TESTS=tests/test_planted.py"), {"PYTHONOPTIMIZE": "1"}, "1 failed", fails=True),
    Plant("book, a hostile home", BOOK, HOSTILE_HOME),
    Plant("book, no home", BOOK, {"HOME": "/dev/null/x"}),
    Plant("book, an awkward path and the locale of C", BOOK, {"LC_ALL": "C"}, folder=AWKWARD),
    Plant("test, the whole in an awkward path, the locale of C", TEST, {"LC_ALL": "C"}, "passed",
          folder=AWKWARD),
)  # fmt: skip


def beside(folder):
    """Make what lies beside the clone: another project, and a home full of settings."""
    for name in ("tools", ".venv", "home/.config/matplotlib", "home/.jupyter", "xdg/pip",
                 "home/.ipython/profile_default/startup"):  # fmt: skip
        (folder / name).mkdir(parents=True)
    files = {
        "tools/kept": "", ".venv/kept": "", "numpy.py": "raise RuntimeError('another numpy')\n",
        "xdg/pip/pip.conf": "[install]\nuser = true\ntarget = elsewhere\nno-binary = :all:\n",
        "home/startup.py": "raise RuntimeError('PYTHONSTARTUP')\n",
        "home/.config/matplotlib/matplotlibrc":
            "text.usetex: True\nfont.family: Absent\ntoolbar: toolmanager\nbackend: nowhere\n",
        "home/.ipython/profile_default/startup/0.py": "print(1)\nraise RuntimeError('start-up')\n",
        "home/.ipython/profile_default/ipython_config.py":
            "c.InlineBackend.figure_formats = {'svg'}\n",
        "home/.jupyter/jupyter_config.py": "raise RuntimeError('jupyter')\n",
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for step in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        surroundings.git(*step, folder=folder).check_returncode()
    programs(folder / "programs")


def programs(folder):
    """All programs of the PATH but git's."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*") if place else ():
            if not program.name.startswith("git") and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)


def state(folder):
    """Every file of a folder: its bytes, or where a link leads."""
    return {
        path.relative_to(folder): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def link(source, copy):
    """The same file under a second name, or where that is not to be had, a copy."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def clone(folder, ready):
    """The committed project in `folder`, with the environment of this checkout if it is `ready`."""
    surroundings.git("clone", "-q", str(surroundings.ROOT), str(folder)).check_returncode()
    if ready:  # its path to src is relative, so that it may be copied
        environment = surroundings.ROOT / ".venv"
        shutil.copytree(environment, folder / ".venv", symlinks=True, copy_function=link)


def run(plant, base, ready):
    """Why the plant fails: a text, empty if it passes."""
    with tempfile.TemporaryDirectory(dir=base) as place:
        other, folder = Path(place, "other"), Path(place, plant.folder)
        beside(other)
        clone(folder, ready)
        if "deleted" in plant.name:
            for numpy in folder.glob(".venv/lib/*/site-packages/numpy/__init__.py"):
                numpy.unlink()
        if plant.fails:  # pytest keeps the assertions of a test, but not those of what it calls
            fails = 'def test_planted():\n    exec("assert False")\n'
            (folder / "tests/test_planted.py").write_text(fails, encoding="utf-8")
        before = state(other)
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        variables |= {k: v.replace("OTHER", str(other)) for k, v in plant.variables.items()}
        done = subprocess.run(
            plant.command, cwd=folder, env=variables, stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
        told = done.stdout + done.stderr
        if bool(done.returncode) != plant.fails or plant.wanted not in told:
            return f"{' '.join(plant.command)} answered {done.returncode}:\n{told[-3000:]}"
        if state(other) != before:
            return "it changed what lies beside the checkout"
        found = subprocess.run(
            [folder / ".venv/bin/python", "-I", "-c", PACKAGE],
            env=variables, capture_output=True, encoding="utf-8",
        )  # fmt: skip
        if not found.stdout.startswith(str(folder)):
            return f"the package is not found in the checkout: {found.stdout}{found.stderr}"
        return ""


def chosen(plants, names):
    return [p for p in plants if not names or any(name in p.name for name in names)]


def main(names):
    start = time.perf_counter()
    faults = {}
    with tempfile.TemporaryDirectory(prefix="rnn_lit-hostile-") as base:

        def tell(plant, fault):
            faults[plant.name] = fault
            took = (time.perf_counter() - start) / 60
            print(f"{took:4.1f} min  {'FAILED' if fault else 'passed'}  {plant.name}", flush=True)
            if fault:
                print(fault, flush=True)

        with ThreadPoolExecutor(2) as pool:
            plants = chosen(FRESH, names)
            for plant, fault in zip(plants, pool.map(lambda p: run(p, base, False), plants)):
                tell(plant, fault)
        for plant in chosen(READY, names):
            tell(plant, run(plant, base, True))
    failed = sum(map(bool, faults.values()))
    print(f"{len(faults) - failed} passed, {failed} failed")
    return 1 if failed or not faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
