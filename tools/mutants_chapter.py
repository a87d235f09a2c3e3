"""A chapter run cell by cell with a changed function, as `mutants` needs it."""

import linecache
import os
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from shutil import copytree
from types import FunctionType

import tangle
from chapters import cells, notebooks
from exported import TAG, Module

SETTLE = ("proves:", "checks:")
CELL_SECONDS = 30


class TooLong(BaseException):
    """A cell has used more processor time than it may."""


def target(cell):
    """The module that a cell is exported to, or None."""
    tags = [tag for tag in cell.tags if cell.kind == "code" and tag.startswith(TAG)]
    return tags[0].removeprefix(TAG) if tags else None


class Book:
    """The chapters' cells, and the package in a folder of its own."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.cells = {path.relative_to(root).as_posix(): cells(path, root)
                      for path in notebooks(root)}  # fmt: skip
        copytree(root / tangle.PACKAGE, folder / "rnn_lit",
                 ignore=lambda *_: ["__pycache__"])  # fmt: skip

    def begin(self, chapter, until=None):
        """Run the cells before a given one, in this process, on the package as it is."""
        os.chdir(self.root / Path(chapter).parent)
        sys.path.insert(0, str(self.folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "rnn_lit"]:
            del sys.modules[name]  # the package of the folder is meant, whatever was imported
        names = {"__name__": "__main__", "display": lambda *_, **__: None}
        for cell in self.cells[chapter]:
            if cell == until:
                break
            self.red(cell, names)
        return names

    def plant(self, mutant):
        """Put the mutant into the package, wherever it has been imported already."""
        module, cells_of_it = Module(mutant.module), sum(self.cells.values(), [])
        for cell in cells_of_it:
            if target(cell) == mutant.module:
                module.add(cell._replace(source=mutant.source) if cell == mutant.cell else cell)
        file = Path(tempfile.mkdtemp(dir=self.folder), f"{mutant.module.replace('/', '.')}.py")
        file.write_text(tangle.header(module.notebooks) + module.text(), encoding="utf-8")
        shipped = import_module(f"rnn_lit.{mutant.module.replace('/', '.')}")
        fresh = dict(vars(shipped))
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), fresh)
        shipped.__file__, instead = str(file), {}
        for name in module.defined:
            old, new = vars(shipped)[name], fresh[name]
            if isinstance(old, FunctionType) and isinstance(new, FunctionType):
                old.__code__ = new.__code__
            elif not isinstance(old, type):
                instead[id(old)] = new
        replace(instead)

    def first_red(self, mutant, names):
        """The label of the first cell that settles something and fails, or None."""
        following = self.cells[mutant.chapter]
        following = following[following.index(mutant.cell) :]
        broken = False
        for cell in following:
            error = self.red(cell._replace(source=mutant.source) if cell == mutant.cell else cell,
                             names)  # fmt: skip
            labels = [tag for tag in cell.tags if tag.startswith(SETTLE)]
            if error and labels and not only_follows(error, broken, mutant.cell):
                return f"{', '.join(labels)} ({type(error).__name__})"
            broken = broken or bool(error)
        return None

    def red(self, cell, names):
        """Run a cell; its error, or None."""
        try:
            if cell.kind == "code":
                run(cell, names)
        except (Exception, TooLong) as error:
            return error
        return None


def replace(instead):
    """Exchange objects that the package's modules hold, in their names and as defaults."""
    for module in [m for name, m in sys.modules.items() if name.partition(".")[0] == "rnn_lit"]:
        for name, value in list(vars(module).items()):
            if id(value) in instead:
                setattr(module, name, instead[id(value)])
            if isinstance(value, FunctionType) and value.__defaults__:
                value.__defaults__ = tuple(instead.get(id(v), v) for v in value.__defaults__)


def run(cell, names):
    """Execute a cell as the notebook would, so that `inspect` finds its source."""
    place = f"<cell {cell.number}>"
    linecache.cache[place] = (len(cell.source), None, cell.source.splitlines(True), place)
    signal.setitimer(signal.ITIMER_PROF, CELL_SECONDS)
    try:
        exec(compile(cell.source, place, "exec"), names)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def only_follows(error, broken, changed):
    """Whether a failure says nothing: a name that an earlier cell did not come to define, or a
    plant of a known bug that does not find its line, which compares text. A name that a function
    of the changed cell itself does not find says that the function is wrong."""
    frames = error.__traceback__
    while frames.tb_next:
        frames = frames.tb_next
    code = frames.tb_frame.f_code
    planting = code.co_filename.endswith("rnn_lit/verify/mutants.py")
    own = code.co_filename == f"<cell {changed.number}>" or not code.co_filename.startswith("<cell")
    inside = own and code.co_name != "<module>"
    return planting or (broken and type(error) is NameError and not inside)
