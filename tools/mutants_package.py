"""Do the tests notice when a function of the package is wrong? python tools/mutants.py --package

Every function of the modules in `TESTS` is changed, one thing at a time (`mutations`), and judged
by the test files that `TESTS` names beside its module. All happens in a private copy and in forks
of a process that has imported the tests: a fork exchanges the function's ``__code__``, so whoever
holds the function has the changed one, and runs those tests that come to the changed line: first
what has killed a mutant of this function before, then the fastest. A mutant is killed if a test
fails, takes ten times its time and five seconds, or the process dies; else it is alive. Where the
code alone does not carry the change (a definition of the module, a default, a decorator), the
fork imports the changed module itself, before any test.

Verdicts are kept in _build/mutants, and hold as long as the module does not change, nor the file
that killed, nor (of a survivor) any file of the module's tests. ``--sample K`` tries K mutants of
each module, drawn by ``--seed``, 0 by default; ``--quick S`` gives each mutant only so many of its
fastest tests as take S seconds together, and a later run without it tries the survivors on all.

What this does not see:

- changes that `mutations` does not make: signatures, defaults, decorators, the bodies of classes,
  refusals of bad input, f-strings, two faults at a time;
- what a test module computes from the package when it is imported, such as the values of a
  ``parametrize``: it is computed by the package as it is, unless a definition is changed;
- what a test looks at in another process that it starts, or in a source that it reads: these
  import and read the package as it is, so such a test kills nothing;
- that a test kills for the right reason: any failure counts, and so does a crash;
- that a surviving mutant is wrong: many a one is equivalent (mutants_signed.toml says which);
- the change of another module since a verdict was kept: remove _build/mutants to begin anew.
"""

import ast
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from itertools import accumulate
from pathlib import Path

import mutants
import mutations
from mutants_plant import Change, Changed, exchanged, plant
from mutants_session import Session, measured, preload, settle, warm, write

#: The test files of each module, in tests/ and without "test_" and ".py".
_NETWORK = ("model", "loss", "bptt", "torch_reference", "hostile_network")
_FORECASTER = ("forecast", "forecaster_line", "forecaster_intervals")
TESTS = {
    "activations": (*_NETWORK, "jacobians", "evidence"),
    "model": (*_NETWORK, "long", "evidence", "theorem", "assignment", "counting", "coq", "teeth"),
    "loss": (*_NETWORK, "evidence", "training"),
    "bptt": (*_NETWORK, "long", "evidence", "theorem", "properties"),
    "training": ("training", "clipping", "long", "hostile_network"),
    "gradients": ("jacobians", "long", "parallel", "hostile_network", "properties"),
    "equation": ("equation", "branches", "forecast", "forecaster_line", "hostile_input", "certify"),
    "forecast": (*_FORECASTER, "forecaster_settings", "forecaster_index", "forecaster_series",
                 "forecaster_interrupt", "forecaster_files", "horizon", "branches", "doctests"),
    "_search": ("forecaster_search", "forecast", "forecaster_interrupt", "hostile_input", "starts"),
    "_series": ("forecaster_series", "forecaster_index", "forecast", "branches"),
    "_line": (*_FORECASTER, "line"),
    "_rolling": (*_FORECASTER, "rolling"),
    "_law": (*_FORECASTER, "rolling"),
    "_backtest": (*_FORECASTER, "hostile_input", "properties"),
    "_settings": ("forecaster_settings", "forecast", "forecaster_files", "fuzz"),
    "_storage": ("forecaster_files", "forecaster_settings", "forecast"),
    "_arrays": (*_NETWORK, "clipping", "compiled", "horizon"),
}  # fmt: skip
LEFT_OUT = {
    "_numba": "Numba turns it into machine code once, which no exchanged code would reach; "
    "tests/test_compiled.py compares it with the plain functions",
    "compiled": "it hands over to that machine code, or to the plain functions",
    "__init__": "it only imports",
}
#: Files that import the package and judge none of these modules: they test other modules, or look
#: at the package in other processes, or at its names.
BESIDE = ("certify_cycle", "killed", "types", "face", "repository", "decide", "rivals",
          "pdf", "trial")

KEPT = Path("_build") / "mutants"
TIMES, SECONDS = 10, 5  # what a test may take: so many times its own time, and these
QUICK = "ALIVE (after"
NOT_COPIED = (".*", "_build", "build", "dist", "node_modules", "__pycache__", "*.egg-info")


def find(folder: Path, module: str) -> list[Change]:
    """Every mutant of a module of the package in a folder."""
    source = file_of(folder, module).read_text(encoding="utf-8")
    ends = {(name, unit.lineno, ast.unparse(unit)): unit.end_lineno
            for name, unit in mutations._units(source)}  # fmt: skip
    return [Change(module, v.name, v.line, ends[v[:3]], *v[2:])
            for v in mutations.variants(source) if v.name != "__all__"]  # fmt: skip


def file_of(folder, module):
    return folder / "src" / "rnn_lit" / f"{module}.py"


class Folder:
    """The private copy, and where verdicts are kept."""

    def __init__(self, root, path, workers, quick=None):
        self.path, self.workers, self.kept, self.quick = path, workers, root / KEPT, quick
        ignore = shutil.ignore_patterns(*NOT_COPIED)
        machine_code = sorted((root / "src" / "rnn_lit" / "__pycache__").glob("*.nb?"))
        for name in ("src", "tests", "tools", "book", "pyproject.toml", "conftest.py"):
            if (root / name).is_dir():
                shutil.copytree(root / name, path / name, ignore=ignore)
            elif (root / name).exists():
                shutil.copy(root / name, path / name)
        cache = path / "src" / "rnn_lit" / "__pycache__"
        cache.mkdir()
        for file in machine_code:  # Numba's, which would take a minute to make
            shutil.copy2(file, cache)

    def hash_of(self, *paths):
        return hashed(*(path.read_bytes() for path in paths))

    def hashes_of_modules(self):
        package = (self.path / "src" / "rnn_lit").glob("*.py")
        return {path.stem: self.hash_of(path) for path in package}

    def hash_of_file(self, name):
        return self.hash_of(self.path / "tests" / f"test_{name}.py")

    def verdicts(self, module):
        """Where a module's verdicts are kept."""
        return self.kept / self.hash_of(file_of(self.path, module)) / f"{module}.json"


def hashed(*parts):
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def file_name(test):
    """The name in `TESTS` of the file of a test."""
    return Path(test.partition("::")[0]).stem.removeprefix("test_")


def chosen(change: Change, tests: dict[str, dict], everywhere: bool) -> list[str]:
    """The tests that come to a change, fast ones first, and among them those that come to little.

    Slow ones of a file are beside each other, since they share what they wait for.
    """
    lines = set(range(change.line, change.end + 1))

    def comes(test):
        seen = test["lines"].get(change.module, [])
        return test["passes"] and (everywhere or not lines.isdisjoint(seen))

    def rank(name):
        seconds = tests[name]["seconds"]
        size = sum(map(len, tests[name]["lines"].values()))
        slow = sum(seconds > limit for limit in (0.5, 2, 10))
        return slow, file_name(name) if slow else "", size

    return sorted((name for name in tests if comes(tests[name])), key=rank)


def judged(folder, session, items, change, tests, tell):
    """In a process of its own: killed by the first test that fails or takes too long, or alive."""
    every = len(items)
    if folder.quick is not None:
        sums = list(accumulate(tests[item.nodeid]["seconds"] for item in items))
        items = items[: max(1, bisect_right(sums, folder.quick))]
    limits = [TIMES * tests[item.nodeid]["seconds"] + SECONDS for item in items]
    used, current = time.process_time(), []
    ending = int(used + sum(limits)) + 60  # for a loop that Python does not come out of
    resource.setrlimit(resource.RLIMIT_CPU, (ending, ending))

    def too_long(*_):
        tell((change, f"killed by {current[-1].nodeid} (time)"))
        os._exit(0)

    def begin(item):
        current.append(item)
        tell((change, ""))  # a sign of life
        signal.setitimer(signal.ITIMER_PROF, TIMES * tests[item.nodeid]["seconds"] + SECONDS)

    signal.signal(signal.SIGPROF, too_long)
    red = session.first_failure(items, begin)
    signal.setitimer(signal.ITIMER_PROF, 0)
    alive = "ALIVE" if len(items) == every else f"{QUICK} {len(items)} of {every} tests)"
    tell((change, f"killed by {red}" if red else alive))


def told(results):
    """The verdicts among what is told."""
    return (r for r in results if isinstance(r[0], Change) and r[1])


def by_code(folder, todo, tests, tell):
    """Judge the mutants whose code is exchanged: they share one import of the tests."""
    settle(folder.path)
    warm()
    module = todo[0].module
    path = str(file_of(folder.path, module))
    source = Path(path).read_text(encoding="utf-8")
    wanted = {change: chosen(change, tests, False) for change in todo}
    killers: dict[str, list[str]] = {}

    def work(session, items):
        named = {item.nodeid: item for item in items}

        def one(change, tell):
            first = killers.get(change.function, [])
            order = sorted(wanted[change], key=lambda n: first.index(n) if n in first else 1e6)
            plant(source, change, path)
            judged(folder, session, [named[name] for name in order], change, tests, tell)

        for change, verdict in told(mutants.forked(todo, folder.workers, one)):
            if (killer := verdict.removeprefix("killed by ").removesuffix(" (time)")) in named:
                known = killers.setdefault(change.function, [])
                known[:] = [killer, *(name for name in known if name != killer)][:8]
            tell((change, verdict))

    Session(folder.path, work).start(sorted({file_name(n) for ns in wanted.values() for n in ns}))


def by_import(folder, change, tests, tell):
    """Judge a mutant that is in place before the tests are imported."""
    sys.meta_path.insert(0, Changed(change, str(file_of(folder.path, change.module))))
    settle(folder.path)
    names = chosen(change, tests, True)

    def work(session, items):
        named = {item.nodeid: item for item in items}
        ordered = [named[name] for name in names if name in named]
        if len(ordered) < len(names):  # the cases of a test hang on what is changed
            tell((change, "killed by the collection"))
        else:
            judged(folder, session, ordered, change, tests, tell)

    if Session(folder.path, work).start(sorted(set(map(file_name, names)))):
        tell((change, "killed by the collection"))


def verdicts(folder, todo, tests):
    """(mutant, verdict) as they come."""
    source = file_of(folder.path, todo[0].module).read_text(encoding="utf-8")
    plain, whole = [], []
    for change in todo:
        by_itself = exchanged(source, change, "") is not None
        if chosen(change, tests, not by_itself):
            (plain if by_itself else whole).append(change)
        else:
            yield change, "ALIVE (no test comes to it)"
    died = dict.fromkeys([*plain, *whole], "killed (the process died)")
    if plain:
        runs = mutants.forked([plain], 1, lambda todo, tell: by_code(folder, todo, tests, tell))
        for change, verdict in told(runs):
            died.pop(change, None)
            yield change, verdict
    runs = mutants.forked(whole, folder.workers, lambda c, tell: by_import(folder, c, tests, tell))
    for change, verdict in told(runs):
        if died.pop(change, None):
            yield change, verdict
    yield from died.items()


class Kept:
    """The verdicts of a module that still hold."""

    def __init__(self, folder, module, names):
        self.path, self.folder = folder.verdicts(module), folder
        self.all = {name: folder.hash_of_file(name) for name in names}
        read = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        self.found = {key: one for key, one in read.items() if one[1] == self._guard(one[0])}
        self.since = time.monotonic()

    def _guard(self, verdict):
        """The hash of what a verdict hangs on, apart from the module."""
        if verdict.startswith("killed by tests"):
            return self.all.get(file_name(verdict.removeprefix("killed by ")))
        return hashed(*(value.encode() for value in self.all.values()))

    def settles(self, change):
        """Whether a mutant need not be tried."""
        verdict = self.get(change)
        return verdict and (self.folder.quick is not None or not verdict.startswith(QUICK))

    def get(self, change):
        return self.found.get(hashed(change.source.encode()), [None])[0]

    def add(self, change, verdict):
        self.found[hashed(change.source.encode())] = [verdict, self._guard(verdict)]
        if time.monotonic() - self.since > 5:
            self.save()

    def save(self):
        self.since = time.monotonic()
        write(self.path, self.found)


def report(root, modules=(), sample=None, seed=0, only=None, workers=2, signed=mutants.SIGNED,
           tests=None, quick=None):  # fmt: skip
    """Print the survivors and the table; returns how many are alive, or None if a test is red."""
    table = tests or TESTS
    reasons, rows, red = mutants.signed_off(signed), {}, []
    preload()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Folder(root, Path(name).resolve(), workers, quick)
        for module in modules or table:
            every = find(folder.path, module)
            drawn = [change for change in every if not only or change.function in only]
            if sample is not None:
                drawn = random.Random(f"{seed} {module}").sample(drawn, min(sample, len(drawn)))
            kept = Kept(folder, module, table[module])
            todo = sorted((c for c in drawn if not kept.settles(c)), key=lambda c: c.line)
            if todo:
                found = measured(folder, module, table[module])
                red += [f"{n}: {t['failure']}" for n, t in found.items() if t["failure"]]
                run(folder, kept, todo, found)
            rows[module] = tally(every, kept, reasons)
            print_row(module, rows[module])
    if red:
        print("left out, red without any mutant: " + "; ".join(dict.fromkeys(red)))
    total = sum(rows.values(), Counter())
    print_row("all", total)
    return None if red else total["alive"]


def run(folder, kept, todo, tests):
    try:
        for done, (change, verdict) in enumerate(verdicts(folder, todo, tests), 1):
            kept.add(change, "killed (no end)" if verdict == "ALIVE (no end)" else verdict)
            if verdict.startswith("ALIVE"):
                print(f"{change.module}, {done} of {len(todo)}: {mutants.shown(change)}",
                      file=sys.stderr, flush=True)  # fmt: skip
    finally:
        kept.save()


def tally(every, kept, reasons):
    """How many mutants of a module were killed, …; the survivors are printed."""
    counts = Counter(made=len(every), killed=0, signed=0, alive=0)
    for change in every:
        verdict = kept.get(change)
        if verdict is None:
            counts["not run"] += 1
        elif verdict.startswith("killed"):
            counts["killed"] += 1
        else:
            reason = reasons.get((change.function, change.old, change.new))
            counts["signed" if reason else "alive"] += 1
            said = f"signed: {reason}" if reason else verdict
            print(f"{change.module}  {mutants.shown(change)}  |  {said}")
    return counts


def print_row(name, counts):
    kinds = "made", "killed", "signed", "alive", "not run"
    print(f"{name}: " + ", ".join(f"{counts[kind]} {kind}" for kind in kinds), flush=True)
