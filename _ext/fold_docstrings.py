"""On the page a shipped function's docstring shows its first line, and folds the rest.

Only cells that are exported are touched, and only as HTML: the notebook and the package keep the
docstring whole, and so does what the copy button copies, since no letter is added or left out.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

EXPORT = "tag_export:"
#: One line of a docstring, as Pygments marks it up: nothing else stands in the line.
LINE = re.compile(
    r'(?:\s|<span class="w">\s*</span>)*<span class="sd">(?P<text>.*)</span>'
)
QUOTES = ("&quot;&quot;&quot;", "&#39;&#39;&#39;", '"""', "'''")
PRE = re.compile(r"(?s)(.*<pre>(?:<span></span>)?)(.*)(</pre>.*)")


class FoldDocstrings(SphinxPostTransform):
    """Put the later lines of each docstring of an exported cell into a <details>."""

    default_priority = 500
    formats = ("html",)

    def run(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            if any(name.startswith(EXPORT) for name in cell["classes"]):
                for block in list(cell.findall(nodes.literal_block)):
                    self._fold(block)

    def _fold(self, block):
        if not block.parent or "cell_input" not in block.parent.get("classes", ()):
            return
        language = block.get("language", "python")
        highlighted = self.app.builder.highlighter.highlight_block(
            block.rawsource or block.astext(), language, location=block
        )
        folded = fold(highlighted)
        if folded != highlighted:
            wrapper = f'<div class="highlight-{language} notranslate">{folded}</div>\n'
            block.replace_self(nodes.raw("", wrapper, format="html"))


def fold(highlighted):
    """Pygments' HTML of a piece of code, with its longer docstrings folded."""
    match = PRE.fullmatch(highlighted)
    if not match:
        return highlighted
    before, code, after = match.groups()
    lines, done = code.splitlines(keepends=True), []
    while lines:
        size = docstring_lines(lines)
        if size > 1:
            first, rest = lines[0].rstrip("\n"), "".join(lines[1:size])
            done.append(
                f'<details class="docstring"><summary>{first}'
                f'<span class="docstring-more"></span>\n</summary><span>{rest}</span></details>'
            )
        else:
            done.append(lines[0])
        lines = lines[max(size, 1) :]
    return before + "".join(done) + after


def docstring_lines(lines):
    """How many lines the docstring takes that begins with the first of these; 0 for none."""
    match = LINE.fullmatch(lines[0].rstrip("\n"))
    text = match["text"] if match else ""
    quotes = next((q for q in QUOTES if re.match(rf"[rRuU]?{re.escape(q)}", text)), None)
    if quotes is None or text.count(quotes) > 1:
        return 0
    for number, line in enumerate(lines[1:], 2):
        if quotes in line:
            return number
        if line.strip() and not LINE.fullmatch(line.rstrip("\n")):
            return 0
    return 0


def setup(app):
    app.add_post_transform(FoldDocstrings)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
