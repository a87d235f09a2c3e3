"""Code cells in the PDFs: what of them is shown, their notes, and the formulas they print."""

import ast
import re

from docutils import nodes
from pdf_base import ALIGNED, WORDS, Transform, latex, target, tex
from sphinx import addnodes

TOGETHER = 14  # a shorter listing of a write-up does not break over pages
KEPT = 12  # a shorter output does not break over pages, nor a printed table of twice as many lines
BEGIN = 8  # so many lines of a longer listing stand under what announces it
MARK = re.compile(r" *# fmt: skip$", re.MULTILINE)  # for a program, not for a reader
MENTIONED = re.compile(r"\bcells?\b[^\n]*\Z")  # by the last paragraph before a folded cell
INDENT = 8  # letters that a docstring loses of the line
COLUMNS = 107  # letters in a line of a box; a wider one is set smaller


class Cells(Transform):
    """Folded code is left out, and a docstring keeps its first line."""

    default_priority = 3

    def run(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            if "tag_hide-cell" in cell["classes"]:
                before = cell.parent[max(cell.parent.index(cell) - 1, 0)]
                if "cell-note" in before.get("classes", ()):
                    before["classes"].append("left-out")
                    cell.parent.remove(cell)
                elif MENTIONED.search(before.astext()):
                    cell.replace_self(
                        nodes.paragraph("", "The cell", classes=["cell-note", "left-out"])
                    )
                else:
                    cell.parent.remove(cell)
                continue
            for part in list(cell.children):
                if part.get("nb_element") != "cell_code_source":
                    continue
                if "tag_hide-input" in cell["classes"]:
                    cell.remove(part)
                    continue
                exported = any(name.startswith("tag_export:") for name in cell["classes"])
                for block in part.findall(nodes.literal_block):
                    text = MARK.sub("", block.astext())
                    block.rawsource = text = first_lines(text) if exported else text
                    block.children = [nodes.Text(text)]


def first_lines(source):
    """Code whose docstrings of several lines are cut after their first."""
    lines = source.split("\n")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a line for IPython
        return source
    for node in ast.walk(tree):
        if not isinstance(node, kinds) or ast.get_docstring(node, clean=False) is None:
            continue
        first, last = node.body[0].lineno, node.body[0].end_lineno
        if last > first:
            quotes = '"""' if '"""' in lines[first - 1] else "'''"
            lines[first - 1] = lines[first - 1].rstrip() + quotes
            lines[first:last] = [None] * (last - first)
    return "\n".join(line for line in lines if line is not None)


class Together(Transform):
    """What announces a listing or a table stands on its page, and a short box is in one piece."""

    default_priority = 8

    def run(self, **kwargs):
        before = None
        for block in list(self.document.findall(_is_block)):
            if isinstance(block, nodes.paragraph):
                if "cell-note" not in block["classes"]:
                    before = None if isinstance(block.parent, nodes.entry) else block
                continue
            if isinstance(block, nodes.table):
                rows = list(block.findall(nodes.row))
                lines = 0 if "longtable" in block["classes"] else len(rows)
            elif isinstance(block, nodes.literal_block):
                lines = block["room"] = self._lines(block)
            else:
                if isinstance(block, nodes.math_block) and _announced(before):
                    block.parent.insert(block.parent.index(block), latex("\n\\nopagebreak\n"))
                before = None
                continue
            if _announced(before) and (lines or not self.write_up):
                before.parent.insert(
                    before.parent.index(before), latex(_room((lines or BEGIN) + 4))
                )  # fmt: skip
            elif lines and not isinstance(block, nodes.table):  # a table is in one piece anyway
                block.parent.insert(block.parent.index(block), latex(_room(lines + 2)))
            before = None

    def _lines(self, block):
        """The lines that are to stay together; none if the box may break anywhere."""
        lines = block.astext().split("\n")
        if self.write_up:
            return len(lines) + 1 if len(lines) + 1 < TOGETHER else 0
        output = block.parent.get("nb_element") != "cell_code_source"
        most = 2 * KEPT if lines[0].startswith(8 * " ") else KEPT
        return len(lines) if output and len(lines) <= most else 0


def _announced(before):
    return before is not None and before.astext().endswith(":")


def _is_block(node):
    return isinstance(node, (nodes.TextElement, nodes.table)) and not isinstance(
        node, nodes.Inline
    )  # fmt: skip


def _room(lines):
    """A new page, unless so many lines have room on this one."""
    return f"\n\\needspace{{{lines}\\baselineskip}}\n"


class Notes(Transform):
    """The notes over cells: LaTeX writes no label for a paragraph, so a link would lead nowhere."""

    default_priority = 8

    def run(self, **kwargs):
        for note in list(self.document.findall(nodes.paragraph)):
            if "cell-note" in note["classes"] and not self._joined(note):
                self._note(note)

    def _joined(self, note):
        """Is it a folded cell's, and have those that follow it taken it in?"""
        place = note.parent.index(note) + 1
        after = note.parent[place] if place < len(note.parent) else None
        both = [one for one in (note, after)
                if isinstance(one, nodes.paragraph) and "left-out" in one["classes"]]  # fmt: skip
        if len(both) < 2:
            return False
        if note.astext().strip().endswith(after.astext().strip()):
            after.clear()
            after += note.children
        else:
            after[0:0] = [*note.children, nodes.Text(", ")]
        after["ids"] += note["ids"]
        note.parent.remove(note)
        return True

    def _note(self, note):
        note["classes"].remove("cell-note")
        page = self.home(note)
        labels = "".join(target(page, name) for name in note["ids"])
        note["ids"] = []
        parent, place = note.parent, note.parent.index(note)
        after = parent[place + 1] if place + 1 < len(parent) else None
        shown = isinstance(after, nodes.container) and after.children
        if "left-out" in note["classes"] or not shown:
            note["classes"] = []
            note += nodes.Text(f" ({WORDS[self.tongue]['folded']})")
            lines = 0
        else:
            block = next(iter(after.findall(nodes.literal_block)), None)
            lines = BEGIN if block is None else min(block.astext().count("\n") + 1, BEGIN)
            lines = max(lines, block.get("room", 0)) if block is not None else lines
        note.insert(0, latex(labels))
        parent.insert(place, latex(f"{_room(lines + 3)}\\begin{{cellnote}}\n"))
        parent.insert(place + 2, latex("\n\\end{cellnote}\n"))


class Widths(Transform):
    """A box with a line that is too wide is set smaller, so that no word of it is broken."""

    default_priority = 9

    def run(self, **kwargs):
        boxes = (nodes.literal_block, nodes.doctest_block)
        for block in list(self.document.findall(lambda node: isinstance(node, boxes))):
            wide = max(map(len, block.astext().split("\n")))
            if isinstance(block.parent, addnodes.desc_content):
                wide += INDENT
            if wide > COLUMNS:
                size = "scriptsize" if 9 * wide <= 10.1 * COLUMNS else "tiny"
                place, parent = block.parent.index(block), block.parent
                parent[place : place + 1] = [
                    latex(f"\n\\begingroup\\fvset{{fontsize=\\{size}}}\n"),
                    block,
                    latex("\n\\endgroup\n"),
                ]


class Outputs(Transform):
    """A formula that a cell has printed shrinks to the line instead of running off it."""

    default_priority = 900

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math_block)):
            if not formula.get("nowrap"):
                said = tex(formula)
                if not ALIGNED.match(said):
                    said = f"\\fitted{{{said}}}\n"
                    formula.replace_self(nodes.math_block("", said, nowrap=True))
