"""Code cells in the PDFs: what of them is shown, their notes, and the formulas they print."""

import ast

from docutils import nodes
from pdf_base import ALIGNED, Transform, latex, target, tex

TOGETHER = 14  # a shorter listing of a write-up does not break over pages


class Cells(Transform):
    """Folded code is left out, and a docstring keeps its first line."""

    default_priority = 3

    def run(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            if "tag_hide-cell" in cell["classes"]:
                cell.parent.remove(cell)
                continue
            for part in list(cell.children):
                if part.get("nb_element") != "cell_code_source":
                    continue
                if "tag_hide-input" in cell["classes"]:
                    cell.remove(part)
                elif any(name.startswith("tag_export:") for name in cell["classes"]):
                    for block in part.findall(nodes.literal_block):
                        text = first_lines(block.astext())
                        block.rawsource = text
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


class Listings(Transform):
    """A short listing of a write-up stays in one piece, with the line that announces it."""

    default_priority = 8

    def run(self, **kwargs):
        if not self.write_up:
            return
        before = None
        for block in list(self.document.findall(nodes.TextElement)):
            if isinstance(block, nodes.literal_block):
                lines = block.astext().count("\n") + 2
                if lines < TOGETHER:
                    announced = before is not None and before.astext().endswith(":")
                    first = before if announced else block
                    first.parent.insert(first.parent.index(first), latex(_room(lines + 2)))
            if isinstance(block, nodes.paragraph):
                before = block


def _room(lines):
    """A new page, unless so many lines have room on this one."""
    return f"\n\\needspace{{{lines}\\baselineskip}}\n"


class Notes(Transform):
    """The notes over cells: LaTeX writes no label for a paragraph, so a link would lead nowhere."""

    default_priority = 8

    def run(self, **kwargs):
        for note in list(self.document.findall(nodes.paragraph)):
            if "cell-note" in note["classes"]:
                self._note(note)

    def _note(self, note):
        note["classes"].remove("cell-note")
        page = self.home(note)
        labels = "".join(target(page, name) for name in note["ids"])
        note["ids"] = []
        parent, place = note.parent, note.parent.index(note)
        after = parent[place + 1] if place + 1 < len(parent) else None
        if not isinstance(after, nodes.container) or not after.children:
            # Its cell is folded on the page and left out here; only the label is wanted.
            parent[place] = latex(f"\n{labels}\n") if labels else latex("\n")
            return
        note.insert(0, latex(labels))
        parent.insert(place, latex("\n\\begin{cellnote}\n"))
        parent.insert(place + 2, latex("\n\\end{cellnote}\n"))


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
