"""The exported cells of the chapters, checked and gathered into modules."""

import ast
import re
import sys
import tomllib

import export_checks
from chapters import BookError, cells, notebooks

TAG = "export:"
#: The packages inside `rnn_lit`, each with its own extra.
INNER = ("verify", "certify")
NAME = re.compile(rf"(({'|'.join(INNER)})/)?[a-z][a-z0-9_]*")
#: `rnn_lit` does not import these: names of other modules on purpose, and what only they need.
APART = ("compiled", "loops", "settings")
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
        self.body = []  # (text, cell)
        self.defined = {}  # name: the cell that defines it

    def add(self, cell):
        tree = _parse(cell)
        lines = cell.source.rstrip().splitlines()
        taken = set()
        for position, node in enumerate(tree.body):
            if _is_text(node):
                if not (position == 0 and not self.doc and not self.body):
                    raise BookError(f"{cell.place}: a text of its own says nothing in a module")
                taken |= self._take(node, lines, self.doc.append)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._refuse_itself(node, cell)
                start = _comment_above(node, lines)
                taken |= self._take(
                    node, lines, lambda text: self.imports.setdefault(text, cell), start
                )
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
        for group in range(4):
            texts = [text for text in self.imports if _group(text) == group]
            found += [(line, self.imports[text]) for text in texts for line in text.splitlines()]
            found += [("", None)] if texts else []
        found += [(line, None) for line in _listing(self.public).splitlines()]
        for text, cell in self.body:
            found += [("", None), ("", None)] + [(line, cell) for line in text.splitlines()]
        return found

    @property
    def public(self):
        return [name for name in self.defined if not name.startswith("_")]

    @property
    def notebooks(self):
        fed = [cell.path for _, cell in self.body] + [cell.path for cell in self.imports.values()]
        return sorted(dict.fromkeys(fed))

    def _take(self, node, lines, keep, start=None):
        first = node.lineno - 1 if start is None else start
        keep("\n".join(lines[first : node.end_lineno]))
        return set(range(first, node.end_lineno))

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
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]


def _target(cell):
    tags = [tag for tag in cell.tags if tag.startswith(TAG)]
    if not tags:
        return None
    if cell.kind != "code" or len(tags) > 1:
        raise BookError(f"{cell.place}: tags {tags}; a code cell may have one tag `export:…`")
    name = tags[0].removeprefix(TAG)
    if not NAME.fullmatch(name) or name in INNER:
        raise BookError(
            f"{cell.place}: tag {tags[0]!r} names no module; write `export:bptt` for bptt.py "
            "or `export:verify/ring` for verify/ring.py"
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


def _group(statement):
    """Imports stand in the usual order: the future, the standard library, others, our own."""
    node = ast.parse(statement).body[0]
    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    top = (name or "").split(".")[0]
    if top == "__future__":
        return 0
    return 1 if top in sys.stdlib_module_names else 3 if top == "rnn_lit" else 2


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
