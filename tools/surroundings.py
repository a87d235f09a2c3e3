"""Run a command apart from the user's settings: python -I tools/surroundings.py COMMAND [ARG …]

A machine holds settings for other projects: variables, start-up files, styles. None may change what
the project's commands do, and nothing may be written beside them. So a command is given a folder of
the project's own as its home, and the variables below are taken away. `--pip` before the command
leaves the home, and of pip's settings those that say where packages come from.

Standard library only, and run with -I: it is what makes Python safe to start.
"""

import ast
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "_build" / "home"

#: Variables that begin so are taken away.
DROPPED = (
    "CDPATH",  # `cd tools` would go to another project's tools
    "GIT_",  # set inside a hook, they name the repository that git is to change
    "PYTHON",  # other modules, warnings as errors, no assertions, start-up code
    "PYTEST_",  # other plugins and options
    "PIP_",  # elsewhere, or nothing at all, would be installed
    "MPL", "MATPLOTLIB", "IPYTHON", "JUPYTER", "XDG_CONFIG", "XDG_CACHE", "XDG_DATA", "XDG_STATE",
    # the last row: where settings are looked for apart from the home
)  # fmt: skip
#: But not these: they change no result. PYTHON is the Makefile's, the seed is for conftest.py to
#: pin, the last three are how pytest-xdist tells its processes apart.
KEPT = (
    "PYTHON", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
    "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID",
)  # fmt: skip
#: What pip may be told by the user: where packages come from and how to reach it. Everything else
#: says where to put them (target, prefix, root, user), whether (dry-run, no-deps) or which
#: (constraint, no-binary, pre), and that is for the lock and the project to say.
PIP = (
    "index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "cert", "client-cert",
    "proxy", "timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir",
    "keyring-provider", "use-feature", "use-deprecated",
)  # fmt: skip


def surroundings(environ, home=None):
    """The variables for a command: those of `environ` without the user's settings.

    With a `home`, programs look there for settings and write their caches there.
    """
    found = {k: v for k, v in environ.items() if k in KEPT or not k.startswith(DROPPED)}
    found["PYTHONUTF8"] = "1"  # files are read alike in every locale
    # git: no hooks, signatures or templates of the user's either.
    found |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    if home is not None:
        found |= {
            "HOME": str(home),
            "MPLCONFIGDIR": str(home / "matplotlib"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
            "JUPYTER_DATA_DIR": str(home / "jupyter"),
        }
    return found


def own_home():
    """The home in _build, or None in a checkout that may only be read."""
    try:
        HOME.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return HOME if os.access(HOME, os.W_OK) else None


def passing_home():
    """A home for this run and the processes that it starts."""
    folder = os.environ.get("RNN_LIT_HOME", "")
    if not os.access(folder, os.W_OK):
        folder = os.environ["RNN_LIT_HOME"] = tempfile.mkdtemp(prefix="rnn_lit-home-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def settle():
    """Give this process, and so the kernels that it starts, the project's surroundings."""
    found = surroundings(os.environ, own_home() or passing_home())
    for name in set(os.environ) - set(found):
        del os.environ[name]
    os.environ.update(found)


def prepare():
    """Build matplotlib's font cache, once: the first import in a kernel would tell of it."""
    folder = Path(os.environ["MPLCONFIGDIR"])
    if not list(folder.glob("fontlist-*.json")):
        folder.mkdir(parents=True, exist_ok=True)
        build = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(build, capture_output=True, check=False)


def git(*arguments, folder=ROOT):
    """What git answers in `folder`, bytes: a CompletedProcess, or None where there is no git."""
    # A checkout of another user's (a container's volume) may be read: its code is being run.
    command = ["git", "-c", "safe.directory=*", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, env=surroundings(os.environ), capture_output=True, check=False
        )
    except FileNotFoundError:
        return None


def pip_settings(python):
    """The user's settings of pip that are kept (see PIP), from its files and variables."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_PYTHON"))}
    told = subprocess.run(
        [*python, "-m", "pip", "config", "list"],
        env=variables | {"PIP_QUIET": "0", "PIP_VERBOSE": "0"},  # or it may list nothing
        capture_output=True, encoding="utf-8", errors="replace", check=True,
    ).stdout  # fmt: skip
    values = {}
    for section in ("global", "install", ":env:"):  # the later wins, as with pip
        for name, value in re.findall(rf"^{section}\.([\w-]+)=(.+)$", told, re.M):
            if name in PIP:
                values["PIP_" + name.upper().replace("-", "_")] = ast.literal_eval(value)
    return values | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def main(command):
    try:
        if command[0] == "--pip":
            command = command[1:]
            variables = surroundings(os.environ) | pip_settings(command[:1])
        else:
            variables = surroundings(os.environ, own_home())
        if os.name == "nt":  # there exec returns at once
            return subprocess.call(command, env=variables)
        os.execvpe(command[0], command, variables)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{command[0]}: {getattr(error, 'stderr', None) or error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
