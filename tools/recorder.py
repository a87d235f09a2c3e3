"""Inside a kernel: notes each number that a cell rounds for printing.

`tools/perturb.py` puts `start` in front of a notebook's cells. From then on
every cell, and every module of the package, is compiled with two changes: the
value of ``{value:spec}`` in an f-string, and that of ``round`` (Python's,
NumPy's, an array's or a table's), passes through a function that writes it
down before it is rounded and hands it on. ``"…".format`` and the printing of
floats by NumPy, pandas and SymPy are watched where they happen.

What it does not see: ``%`` formatting, complex numbers, figures in pictures,
and what other libraries round inside themselves (a summary by statsmodels);
``str`` and ``repr`` of a single float, where all digits are printed and the
comparison of outputs sees every change; a decision, such as ``x < bound``,
of which only the outcome is printed. Whole numbers and fractions are exact
and are not noted.
"""

import ast
import builtins
import json
import math
import re
import string
from decimal import Decimal
from fractions import Fraction
from importlib.machinery import SourceFileLoader
from numbers import Integral

PACKAGE = "rnn_lit"
SPEC = re.compile(r"(?:\.(?P<digits>\d+))?(?P<kind>[eEfFgGn%]?)$")


class Log:
    """The figures of the cell that runs; it writes them as the cell ends."""

    def __init__(self, path):
        self.path, self.cell, self.times, self.lines = path, 0, {}, []

    def note(self, place, value, distance, text=None):
        """A figure: where it was formatted, its value, how far the edge is.

        With its text, it counts only if the cell shows it: libraries format
        numbers for themselves as well, such as examples in docstrings.
        """
        self.times[place] = self.times.get(place, 0) + 1
        time = self.times[place]
        self.lines.append([self.cell, place, time, value, distance, text])

    def begin(self, info):
        if info.store_history:
            self.cell, self.times = self.cell + 1, {}

    def end(self, result):
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)
        self.lines.clear()


_log = None


def start(path):
    """Watch this kernel from the next cell on."""
    global _log
    from IPython import get_ipython

    _log = Log(path)
    shell = get_ipython()
    builtins.__figure__, builtins.__rounding__ = _figure, _rounding
    builtins.__formatter__ = _formatter
    shell.ast_transformers.append(Watch("cell"))
    shell.events.register("pre_run_cell", _log.begin)
    shell.events.register("post_run_cell", _log.end)
    _watch_package()
    _watch_numpy()
    _watch_pandas()
    _watch_sympy()


def edge(value, digits, kind="f"):
    """How far a value is from where its printed form changes.

    ``digits`` counts as in a format specification of this ``kind``; None is
    for all digits, and then every change shows.
    """
    if digits is None:
        return 0.0
    exact = abs(Fraction(value)) * (100 if kind == "%" else 1)
    if kind in "eEgGn":
        digits = max(digits, 1) if kind in "gGn" else digits + 1
        power = int(f"{float(exact):.{digits - 1}e}".split("e")[1])
        unit = Fraction(10) ** (power - digits + 1)
    else:
        unit = Fraction(10) ** -digits
    steps = exact / unit
    distance = abs(steps - math.floor(steps) - Fraction(1, 2))
    if steps < Fraction(1, 2):
        distance = min(distance, steps)  # below and above zero: -0.0 and 0.0
    return float(distance * unit) / (100 if kind == "%" else 1)


def inexact(value):
    """The value as a float; None if it is exact or not a finite number."""
    if isinstance(value, (str, bytes, Integral, Fraction, Decimal)):
        return None
    if (
        getattr(value, "is_Rational", False)
        or type(value).__module__ == "datetime"
    ):
        return None
    if getattr(value, "shape", ()) != () or not hasattr(value, "__float__"):
        return None
    try:
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def _figure(value, spec, place, told=False):
    """Note what ``format(value, spec)`` rounds; hands the value on.

    What is only told by a warning counts if the cell shows it: it goes to
    stderr, or nowhere, and neither is compared.
    """
    number = inexact(value)
    if number is not None:
        match = SPEC.search(spec)
        digits, kind = match["digits"], match["kind"]
        digits = (
            6 if digits is None and kind else digits
        )  # Python's own choice
        distance = edge(
            number, None if digits is None else int(digits), kind or "g"
        )
        _log.note(place, number, distance, format(value, spec) if told else None)
    return value


def _rounding(place, method, value, *arguments, **options):
    """Note what a call rounds, in the order of its entries, and do it."""
    answer = method(value, *arguments, **options)
    digits = next(iter([*arguments, *options.values()]), 0)
    if isinstance(digits, Integral):
        for one in _entries(value):
            number = inexact(one)
            if number is not None:
                _log.note(place, number, edge(number, int(digits)))
    return answer


def _entries(value):
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    return value.ravel().tolist() if hasattr(value, "ravel") else [value]


def _formatter(text, place):
    """The method ``text.format``, watched."""

    class Watched(string.Formatter):
        def format_field(self, value, spec):
            return format(_figure(value, spec, place), spec)

    return lambda *a, **k: Watched().format(text, *a, **k)


class Watch(ast.NodeTransformer):
    """Passes what a source formats or rounds through the functions above."""

    def __init__(self, name):
        self.name, self.in_warning = name, False

    def _place(self, node):
        return ast.Constant(f"{self.name}:{node.lineno}:{node.col_offset}")

    def visit_FormattedValue(self, node):
        place = self._place(node.value)
        self.generic_visit(node)
        if node.conversion == -1:
            spec = node.format_spec or ast.Constant("")
            told = ast.Constant(self.in_warning)
            node.value = _call("__figure__", node.value, spec, place, told)
        return node

    def visit_Call(self, node):
        place = self._place(node)
        outside, function = self.in_warning, node.func
        self.in_warning |= ast.unparse(function) in ("warnings.warn", "warn")
        self.generic_visit(node)
        self.in_warning = outside
        if (
            isinstance(function, ast.Name)
            and function.id == "round"
            and node.args
        ):
            return _call(
                "__rounding__",
                place,
                function,
                *node.args,
                keywords=node.keywords,
            )
        if isinstance(function, ast.Attribute) and function.attr in (
            "round",
            "around",
        ):
            if ast.unparse(function.value) in ("np", "numpy"):
                return _call(
                    "__rounding__",
                    place,
                    function,
                    *node.args,
                    keywords=node.keywords,
                )
            # v.round(d) as a function of v, so that v is computed once
            method = ast.parse(
                "lambda v, *a, **k: v.round(*a, **k)", mode="eval"
            ).body
            return _call(
                "__rounding__",
                place,
                method,
                function.value,
                *node.args,
                keywords=node.keywords,
            )
        return node

    def visit_Attribute(self, node):
        place = self._place(node)
        self.generic_visit(node)
        if node.attr == "format" and isinstance(node.value, ast.Constant):
            return _call("__formatter__", node.value, place)
        return node


def _call(name, *arguments, keywords=()):
    return ast.Call(
        ast.Name(name, ast.Load()), list(arguments), list(keywords)
    )


def _watch_package():
    """The package's own f-strings too: compiled from source, not loaded."""
    plain = SourceFileLoader.get_code

    def get_code(self, name):
        if name.split(".")[0] != PACKAGE:
            return plain(self, name)
        path = self.get_filename(name)
        tree = Watch(name).visit(ast.parse(self.get_data(path)))
        return compile(
            ast.fix_missing_locations(tree), path, "exec", dont_inherit=True
        )

    SourceFileLoader.get_code = get_code


def _watch_numpy():
    try:
        from numpy._core.arrayprint import FloatingFormat
    except ImportError:  # an older NumPy
        from numpy.core.arrayprint import FloatingFormat

    begin, plain = FloatingFormat.__init__, FloatingFormat.__call__

    def begun(self, data, precision, floatmode, *arguments, **options):
        # kept here, since the array's longest entry replaces it
        self.limit = None if floatmode == "unique" else precision
        begin(self, data, precision, floatmode, *arguments, **options)

    def formatted(self, x, *arguments, **options):
        text = plain(self, x, *arguments, **options)
        number = inexact(x)
        if number is not None:
            kind = "e" if self.exp_format else "f"
            distance = edge(number, self.limit, kind)
            _log.note("NumPy", number, distance, text.strip())
        return text

    FloatingFormat.__init__, FloatingFormat.__call__ = begun, formatted


def _watch_pandas():
    try:
        from pandas import get_option
        from pandas.io.formats.format import FloatArrayFormatter as Formatter
    except ImportError:
        return
    plain = Formatter.get_result_as_array

    def formatted(self):
        texts = plain(self)
        digits = get_option("display.precision")
        for value, text in zip(_entries(self.values), texts, strict=False):
            number = inexact(value)
            if number is not None:
                distance = edge(number, digits)
                _log.note("pandas", number, distance, str(text).strip())
        return texts

    Formatter.get_result_as_array = formatted


def _watch_sympy():
    try:
        from sympy.printing.latex import LatexPrinter
        from sympy.printing.str import StrPrinter
    except ImportError:
        return
    for printer in (StrPrinter, LatexPrinter):

        def formatted(self, number, plain=printer._print_Float):
            text = plain(self, number)
            value = inexact(number)
            if value is not None:
                digits = max(int(number._prec * math.log10(2)), 1)
                _log.note("SymPy", value, edge(value, digits, "g"), text)
            return text

        printer._print_Float = formatted
