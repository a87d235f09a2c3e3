"""Over a code cell: the file of the package that it becomes, and the claims that it proves.

Both are read from the cell's tags, ``export:bptt`` and ``proves:eq-telescope``, so the page
cannot say anything else than what the tools and the tests act on. The first cell that proves
``eq-telescope`` is the target of {ref}`the check <proof-eq-telescope>`.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

EXPORT = "tag_export:"
PROVES = "tag_proves:"


class CellNotes(SphinxTransform):
    """Put a line of notes before each exported or proving cell."""

    default_priority = 400

    def apply(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code" or not cell.children:
                continue
            files = _named(cell, EXPORT)
            labels = _named(cell, PROVES)
            if files or labels:
                note = self._note(files, labels)
                cell.parent.insert(cell.parent.index(cell), note)
                for label in labels:
                    self._target(note, f"proof-{label}")

    def _note(self, files, labels):
        note = nodes.paragraph(classes=["cell-note"])
        for name in files:
            path = f"src/rnn_lit/{name}.py"
            note += nodes.inline("", "", nodes.literal(path, path), classes=["cell-file"])
            note += nodes.Text(" ")
        if labels:
            proves = nodes.inline("", "proves ", classes=["cell-proves"])
            for position, label in enumerate(labels):
                if position:
                    proves += nodes.Text(", ")
                proves += self._link(label)
            note += proves
        return note

    def _target(self, note, name):
        """Make the note what {ref}`… <name>` leads to, unless an earlier cell is that already."""
        standard = self.env.get_domain("std")
        if name not in standard.anonlabels:
            note["ids"].append(name)
            standard.anonlabels[name] = self.env.docname, name
            standard.labels[name] = self.env.docname, name, name

    def _link(self, label):
        """A link as {eq} or {prf:ref} would make it; a label that is missing fails the build."""
        equation = label.startswith(("eq-", "def-"))
        domain, role = ("math", "eq") if equation else ("prf", "ref")
        link = addnodes.pending_xref(
            label,
            refdomain=domain,
            reftype=role,
            reftarget=label,
            refexplicit=False,
            refwarn=True,
            refdoc=self.env.docname,
        )
        link += nodes.literal(label, label, classes=["xref", role])
        return link


def _named(cell, prefix):
    return [name.removeprefix(prefix) for name in cell["classes"] if name.startswith(prefix)]


def setup(app):
    app.add_transform(CellNotes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
