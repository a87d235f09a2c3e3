"""Pytest in this process, and what each test comes to, for `mutants_package`."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import mutants


class Session:
    """Pytest in this process: `work` is given the collected tests and runs what it wants."""

    def __init__(self, folder, work):
        self.folder, self.work, self.failed, self.skipped = folder, work, "", False

    def start(self, files):
        import pytest

        options = ["-q", "-s", "-p", "no:cacheprovider", "-o", "addopts="]
        options += [f"--rootdir={self.folder}", "-c", str(self.folder / "pyproject.toml")]
        paths = [str(self.folder / "tests" / f"test_{name}.py") for name in files]
        return pytest.main([*options, *paths], plugins=[self])

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            return None  # an import has failed: pytest says so
        self.work(self, session.items)
        return True

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or (str(report.longrepr)[-600:] if report.failed else "")
        self.skipped = self.skipped or report.skipped

    def first_failure(self, items, begin=lambda item: None):
        """Run tests up to the first that fails; its name, or None."""
        for item, following in zip(items, [*items[1:], None], strict=True):
            begin(item)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return item.nodeid
        return None


def settle(folder):
    """Import the package and the tests from the private copy, and work there."""
    os.chdir(folder)
    sys.path.insert(0, str(folder / "src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "rnn_lit"]:
        del sys.modules[name]
    with contextlib.suppress(ImportError):
        import hypothesis

        registered = hypothesis.settings.register_profile
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # a failure is enough

        def register(name, *parent, **options):
            registered(name, *parent, **(options | {"phases": phases}))

        type.__setattr__(hypothesis.settings, "register_profile", staticmethod(register))


def warm():
    """Let Numba read its machine code once, for all forks."""
    with contextlib.suppress(ImportError):
        import numpy as np

        from rnn_lit import compiled, initialise

        parameters, x = initialise(2, 2, 1, np.random.default_rng(0)), np.zeros((3, 2))
        states = compiled.forward(parameters, x)
        compiled.backward(parameters, x, states, np.zeros((3, 1)))


def preload():
    """What the tests import apart from the package and themselves."""
    mutants.preload()
    for name in ("pytest", "coverage", "hypothesis", "pandas", "scipy.optimize", "mpmath",
                 "numba", "statsmodels.api"):  # fmt: skip
        with contextlib.suppress(ImportError):
            __import__(name)


def measured(folder, module: str, names: list[str]) -> dict[str, dict]:
    """Of test files: each test's seconds, the lines it comes to, and whether it passes.

    The cases of a test run in a fork of their own, so that they do not profit from what another
    test has computed, and each of them counts as coming to what any of them comes to. What is
    measured is kept, and holds for a module as long as that does not change.
    """
    found, sources = {}, folder.hashes_of_modules()
    for name in names:
        path = folder.kept / f"{name}-{folder.hash_of_file(name)}.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if known.get("modules", {}).get(module) != sources[module]:
            known = {"modules": sources, "tests": {}}
            work = lambda name, tell: _measure(folder, name, tell)  # noqa: E731
            for test, one in mutants.forked([name], 1, work):
                if isinstance(one, dict):
                    known["tests"][test] = one
            if not known["tests"]:
                raise RuntimeError(f"no test of tests/test_{name}.py could be run")
            write(path, known)
        found |= known["tests"]
    return found


def _measure(folder, name, tell):
    settle(folder.path)
    warm()

    def work(_, items):
        for result in mutants.forked(cases(items), folder.workers, _cases):
            if isinstance(result[1], dict):  # and not given up
                tell(result)

    def _cases(items, tell):
        import coverage

        package, seen, found = str(folder.path / "src" / "rnn_lit" / "*.py"), {}, {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            session.failed, session.skipped = "", False
            watch = coverage.Coverage(data_file=None, config_file=False, include=[package])
            watch.start()
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds = time.process_time() - began
            watch.stop()
            data = watch.get_data()
            for file in data.measured_files():
                seen.setdefault(Path(file).stem, set()).update(data.lines(file))
            passes = not session.failed and not session.skipped
            found[item.nodeid] = {"seconds": seconds, "passes": passes, "failure": session.failed}
        lines = {name: sorted(of_it) for name, of_it in seen.items()}
        for test, one in found.items():
            tell((test, one | {"lines": lines}))

    session = Session(folder.path, work)
    session.start([name])


def cases(items):
    """The cases of each test, at most sixteen together."""
    tests = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [some[i : i + 16] for some in tests.values() for i in range(0, len(some), 16)]


def write(path, content):
    """At once, so that an interrupted run leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(path)
