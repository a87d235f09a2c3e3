"""Does a chapter notice when its function is wrong? python tools/mutants.py [CHAPTER …]

With ``--package [MODULE …]``: do the package's tests? (`mutants_package` says how.)

Every exported function of the chapters that claim a proof is changed, one thing at a time
(`mutations`), in its cell and in a private copy of the package. A mutant counts if it differs
from an independent implementation on a fixed battery (`mutants_battery`); otherwise it is called
equivalent. A mutant that counts is killed if a cell of its own chapter tagged ``proves:…`` or
``checks:…`` fails: cells run one after the other, past a failing one, as pytest --nbval does, and
no printed text is compared. What survives is listed, and the exit status is 1, unless
mutants_signed.toml gives a reason why it may. The number types and proof tools in
``rnn_lit.verify`` are the instruments and not the object: they are not mutated here.
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from itertools import groupby
from multiprocessing import connection, get_context
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401, I001  (one thread for BLAS, before NumPy is imported)
import mutants_battery
from chapters import ROOT, Cell, cells, notebooks
from mutants_chapter import CELL_SECONDS, SETTLE, Book, TooLong, target
from mutations import refusals, variants

CHAPTERS = ("01", "02", "03", "04", "06")
MUTANT_SECONDS, MEMORY = 900, 4 << 30
SIGNED = Path(__file__).with_name("mutants_signed.toml")


class Mutant(NamedTuple):
    """A changed cell, and what it is that was changed."""

    chapter: str  # the notebook's path from the root
    module: str
    cell: Cell
    function: str
    line: int
    old: str
    new: str
    source: str  # the cell's, changed


def find(root, chapters):
    """Every mutant of the chapters, and the number of refusals that are left alone."""
    found, refused = [], 0
    for path in notebooks(root):
        if not path.name.startswith(chapters):
            continue
        for cell in cells(path, root):
            module = target(cell)
            if module and not module.startswith("verify/"):
                found += [Mutant(cell.path, module, cell, *v) for v in variants(cell.source)]
                refused += refusals(cell.source)
    return found, refused


def sound(book, chapter, battery):
    """What is red in a chapter without any mutant, or an empty text."""
    names = book.begin(chapter, until=book.cells[chapter][0])
    for module in filter(None, dict.fromkeys(map(target, book.cells[chapter]))):
        if not module.startswith("verify/") and not battery(module):
            return f"{chapter}: the battery refuses {module} as it is"
    for cell in book.cells[chapter]:
        if any(tag.startswith(SETTLE) for tag in cell.tags) and (error := book.red(cell, names)):
            return f"{cell.place}: {error!r}"
        elif not any(tag.startswith(SETTLE) for tag in cell.tags):
            book.red(cell, names)
    return ""


def judge(book, mutant, battery, names):
    """In a process of its own: equivalent, killed by (the cell's labels), or alive."""
    book.plant(mutant)
    if agrees(battery, mutant.module):
        return "equivalent"
    red = book.first_red(mutant, names)
    return f"killed by {red}" if red else "ALIVE"


def agrees(battery, module):
    """The battery's word; a mutant that does not come to an end agrees with nothing."""
    signal.setitimer(signal.ITIMER_PROF, CELL_SECONDS)
    try:
        return battery(module)
    except TooLong:
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def verdicts(book, mutants, battery, workers):
    """(mutant, verdict) as they come. A process runs the cells before the changed one, which
    cannot notice the change; every mutant of that cell goes on from there in a fork of it."""
    for _, group in groupby(mutants, key=lambda mutant: mutant.cell):
        group = list(group)
        yield from forked([group], 1, lambda todo, tell: stage(book, todo, battery, workers, tell))


def stage(book, group, battery, workers, tell):
    names = book.begin(group[0].chapter, until=group[0].cell)
    for result in forked(group, workers, lambda mutant, tell: tell(
            (mutant, judge(book, mutant, battery, names)))):  # fmt: skip
        tell(result)


def forked(tasks, workers, work):
    """What `work(task, tell)` tells, for every task in a fork of this process, so that no task
    can hang us: after MUTANT_SECONDS without a word it is given up."""
    context, waiting, running = get_context("fork"), list(reversed(tasks)), {}
    while waiting or running:
        while waiting and len(running) < workers:
            ours, theirs = context.Pipe(duplex=False)
            child = context.Process(target=_child, args=(theirs, work, waiting[-1]))
            child.start()
            theirs.close()
            running[ours] = [waiting.pop(), child, time.monotonic()]
        for end in connection.wait(running, timeout=5):
            try:
                yield end.recv()
                running[end][2] = time.monotonic()
            except EOFError:
                running.pop(end)[1].join()
        for end, (task, child, since) in list(running.items()):
            if time.monotonic() - since > MUTANT_SECONDS:
                child.kill()
                running.pop(end)
                yield task, "ALIVE (no end)"


def _child(end, work, task):
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silent, stream)
    sys.stdout = open(1, "w", encoding="utf-8")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, _stop)
    work(task, end.send)


def _stop(*_):
    raise TooLong


def preload():
    """Import once what every chapter imports; nothing of rnn_lit, which differs by mutant."""
    os.environ["MPLBACKEND"] = "Agg"
    import IPython.display  # noqa: F401
    import matplotlib.pyplot as plt
    import sympy  # noqa: F401

    plt.show = lambda *_, **__: plt.close("all")  # the figures are not drawn


def signed_off(path):
    """Survivors that may live: {(function, old, new): reason}."""
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("signed", [])
    return {(one["function"], one["old"], one["new"]): one["reason"] for one in listed}


def shown(mutant):
    """Where the change is, and the two texts, cut to where they differ."""
    old, new = mutant.old, mutant.new
    if max(len(old), len(new)) > 70:
        same = len(os.path.commonprefix([old, new]))
        start, tail = max(0, same - 25), len(os.path.commonprefix([old[::-1], new[::-1]]))
        old, new = ((" …" if start else "") + text[start : len(text) - tail + 15].strip()
                    for text in (old, new))  # fmt: skip
    return f"{mutant.function}, line {mutant.line}: {old}  ->  {new}"


def report(root, chapters=CHAPTERS, only=None, battery=mutants_battery.agrees, workers=2,
           signed=SIGNED):  # fmt: skip
    """Print the table; returns how many mutants are alive, or None if a chapter is red already."""
    mutants, refused = find(root, tuple(chapters))
    mutants = [one for one in mutants if not only or one.function in only]
    reasons = signed_off(signed)
    preload()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        book = Book(root, Path(folder))
        red = list(forked(list(dict.fromkeys(mutant.chapter for mutant in mutants)), workers,
                          lambda chapter, tell: tell(sound(book, chapter, battery))))  # fmt: skip
        if any(red):
            print("without any mutant, " + "; ".join(filter(None, red)))
            return None
        found = dict.fromkeys(mutants, "ALIVE (the process died)")
        done = 0
        for mutant, verdict in verdicts(book, mutants, battery, workers):
            reason = reasons.get((mutant.function, mutant.old, mutant.new))
            if verdict.startswith("ALIVE") and reason:
                verdict = f"signed: {reason}"
            found[mutant], done = verdict, done + 1
            if verdict.startswith("ALIVE"):
                print(f"{done} of {len(mutants)}: {shown(mutant)}", file=sys.stderr)
    return summary(mutants, found, refused)


def summary(mutants, found, refused):
    totals = Counter()
    for mutant in mutants:
        print(f"{Path(mutant.chapter).stem}  {shown(mutant)}  |  {found[mutant]}")
        totals[Path(mutant.chapter).stem, found[mutant].split()[0].strip(":")] += 1
    kinds = ("killed", "equivalent", "signed", "ALIVE")
    for chapter in dict.fromkeys(chapter for chapter, _ in totals):
        print(f"{chapter}: " + ", ".join(f"{totals[chapter, kind]} {kind}" for kind in kinds))
    print(f"input checks: {refused} refusals of bad input are not mutated (tests/ tests them)")
    sums = [sum(count for (_, kind), count in totals.items() if kind == wanted) for wanted in kinds]
    print("{} killed, {} equivalent, {} signed, {} alive".format(*sums))
    return sums[-1]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="chapters, as 04 (default: all five), or modules")
    parser.add_argument("--package", action="store_true", help="judge the tests, not the chapters")
    parser.add_argument("--sample", type=int, metavar="K", help="of the package: K of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample; default: 0")
    parser.add_argument("--function", action="append", help="only mutants of this function")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    parser.add_argument("--quick", type=float, metavar="S", help="of the package: S s of tests")
    options = parser.parse_args(arguments)
    root, parts, only, workers = (
        options.root.resolve(), options.parts, options.function, options.workers,
    )  # fmt: skip
    if options.package:
        import mutants_package

        sample, seed = options.sample, options.seed
        alive = mutants_package.report(root, parts, sample, seed, only, workers,
                                       quick=options.quick)  # fmt: skip
    else:
        alive = report(root, parts or CHAPTERS, only, workers=workers)
    return 2 if alive is None else bool(alive)


if __name__ == "__main__":
    sys.exit(main())
