"""The exported cells of the chapters, checked and gathered into modules."""

import ast
import re
import sys
import tomllib
from itertools import groupby

import export_checks
from chapters import BookError, cells, notebooks

TAG = "export:"
#: The packages in the package. What a docstring here says is what their `__init__` says.
PACKAGES = {
    "verify": """The number types and checks with which the book proves the package.

They need SymPy, so ``import rnn_lit`` does not import them (app-proof-tools, app-number-types).
""",
    "certify": """The shipped functions on balls: a minimum, a gradient, forecasts, a cycle, proved.

It needs python-flint and SymPy, so ``import rnn_lit`` does not import it (ch-certified, app-cycle).
""",
}
NAME = re.compile(rf"(({'|'.join(PACKAGES)})/)?_?[a-z][a-z0-9_]*")
#: Has the names of other modules on purpose: one chooses between them by importing it.
APART = ("compiled",)
MAGIC = re.compile(r"^\s*[%!]|=\s*[%!]\s*\w|\?\s*$")
DEFINING = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.If,
    ast.Try,
)


class Module:
    """One file of the package: the cells that feed it, in reading order."""

    def __init__(self, name):
        self.name = name
        self.doc = []
        self.imports = {}  # statement: the cell it is first found in
        self.froms = {}  # (module, name as imported): the cell it is first found in
        self.body = []  # (text, cell)
        self.defined = {}  # name: the cell that defines it

    def add(self, cell):
        tree = _parse(cell)
        lines = cell.source.rstrip().splitlines()
        taken = set()
        for position, node in enumerate(tree.body):
            if _is_text(node):
                if position or self.doc:
                    raise BookError(f"{cell.place}: a text of its own says nothing in a module")
                taken |= self._take(node, lines, self.doc.append)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._refuse_itself(node, cell)
                taken |= self._import(node, lines, cell)
            elif isinstance(node, DEFINING):
                self._define(node, cell)
            else:
                raise BookError(
                    f"{cell.place}: line {node.lineno} does something when the module is imported; "
                    "an exported cell only imports and defines, so move that line to another cell"
                )
        rest = "\n".join(line for i, line in enumerate(lines) if i not in taken).strip("\n")
        if rest.strip():
            self.body.append((rest, cell))

    def text(self):
        """The module's source below its header."""
        return "\n".join(text for text, _ in self.lines()) + "\n"

    def lines(self):
        """Each line of the module with the cell it comes from, or None."""
        found = [(line, None) for text in self.doc for line in [*text.splitlines(), ""]]
        statements = sorted(
            [(_place(text), text, [cell] * len(text.splitlines()))
             for text, cell in self.imports.items()] + [*self._merged()],
            key=lambda one: one[0],
        )  # fmt: skip
        for _, same in groupby(statements, key=lambda one: one[0][0]):
            for _, text, places in same:
                found += zip(text.splitlines(), places, strict=True)
            found.append(("", None))
        found += [(line, None) for line in _listing(self.public).splitlines()]
        for text, cell in self.body:
            found += [("", None), ("", None)] + [(line, cell) for line in text.splitlines()]
        return found

    @property
    def public(self):
        return [name for name in self.defined if not name.startswith("_")]

    @property
    def notebooks(self):
        fed = [cell.path for _, cell in self.body]
        fed += [cell.path for kept in (self.imports, self.froms) for cell in kept.values()]
        return sorted(dict.fromkeys(fed))

    def _take(self, node, lines, keep, start=None):
        first = node.lineno - 1 if start is None else start
        keep("\n".join(lines[first : node.end_lineno]))
        return set(range(first, node.end_lineno))

    def _import(self, node, lines, cell):
        """Keep an import; what is imported from one module by several cells makes one line."""
        start = _comment_above(node, lines)
        text = "\n".join(lines[start : node.end_lineno])
        if isinstance(node, ast.ImportFrom) and "#" not in text:
            for name in map(ast.unparse, node.names):
                self.froms.setdefault(("." * node.level + (node.module or ""), name), cell)
        else:
            self.imports.setdefault(text, cell)
        return set(range(start, node.end_lineno))

    def _merged(self):
        """Place, text and each line's cell of the statements `from … import …`."""
        for module in dict.fromkeys(module for module, _ in self.froms):
            names = sorted((name for at, name in self.froms if at == module), key=_name_order)
            places = [self.froms[module, name] for name in names]
            text = f"from {module} import {', '.join(names)}"
            if len(text) > 79:
                text = f"from {module} import (\n" + "".join(f"    {n},\n" for n in names) + ")"
                places = [places[0], *places, places[0]]
            else:
                places = places[:1]
            yield _place(text), text, places

    def _define(self, node, cell):
        for name in sorted(_defined(node)):
            if name in self.defined:
                raise BookError(
                    f"{name} is exported twice, in {self.defined[name].place} and in {cell.place}; "
                    "define it once and import it from rnn_lit afterwards"
                )
            self.defined[name] = cell

    def _refuse_itself(self, node, cell):
        own = "rnn_lit." + self.name.replace("/", ".")
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        if own in names:
            raise BookError(
                f"{cell.place}: this cell becomes part of {own}, so that module would import "
                "itself; do that import in a cell that is not exported"
            )


def modules(root):
    """Every module that the chapters feed: {name: Module}, all of them checked."""
    found = {}
    listed = notebooks(root)
    for path in listed:
        for cell in cells(path, root):
            name = _target(cell)
            if name:
                found.setdefault(name, Module(name)).add(cell)
    _refuse_unlisted(root, listed)
    export_checks.refuse_clashes(found, APART)
    export_checks.refuse_undefined(found)
    return found


def version(root):
    return _settings(root)["project"]["version"]


def face(root, found):
    """What `rnn_lit` itself names, as pyproject.toml lists it: {name: its module}."""
    names = _settings(root)["tool"]["rnn_lit"]["face"]
    home = {
        name: module
        for module, one in found.items()
        if module not in APART and not module.startswith("verify/")
        for name in one.public
    }
    if missing := [name for name in names if name not in home]:
        raise BookError(
            f"pyproject.toml lists {', '.join(missing)} in the face of rnn_lit, and no chapter "
            "exports it; take it from that list, or export it"
        )
    return {name: home[name] for name in names}


def _settings(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def _target(cell):
    tags = [tag for tag in cell.tags if tag.startswith(TAG)]
    if not tags:
        return None
    if cell.kind != "code" or len(tags) > 1:
        raise BookError(f"{cell.place}: tags {tags}; a code cell may have one tag `export:…`")
    name = tags[0].removeprefix(TAG)
    if not NAME.fullmatch(name) or name in PACKAGES:
        raise BookError(
            f"{cell.place}: tag {tags[0]!r} names no module; write `export:bptt` for bptt.py, "
            f"or for a module in one of the packages {', '.join(PACKAGES)} `export:verify/ring`"
        )
    return name


def _refuse_unlisted(root, listed):
    for path in sorted((root / "book").rglob("*.ipynb")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
        if path in listed or hidden:
            continue
        for cell in cells(path, root):
            if _target(cell):
                raise BookError(
                    f"{cell.place} is exported, but _toc.yml does not list its notebook; "
                    "add it there, or take the tag away"
                )


def _parse(cell):
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        lines = cell.source.splitlines()
        line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
        if MAGIC.search(line):
            raise BookError(
                f"{cell.place}: line {error.lineno}, {line.strip()!r}, is a magic or shell "
                "command, which a module cannot hold; move it to a cell that is not exported"
            ) from None
        raise BookError(f"{cell.place}: line {error.lineno}: {error.msg}; mend the cell") from None


def _defined(node):
    """The names that a top-level statement binds; an import binds none of the module's own."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)
                and isinstance(n.ctx, ast.Store)}  # fmt: skip
    inner = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
    inner += [handler.body for handler in getattr(node, "handlers", [])]
    return {name for block in inner for child in block for name in _defined(child)}


def _place(statement):
    """Imports stand in the usual order: the future, the standard library, others, our own; in
    each of these whole modules first, and by name."""
    node = ast.parse(statement).body[0]
    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    top = (name or "").split(".")[0]
    group = 1 if top in sys.stdlib_module_names else 3 if top == "rnn_lit" else 2
    return (0 if top == "__future__" else group), isinstance(node, ast.ImportFrom), name or ""


def _name_order(name):
    """Constants, classes, functions, as ruff sorts them."""
    return not (name.isupper() and len(name) > 1), not name[:1].isupper(), name


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _comment_above(node, lines):
    """The first line of the comment that stands directly over a statement."""
    start = node.lineno - 1
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return start


def _listing(names):
    return "__all__ = [" + "".join(f'\n    "{name}",' for name in names) + ("\n]" if names else "]")
