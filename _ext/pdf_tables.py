"""Tables in the PDFs: those of pandas are set as tables, and long or wide ones fit the page."""

import re
from html.parser import HTMLParser

from docutils import nodes
from pdf_base import Transform, latex
from sphinx import addnodes

UNSEEN = re.compile(r"\\(left|right|[Bb]ig+[lr]?|mathsf|mathrm|operatorname)\b")
ROWS = 12  # a longer table may break over pages
#: Letters of a column that had better not be broken, and of one that asks for no more room.
SHORT, LONG = 26, 60
#: About how many letters a line of a table holds, in each size of type.
SIZES = {"small": 84, "footnotesize": 94, "scriptsize": 108}
#: How many digits such a line holds, and a line in the size of the text.
DIGITS, NORMAL = {"small": 92, "footnotesize": 99, "scriptsize": 108, "tiny": 135}, 84
GAP = 1.5  # digits between two columns of a smaller size
#: Letters that are much narrower or wider than a digit.
NARROW, WIDE = set(" \xa0.,:;'’!|()[]ijlftrI"), set("mwMW±−+=<>≤≥≈—ABCDGHKNOQRUVXY%")
NUMBER = re.compile(r"([<>≤≥]\s?)?[+−]?[.\d][\d.,]*(e[+−]?\d+)?%?(\s±\s[\d.]+)?")
SYMBOL = re.compile(r"([A-Za-z])_([a-z]{1,2})(,\d+)?")  # the name of a coefficient: W_aa,12


class Pandas(Transform):
    """A table that pandas made is set as a table, and not as the text that it also printed."""

    default_priority = 2  # before MyST-NB chooses among the kinds of an output

    def run(self, **kwargs):
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            for kind in bundle.children:
                if kind.get("mime_type") == "text/html" and "<table" in kind.astext():
                    rows = table_rows(kind.astext())
                    bundle.replace_self(table(rows))
                    break


class _Rows(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def table_rows(text):
    """The entries of a table in HTML, row by row, the header first."""
    parser = _Rows()
    parser.feed(text)
    return [[entry.strip() for entry in row] for row in parser.rows]


def table(rows):
    """A table node; the first row is its header."""
    group = nodes.tgroup(cols=len(rows[0]))
    group += [nodes.colspec(colwidth=1) for _ in rows[0]]
    group += [nodes.thead("", _row(rows[0])), nodes.tbody("", *map(_row, rows[1:]))]
    return nodes.table("", group, classes=["pandas"])


def _row(entries):
    cells = [nodes.entry("", nodes.paragraph("", "", *_entry(said))) for said in entries]
    return nodes.row("", *cells)


def _entry(said):
    """What an entry says: a coefficient as a formula, a number with its minus and in one piece."""
    if symbol := SYMBOL.fullmatch(said):
        formula = f"{symbol[1]}_{{{symbol[2]}{symbol[3] or ''}}}"
        return [nodes.math(formula, formula)]
    said = re.sub(r"(?<![\w.])-(?=[\d.])", "−", said)
    return [nodes.Text(said.replace(" ± ", "\xa0±\xa0"))] if said else []


class Shapes(Transform):
    """Long and wide tables in a form that LaTeX can set."""

    default_priority = 8

    def run(self, **kwargs):
        for one in list(self.document.findall(nodes.table)):
            _computed(one) if "pandas" in one["classes"] else _shape(one)
        for entry in self.document.findall(nodes.entry):
            if not entry.astext().strip() and not next(iter(entry.findall(nodes.image)), None):
                entry.children = [latex("\\mbox{}")]  # or it would take two lines


def _shape(one):
    """Widths for a table that is long or wide, by its longest words and lines."""
    rows = list(one.findall(nodes.row))
    columns = list(one.findall(nodes.colspec))
    lines = [[said(row[at]) for row in rows if at < len(row)] for at in range(len(columns))]
    whole = [max((len(line) for line in column), default=0) for column in lines]
    words = [
        max((len(word) for line in column for word in line.split()), default=0) for column in lines
    ]
    long = len(rows) > ROWS
    if not long and sum(whole) + 2 * len(whole) <= SIZES["small"]:
        return
    if long:
        one["classes"].append("longtable")
    one["classes"].append("colwidths-given")
    wanted = sum(words) + 2 * len(words)
    size = next((name for name, room in SIZES.items() if wanted <= room), "tiny")
    widths = shares(whole, words, max(SIZES.get(size, wanted), wanted))
    for column, width in zip(columns, widths, strict=True):
        column["colwidth"] = width
    _set_in(one, size)


def _set_in(one, size):
    parent, place = one.parent, one.parent.index(one)
    parent.insert(place, latex(f"\n\\begin{{widetable}}{{{size}}}\n"))
    parent.insert(place + 2, latex("\n\\end{widetable}\n"))


def _computed(one):
    """Columns for a table that pandas made: numbers to the right, names in as few lines as fit."""
    head, *body = [[said(entry) for entry in row] for row in one.findall(nodes.row)]
    columns = list(zip(head, *body, strict=True))
    whole = [max(map(drawn_width, column)) for column in columns]
    # A space that breaks no line is none between words.
    words = [max(drawn_width(word) for line in column for word in line.split(" "))
             for column in columns]  # fmt: skip
    right = [all(NUMBER.fullmatch(line) for line in column[1:] if line) for column in columns]
    long = len(body) >= ROWS
    if long:
        one["classes"].append("longtable")
    if sum(whole) + 2.4 * len(whole) <= NORMAL:
        size, kinds = "small" if long else "", ["r" if to_right else "l" for to_right in right]
    else:
        size, widths = balanced(whole, words)
        kinds = [
            f"\\{'Y' if to_right else 'X'}{{{round(10 * width)}}}{{{10 * DIGITS[size]}}}"
            for to_right, width in zip(right, widths, strict=True)
        ]
    if size:
        _set_in(one, size)
    spec = addnodes.tabular_col_spec(spec="".join(kinds))
    one.parent.insert(one.parent.index(one), spec)


def balanced(whole, words):
    """The largest size in which no entry takes more than two lines, or else the fewest, and widths.

    Given are the widths of each column's longest entry and longest word, in digits. No word is
    broken; for the rest every column has its longest entry on about as many lines as the others.
    """
    def widths(lines):
        return [max(word, min(one, 1.15 * one / lines)) + GAP
                for one, word in zip(whole, words, strict=True)]  # fmt: skip

    sizes = [size for size in DIGITS if size != "tiny"]
    wanted = [(size, 1 + tenth / 10) for size in sizes for tenth in range(11)]
    wanted += [(size, lines) for lines in (3, 4, 6, 10) for size in sizes]
    for size, lines in wanted:
        if sum(widths(lines)) <= DIGITS[size]:
            return size, widths(lines)
    total = sum(widths(10))
    return "tiny", [width * min(1, DIGITS["tiny"] / total) for width in widths(10)]


def drawn_width(text):
    """About how wide a text is, in digits."""
    return sum(0.6 if one in NARROW else 1.5 if one in WIDE else 1 for one in text)


def shares(whole, words, room):
    """Widths of columns whose longest lines and words are given, in a line of so many letters.

    A column has room for its longest word; then the short ones get their whole lines, and what is
    left goes to the long ones, in proportion to what they lack.
    """
    widths = [word + 2 for word in words]
    spare = room - sum(widths)
    for at in sorted(range(len(whole)), key=whole.__getitem__):
        lacks = whole[at] - words[at]
        if whole[at] <= SHORT and lacks <= spare:
            widths[at] += lacks
            spare -= lacks
    # A line that is longer than these breaks anyway, and asks for no more than they do.
    lacking = [max(min(line, LONG) + 2 - width, 0)
               for line, width in zip(whole, widths, strict=True)]  # fmt: skip
    total = sum(lacking) or 1
    return [
        round(10 * (width + max(spare, 0) * lack / total))
        for width, lack in zip(widths, lacking, strict=True)
    ]


def said(entry):
    """About the letters that an entry takes in print."""
    text = []
    for node in entry.findall():
        if isinstance(node, nodes.math):
            text.append(drawn(node.astext()))
        elif isinstance(node, nodes.Text) and not isinstance(node.parent, nodes.math):
            text.append(str(node))
    return "".join(text)


def drawn(tex):
    """Letters that are about as wide as a formula; it may be broken at signs outside brackets."""
    tex = re.sub(r"\\[A-Za-z]+", "x", UNSEEN.sub("", tex))
    depth, letters = 0, []
    for letter in re.sub(r"[{}^_\\\s]", "", tex):
        depth += (letter in "([") - (letter in ")]")
        if letter in "+-=<>":
            letters.append(f"xx{letter}x" if depth else f"{letter} ")
        else:
            letters.append(letter)
    return "".join(letters)
