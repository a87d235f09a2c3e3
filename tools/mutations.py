"""Wrong versions of a piece of source: `variants` changes one thing at a time.

A change is made in the syntax tree and written back into the text, so all other lines stay as
they are. Refusals of bad input are left alone, since the package's tests are there for them: a
``raise``, an ``if`` that does nothing else, a function that returns nothing and may raise.
"""

import ast
from copy import deepcopy
from typing import NamedTuple

SWAPPED = {  # an operator: what takes its place
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.BitOr: (ast.BitAnd,),
}
TWINS = {"sum": "mean", "max": "min", "min": "max", "real": "imag", "zeros": "ones",
         "zeros_like": "ones_like", "ones_like": "zeros_like", "exp": "expm1", "expm1": "exp",
         "log1p": "log", "sin": "cos", "cos": "sin", "any": "all", "all": "any"}  # fmt: skip
COUNTS = {"size": "{0}.shape[0]", "shape": "{0}.shape[::-1]", "T": "{0}"}
RANGES = ("{0}[1:]", "{0}[:-1]", "{0}[::-1]", "{0}[:5]", "{0}[::2]")


class Variant(NamedTuple):
    """The source with one thing changed."""

    name: str  # of the function, or of what is defined
    line: int  # within the source, from 1
    old: str  # the statement, or the head of a loop or a condition
    new: str
    source: str  # the whole, changed


def variants(source):
    """Every wrong version of the functions and definitions in a piece of source.

    A definition is changed, never dropped: without it the package could not be imported.
    """
    found = {}
    for name, unit in _units(source):
        for changed in _changes(unit):
            if isinstance(changed, ast.Pass) and unit.col_offset == 0:
                continue
            new = ast.unparse(ast.fix_missing_locations(changed))
            text = _spliced(source, unit, new)
            if new != ast.unparse(unit) and _parses(text):
                variant = Variant(name, unit.lineno, ast.unparse(unit), new, text)
                found.setdefault(text, variant)
    return list(found.values())


def refusals(source):
    """How many refusals of bad input there are in a piece of source."""
    return sum(isinstance(node, ast.Raise) for node in ast.walk(ast.parse(source)))


def _only_refuses(function):
    """Whether all that a function can do is raise an error: it returns nothing."""
    inner = list(ast.walk(function))
    returned = [node for node in inner if isinstance(node, ast.Return) and node.value]
    return not returned and any(isinstance(node, ast.Raise) for node in inner)


def _units(source):
    """(name, simple statement or head of a compound one) for all that a source computes."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and not _only_refuses(node):
            yield from ((node.name, unit) for unit in _statements(node.body))
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef):
                    name = f"{node.name}.{method.name}"
                    yield from ((name, unit) for unit in _statements(method.body))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
            if _names_a_type(node):
                continue
            unit = _untyped(node)
            yield ast.unparse(unit.targets[0]), unit


def _names_a_type(node):
    """Whether a definition gives a type a name, as ``Array = NDArray[Any]``."""
    name = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
    return name[:1].isupper() and not name.isupper() and isinstance(node.value, ast.Subscript)


def _untyped(node):
    """A definition without the type it may name, which computes nothing."""
    if isinstance(node, ast.AnnAssign):
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def _statements(body):
    for node in body:
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
            yield node
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield _untyped(node)
        elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            yield node
        elif isinstance(node, ast.For):
            yield node.iter
        elif isinstance(node, (ast.If, ast.While)):
            if all(isinstance(inner, ast.Raise) for inner in node.body):
                continue
            yield node.test
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, part, []))


def _changes(unit):
    """The unit with one node replaced by another, for every node and replacement."""
    if isinstance(unit, ast.stmt) and not isinstance(unit, ast.Return):
        yield ast.Pass()
    if not isinstance(unit, ast.stmt):  # what a loop runs over, or a condition
        yield from _of_a_head(unit)
    texts = [inner for node in ast.walk(unit) if isinstance(node, ast.JoinedStr)
             for inner in ast.walk(node)]  # fmt: skip
    for node in ast.walk(unit):
        if node not in texts:
            for other in _others(node):
                # Where the copy meets this node, it finds the other one already made.
                yield deepcopy(unit, {id(node): other})


def _of_a_head(head):
    called = head.func.id if isinstance(head, ast.Call) and isinstance(head.func, ast.Name) else ""
    if called in ("range", "enumerate", "zip") or isinstance(head, ast.Name):
        yield from (_code(form, f"list({ast.unparse(head)})") for form in RANGES)
    else:
        yield ast.UnaryOp(ast.Not(), head)


def _others(node):
    """What may take the place of a node."""
    kind = type(node)
    if kind is ast.BinOp:
        yield from (ast.BinOp(node.left, op, node.right) for op in _instead_of(node.op))
        yield from _of_a_product(node)
    elif kind is ast.Compare and len(node.ops) == 1:
        yield from (ast.Compare(node.left, [op], node.comparators)
                    for op in _instead_of(node.ops[0]))  # fmt: skip
    elif kind is ast.BoolOp:
        yield from (ast.BoolOp(op, node.values) for op in _instead_of(node.op))
    elif kind is ast.UnaryOp:
        yield node.operand
    elif kind is ast.Constant and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif kind is ast.Constant and isinstance(node.value, (int, float)):
        yield from (ast.Constant(node.value + 1), _code("{0}", repr(node.value - 1)))
    elif kind is ast.Attribute:
        if node.attr in COUNTS:
            yield _code(COUNTS[node.attr], ast.unparse(node.value))
        if node.attr in TWINS:
            yield ast.Attribute(node.value, TWINS[node.attr], node.ctx)
    elif kind is ast.Subscript and isinstance(node.ctx, ast.Load):
        yield from _of_an_index(node)
    elif kind is ast.Call:
        yield from _of_a_call(node)
    elif kind is ast.AugAssign:
        yield ast.Assign([node.target], node.value, lineno=1)
        yield from (ast.AugAssign(node.target, op, node.value) for op in _instead_of(node.op))
    elif kind is ast.IfExp:
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif kind is ast.comprehension and not isinstance(node.iter, ast.Tuple):
        for form in RANGES[:3]:
            other = _code(form, f"list({ast.unparse(node.iter)})")
            yield ast.comprehension(node.target, other, node.ifs, node.is_async)


def _instead_of(operator):
    return [other() for other in SWAPPED.get(type(operator), ())]


def _of_a_product(node):
    """One factor or summand alone, the two exchanged, a transpose, the other sign."""
    yield from (node.left, node.right)
    if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult, ast.Pow)):
        yield ast.BinOp(node.right, node.op, node.left)
    if isinstance(node.op, ast.MatMult):
        left, right = map(ast.unparse, (node.left, node.right))
        yield _code("({0}).T @ ({1})", left, right)
        yield _code("({0}) @ ({1}).T", left, right)
        yield _code("-(({0}) @ ({1}))", left, right)


def _of_an_index(node):
    if isinstance(node.slice, (ast.Slice, ast.Tuple)):
        yield node.value
    else:
        array, index = ast.unparse(node.value), ast.unparse(node.slice)
        yield from (_code(f"{{0}}[({{1}}) {sign} 1]", array, index) for sign in "+-")


def _of_a_call(node):
    if len(node.args) == 1 and not node.keywords:
        yield node.args[0]
    for at in range(len(node.args) - 1):
        swapped = [*node.args[:at], node.args[at + 1], node.args[at], *node.args[at + 2 :]]
        yield ast.Call(node.func, swapped, node.keywords)
    for left_out in node.keywords:
        rest = [keyword for keyword in node.keywords if keyword is not left_out]
        yield ast.Call(node.func, node.args, rest)
    called = ast.unparse(node.func)
    if called == "len":
        yield from (_code(f"len({{0}}) {sign} 1", ast.unparse(node.args[0])) for sign in "+-")
        yield _code("{0}.shape[-1]", ast.unparse(node.args[0]))
    if called.endswith((".sum", "np.outer")):
        yield _code("-{0}", ast.unparse(node))


def _code(form, *texts):
    return ast.parse(form.format(*texts), mode="eval").body


def _spliced(source, node, new):
    """The source with the node's text replaced; the tree counts columns in bytes."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    text = b"".join(lines)
    return (text[:start] + new.encode() + text[end:]).decode()


def _parses(source):
    try:
        compile(source, "a mutant", "exec")
    except SyntaxError:
        return False
    return True
