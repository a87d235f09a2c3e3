"""Keep an inline formula and the punctuation that touches it on one line.

A browser may break a line on either side of a drawing, so a full stop behind a formula could
begin the next line, and a bracket before one could end a line.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

OPENING = re.compile(r"[(\[“‘]+$")
CLOSING = re.compile(r"^(?:[.,;:!?)\]”’%]|-\w+)+")


class MathPunctuation(SphinxPostTransform):
    """Wrap each such formula and its punctuation together."""

    default_priority = 500
    formats = ("html",)

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            place = parent.index(formula)
            before = _cut(parent, place - 1, OPENING) if place else ""
            after = _cut(parent, place + 1, CLOSING) if place + 1 < len(parent) else ""
            if before or after:
                together = nodes.inline(classes=["together"])
                parent.replace(formula, together)
                together += [nodes.Text(before), formula, nodes.Text(after)]


def _cut(parent, place, pattern):
    """Take what matches out of a text beside a formula; returns what was taken."""
    text = parent[place]
    match = pattern.search(text.astext()) if isinstance(text, nodes.Text) else None
    if not match:
        return ""
    whole = text.astext()
    parent[place] = nodes.Text(whole[: match.start()] + whole[match.end() :])
    return match.group()


def setup(app):
    app.add_post_transform(MathPunctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
