"""A changed module put in place of the one that is imported, for `mutants_package`.

A function's ``__code__`` is exchanged, so that whoever holds the function has the changed one.
Where its code does not carry the change, the changed module is imported instead.
"""

import ast
import gc
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import zip_longest
from types import CodeType, FunctionType
from typing import NamedTuple


class Change(NamedTuple):
    """A module with one thing changed."""

    module: str
    function: str
    line: int
    end: int  # the last line of what is changed
    old: str
    new: str
    source: str


def outer(code: CodeType) -> Iterator[CodeType]:
    """The functions of a module and the methods of its classes, in their order."""
    for inner in filter(lambda constant: isinstance(constant, CodeType), code.co_consts):
        is_function = inner.co_flags & 1  # CO_OPTIMIZED: not the body of a class
        yield from [inner] if is_function else outer(inner)


def exchanged(source: str, change: Change, path: str) -> dict[tuple[str, int], CodeType] | None:
    """{(qualified name, first line): the changed code}, or None where that is not enough."""
    if _without_bodies(source) != _without_bodies(change.source):
        return None
    pairs = zip_longest(*(outer(compile(text, path, "exec", dont_inherit=True))
                          for text in (source, change.source)))  # fmt: skip
    found = [pair for pair in pairs if pair[0].co_qualname == change.function
             and pair[0].co_firstlineno <= change.line]  # fmt: skip
    if not found or found[-1][0].co_freevars != found[-1][1].co_freevars:
        return None
    return dict(_nested(*found[-1]))


def _nested(old, new):
    """A function's new code, and that of the functions inside of it, which may have been made."""
    yield (old.co_qualname, old.co_firstlineno), new
    inner = [list(filter(lambda constant: isinstance(constant, CodeType), code.co_consts))
             for code in (old, new)]  # fmt: skip
    if len(inner[0]) == len(inner[1]):
        for one, other in zip(*inner, strict=True):
            if (one.co_qualname, one.co_freevars) == (other.co_qualname, other.co_freevars):
                yield from _nested(one, other)


def _without_bodies(source):
    """All that runs when a module is imported, as one text."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


def plant(source: str, change: Change, path: str) -> None:
    """Exchange the code of every function that is the changed one, whoever holds it."""
    codes = exchanged(source, change, path)
    for function in filter(lambda value: isinstance(value, FunctionType), gc.get_objects()):
        place = function.__code__.co_qualname, function.__code__.co_firstlineno
        if function.__code__.co_filename == path and place in codes:
            function.__code__ = codes[place]


class Changed(SourceFileLoader):
    """Imports a changed module as if its file held it."""

    def __init__(self, change, path):
        super().__init__(f"rnn_lit.{change.module}", path)
        self.source = change.source

    def get_code(self, fullname):
        return compile(self.source, self.path, "exec", dont_inherit=True)

    def find_spec(self, name, path=None, target=None):
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None
