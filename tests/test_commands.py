"""The commands on machines that were set up for other projects, with a pip that installs nothing.

`make hostile` does the same with the real pip, and takes half an hour.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import surroundings
from tiny import cell, save

ROOT = Path(__file__).resolve().parents[1]
#: What patterns, shells, URLs and the locale of C treat as special.
PLACE = "a [x] 'y' \"z\" đ 100%"
posix = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make")

# Of the real pip: where it puts things by its settings, and how it lists them.
PIP = """
import json, os, sys
from configparser import RawConfigParser
from pathlib import Path
here = Path(__file__).resolve().parents[1]
config = RawConfigParser()
config.read(os.environ.get("PIP_CONFIG_FILE", []))
files = {f"{s}.{k}": v for s in config.sections() for k, v in config[s].items()}
told = {k[4:].lower().replace("_", "-"): v for k, v in os.environ.items() if k[:4] == "PIP_"}
if sys.argv[1:] == ["config", "list"]:
    for name, value in [*((f":env:.{k}", v) for k, v in told.items()), *files.items()]:
        print(f"{name}={value!r}")
    sys.exit()
found = {name.partition(".")[2]: value for name, value in files.items()} | told
Path(sys.prefix, "settings.json").write_text(json.dumps(found))
if found.get("user") in ("1", "true"):
    sys.exit("Can not perform a '--user' install.")
if not {"target", "prefix", "root"} & set(found) and found.get("dry-run") not in ("1", "true"):
    # In ASCII, since a .pth is read in the locale's encoding and the folder may have any name.
    (here / "locked.pth").write_text("import sys; sys.path.append(" + ascii(PACKAGES) + ")")
"""

# A Python whose environments have that pip. It is called as venv.sh calls it.
PYTHON = """#!/bin/sh
if [ "$*" = "-m venv --clear .venv" ]; then
    {python} -m venv --without-pip --clear .venv
    for packages in .venv/lib/python3.*/site-packages; do cp -R {here}/pip "$packages"; done
else
    exec {python} "$@"
fi
"""


@pytest.fixture
def stub(tmp_path):
    """The path of that Python."""
    here = tmp_path / "stub"
    (here / "pip").mkdir(parents=True)
    (here / "pip" / "__init__.py").touch()
    packages = sysconfig.get_path("purelib")
    (here / "pip" / "__main__.py").write_text(PIP.replace("PACKAGES", repr(packages)), "utf-8")
    python = here / "python3"
    quoted = {"python": shlex.quote(sys.executable), "here": shlex.quote(str(here))}
    python.write_text(PYTHON.format(**quoted), "utf-8")
    python.chmod(0o755)
    return python


@pytest.fixture
def checkout(tmp_path):
    """The project without its chapters, in an awkward place."""
    folder = tmp_path / PLACE
    for name in ("tools", ".ci", "src", "tests/browser", ".github"):
        unwanted = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    for name in ("Makefile", "requirements.txt", "pyproject.toml", "conftest.py", "nbval.cfg"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def other(tmp_path):
    """Another project, with folders of the same names, and what is in it."""
    folder = tmp_path / "other"
    for name in ("tools", ".venv", ".ci", "tests/browser"):
        (folder / name).mkdir(parents=True)
        (folder / name / "kept").write_text("kept")
    return folder


def contents(folder):
    return {p: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def sh(folder, *command, **plant):
    """Run a command in a folder, in the present environment with the plant."""
    # What `make test` tells its own makes would make these say where they are.
    away = "MAKEFLAGS", "MAKELEVEL", "MFLAGS"
    ours = {name: value for name, value in os.environ.items() if name not in away}
    return subprocess.run(
        command, cwd=folder, env={**ours, **plant}, capture_output=True, encoding="utf-8"
    )


def make_venv(folder, stub, **plant):
    done = sh(folder, "make", "venv", PYTHON=str(stub), **plant)
    return done.returncode, done.stdout + done.stderr


def imported(folder, **plant):
    """Where the environment finds the package, relative to the checkout."""
    script = "import numpy, rnn_lit; print(rnn_lit.__file__)"
    done = sh(folder / "src", folder / ".venv/bin/python", "-I", "-c", script, **plant)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()).relative_to(folder).as_posix()


PLANTS = {
    "nothing": {},
    "settings of Python": {
        "PYTHONWARNINGS": "error",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "OTHER",
        "PYTHONSAFEPATH": "1",
        "PYTHONOPTIMIZE": "2",
    },
    "the locale of C": {"LC_ALL": "C"},
    "pip for the user": {"PIP_USER": "1", "PIP_CONFIG_FILE": "OTHER/pip.conf"},
    "pip elsewhere": {"PIP_TARGET": "OTHER", "PIP_DRY_RUN": "1"},
    "pip under a prefix, and CDPATH": {"PIP_PREFIX": "OTHER", "CDPATH": "OTHER"},
}


@posix
@pytest.mark.parametrize("name", PLANTS)
def test_the_environment_is_ready_whatever_the_machine_is_set_to(checkout, stub, other, name):
    (other / "numpy.py").write_text("raise RuntimeError('another numpy')")
    (other / "pip.conf").write_text("[install]\nuser = true\ntarget = elsewhere\ndry-run = true\n")
    plant = {k: v.replace("OTHER", str(other)) for k, v in PLANTS[name].items()}
    before = contents(other)
    code, told = make_venv(checkout, stub, **plant)
    assert code == 0, told
    assert imported(checkout, **plant if "LC_ALL" in plant else {}) == "src/rnn_lit/__init__.py"
    assert contents(other) == before


PROBE = """
import chapters, os, sys
print(__debug__, sys.warnoptions, os.environ["OTHER"] in sys.path, "another" in sys.modules)
print(sorted(k for k in os.environ if k.startswith(("GIT_DIR", "PIP_", "MATPLOTLIB", "CDPATH"))))
assert os.path.isdir(os.path.dirname(os.environ["MPLCONFIGDIR"])), "no home was made"
"""


@posix
def test_a_recipe_runs_python_apart_from_the_settings(checkout, stub, other):
    """A module beside the script is found, assertions hold, and nothing else comes in."""
    (checkout / "tools/probe.py").write_text(PROBE)
    with open(checkout / "Makefile", "a", encoding="utf-8") as makefile:
        makefile.write("\nprobe: $(READY)\n\t@$(PY) tools/probe.py\n")
    assert make_venv(checkout, stub)[0] == 0
    (other / "usercustomize.py").write_text("import another")
    (other / "another.py").write_text("")
    away = ("PYTHONPATH", "PYTHONUSERBASE", "OTHER", "PIP_TARGET", "MATPLOTLIBRC", "CDPATH")
    plant = {"PYTHONOPTIMIZE": "1", "PYTHONSAFEPATH": "1", "PYTHONWARNINGS": "error"}
    done = sh(checkout, "make", "probe", **dict.fromkeys(away, str(other)), **plant)
    assert done.stdout.splitlines() == ["True [] False False", "[]"], done.stdout + done.stderr


@posix
def test_pip_still_learns_where_packages_come_from(checkout, stub, tmp_path):
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://mirror.example/a\nretries = 7\nuser = true\n")
    plant = {"PIP_CONFIG_FILE": str(config), "PIP_CERT": "/a b/ca.pem", "PIP_RETRIES": "9"}
    code, told = make_venv(checkout, stub, **plant, PIP_QUIET="3", PIP_CONSTRAINT="c.txt")
    assert code == 0, told
    settings = json.loads((checkout / ".venv" / "settings.json").read_text())
    settings.pop("disable-pip-version-check"), settings.pop("config-file")
    wanted = {"index-url": "https://mirror.example/a", "cert": "/a b/ca.pem", "retries": "9"}
    assert settings == wanted


@posix
def test_a_ready_environment_is_left_alone_and_a_broken_one_is_mended(checkout, stub):
    assert make_venv(checkout, stub)[0] == 0
    mark = checkout / ".venv" / ".installed"
    made = mark.stat().st_mtime_ns
    code, told = make_venv(checkout, stub)
    assert code == 0 and len(told.splitlines()) == 1, told
    assert mark.stat().st_mtime_ns == made
    (locked,) = (checkout / ".venv").rglob("locked.pth")
    locked.unlink()
    code, told = make_venv(checkout, stub)
    assert code == 0 and "does not work" in told, told
    assert imported(checkout)
    half = locked.parent / "numpy"  # what an interrupted pip can leave: found first, and empty
    half.mkdir()
    (half / "__init__.py").touch()
    code, told = make_venv(checkout, stub)
    assert code == 0 and "does not work" in told and not half.exists(), told
    (link,) = (checkout / ".venv").rglob("rnn_lit.pth")
    link.unlink()
    (link.parent / "__editable__.rnn_lit-0.1.0.pth").write_text(str(ROOT / "src"))
    assert make_venv(checkout, stub)[0] == 0
    assert imported(checkout) == "src/rnn_lit/__init__.py"


@posix
def test_an_installation_that_brings_nothing_is_not_called_ready(checkout, stub):
    silent = stub.parent / "pip" / "__main__.py"
    silent.write_text("")
    for _ in range(2):
        code, told = make_venv(checkout, stub)
        assert code and "does not work" in told and "is ready" not in told, told
    assert not (checkout / ".venv" / ".installed").exists()


SCRIPTS = ("tools/venv.sh", "tools/lock.sh", "tools/lint_workflows.sh", ".ci/run",
           "tests/browser/run.sh")  # fmt: skip


@posix
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_works_in_its_own_checkout(checkout, other, tmp_path, script):
    """Called by its relative name, with the other project on CDPATH, it does nothing there."""
    programs = tmp_path / "programs"
    programs.mkdir()
    places = tmp_path / "places"
    tell = f'#!/bin/sh\npwd >>"{places}"\n'
    for path in (
        *(programs / name for name in ("make", "check-jsonschema", "zizmor", "node", "npm")),
        checkout / ".venv/bin/python",
        checkout / ".tooling/bin/uv",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tell)
        path.chmod(0o755)
    for name in ("_build/html", "tests/browser/node_modules"):
        (checkout / name).mkdir(parents=True)
    before = contents(other)
    plant = {"CDPATH": str(other), "CHROMIUM": "/bin/sh"}
    plant["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    shell = "bash" if script == ".ci/run" else "sh"
    done = sh(checkout, shell, script, "_build/html", **plant)
    assert done.returncode == 0, done.stderr
    inside = checkout / "tests/browser" if "browser" in script else checkout
    assert set(places.read_text("utf-8").splitlines()) == {str(inside)}
    assert contents(other) == before


def test_no_other_script_goes_anywhere():
    scripts = [*ROOT.glob("tools/*.sh"), *ROOT.glob("tests/**/*.sh"), ROOT / ".ci/run"]
    found = {p.relative_to(ROOT).as_posix(): p.read_text("utf-8") for p in scripts
             if "node_modules" not in p.parts}  # fmt: skip
    moving = {name for name, text in found.items() if re.search(r"\bcd ", text)}
    assert moving == set(SCRIPTS)
    assert all(re.search(r"^unset CDPATH$", found[name], re.M) for name in moving)
    assert "\nunexport CDPATH\n" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_changes_and_reads_the_folder_it_is_given(tmp_path, monkeypatch):
    """Inside a hook, git exports the repository that it works on."""
    run = pytest.importorskip("run")
    for name in ("sentinel", "scratch"):
        (tmp_path / name).mkdir()
        assert surroundings.git("init", folder=tmp_path / name).returncode == 0
    sentinel = tmp_path / "sentinel"
    notebook = save(tmp_path / "scratch/one.ipynb", cell("1"))
    before = contents(sentinel)
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(sentinel / ".git"))
        hook.setenv("GIT_WORK_TREE", str(sentinel))
        hook.setenv("GIT_INDEX_FILE", str(sentinel / ".git/index"))
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        for step in (["init"], ["add", "."], [*identity, "commit", "-m", "one"]):
            surroundings.git(*step, folder=notebook.parent).check_returncode()
        assert run._committed(notebook, notebook.parent).cells[1].source == "1"
    assert contents(sentinel) == before
    monkeypatch.setenv("PATH", str(tmp_path))
    assert surroundings.git("status", folder=tmp_path) is None


def test_git_is_called_in_one_place():
    calls = [
        path.name
        for folder in ("tools", "tests", "benchmarks", "_ext")
        for path in (ROOT / folder).glob("*.py")
        if re.search(r"""\[\s*["']git["'],""", path.read_text("utf-8"))
    ]
    assert calls == ["surroundings.py"]


FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


@pytest.fixture
def hostile_home(tmp_path):
    """Settings that change or stop what a kernel does."""
    home = tmp_path / "home"
    startup = home / ".ipython/profile_default/startup"
    for folder in (home / ".config/matplotlib", startup, home / ".jupyter"):
        folder.mkdir(parents=True)
    style = "text.usetex: True\nfont.family: Absent\ntoolbar: toolmanager\nbackend: nowhere\n"
    (home / ".config/matplotlib/matplotlibrc").write_text(style)
    (startup / "0.py").write_text("print('a start-up file')\nraise RuntimeError('start-up')")
    profile = "c.InlineBackend.figure_formats = {'svg'}\nc.InteractiveShell.colors = 'bad'\n"
    (startup.parent / "ipython_config.py").write_text(profile)
    (home / "startup.py").write_text("raise RuntimeError('PYTHONSTARTUP')")
    return home


def test_notebooks_are_compared_as_ever_under_a_hostile_home(checkout, hostile_home):
    """A planted remark on stderr fails nothing, another stdout does; the home stays as it is."""
    run = pytest.importorskip("run")
    book = checkout / "book"
    book.mkdir()
    ways = "import os, sys\nprint(len([k for k in os.environ if k.startswith('GIT_DIR')]))"
    good = save(book / "good.ipynb", cell(ways), cell("1\n2"), cell(FIGURE))
    run.execute(good, checkout)
    remark = "import sys\nprint('building a cache', file=sys.stderr)\n"
    text = json.loads(good.read_text("utf-8"))
    text["cells"][1]["source"] = remark + ways
    good.write_text(json.dumps(text), "utf-8")
    text["cells"][2]["source"] = "1\n3"
    (book / "bad.ipynb").write_text(json.dumps(text), "utf-8")
    before = contents(hostile_home)
    plant = {
        "HOME": str(hostile_home),
        "MATPLOTLIBRC": str(hostile_home / ".config/matplotlib/matplotlibrc"),
        "MPLCONFIGDIR": str(hostile_home / ".config/matplotlib"),
        "IPYTHONDIR": str(hostile_home / ".ipython"),
        "PYTHONSTARTUP": str(hostile_home / "startup.py"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "GIT_DIR": "/nowhere",
    }
    options = ["-n", "0", "-q", "-p", "no:cacheprovider", "--nbval", "book"]
    done = sh(checkout, sys.executable, "-m", "pytest", *options, **plant)
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"FAILED book/bad.ipynb::Cell 1", done.stdout), done.stdout
    assert contents(hostile_home) == before
    done = sh(checkout, sys.executable, "-O", "-m", "pytest", "-q", "tests")
    assert done.returncode and "without assertions" in done.stderr, done.stderr


def test_the_patterns_of_nbval_are_ascii_and_know_every_unit():
    text = (ROOT / "nbval.cfg").read_bytes().decode("ascii")
    (pattern,) = re.findall(r"^regex: (took .*)$", text, re.M)
    for told in ("took 3 s", "took 1.25 ms", "took 7 µs", "took 7.5ns"):
        assert re.sub(pattern, "took TIME", told) == "took TIME"
    assert re.sub(pattern, "took TIME", "took 3 steps") == "took 3 steps"
