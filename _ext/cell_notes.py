"""Over a code cell: the file of the package that it becomes, and what it does for which claims.

Both are read from the cell's tags, ``export:bptt`` and ``proves:eq-telescope``, so the page
cannot say anything else than what the tools and the tests act on. Three verbs tell how much a
cell settles: proves, checks, illustrates. What {ref}`the check <proof-eq-telescope>` leads to is
the first cell of the book that proves ``eq-telescope``, or else checks it, or else illustrates it.
"""

from by_page import ByPage
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

EXPORT = "tag_export:"
#: The strongest first: the order of the notes over a cell, and of the targets of a link.
VERBS = ("proves", "checks", "illustrates")
#: For each page, its labels and how strong its best cell for each is.
TARGETS = ByPage("cell_note_targets")


class CellNotes(SphinxTransform):
    """Put a line of notes before each cell that is exported or does something for a claim."""

    default_priority = 400

    def apply(self, **kwargs):
        best = {}  # label: how strong the page's best cell for it is, and that cell's note
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code" or not cell.children:
                continue
            files = _named(cell, EXPORT)
            claims = {verb: _named(cell, f"tag_{verb}:") for verb in VERBS}
            if files or any(claims.values()):
                note = self._note(files, claims)
                cell.parent.insert(cell.parent.index(cell), note)
                for rank, labels in enumerate(claims.values()):
                    for label in labels:
                        if label not in best or rank < best[label][0]:
                            best[label] = rank, note
        for label, (_, note) in best.items():
            note["ids"].append(f"proof-{label}")
        TARGETS(self.env)[self.env.docname] = {label: rank for label, (rank, _) in best.items()}

    def _note(self, files, claims):
        note = nodes.paragraph(classes=["cell-note"])
        for name in files:
            path = f"src/rnn_lit/{name}.py"
            note += nodes.inline("", "", nodes.literal(path, path), classes=["cell-file"])
            note += nodes.Text(" ")
        said = nodes.inline("", "", classes=["cell-claims"])
        for verb, labels in claims.items():
            if labels:
                if said.children:
                    said += nodes.Text("; ")
                said += nodes.inline(verb, verb, classes=["cell-verb", f"cell-{verb}"])
            for position, label in enumerate(labels):
                said += nodes.Text(", " if position else " ")
                said += self._link(label)
        if said.children:
            note += said
        return note

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


def name_targets(app, env):
    """Give {ref} its targets once every page is read: the strongest cell, the first of equals."""
    standard = env.get_domain("std")
    strongest = {}
    for docname in reading_order(env):
        for label, rank in TARGETS(env).get(docname, {}).items():
            if label not in strongest or rank < strongest[label][0]:
                strongest[label] = rank, docname
    for label, (_, docname) in strongest.items():
        name = f"proof-{label}"
        standard.anonlabels[name] = docname, name
        standard.labels[name] = docname, name, name


def reading_order(env):
    """The pages as the table of contents lists them."""
    order, rest = [], [env.config.root_doc]
    while rest:
        docname = rest.pop(0)
        if docname not in order:
            order.append(docname)
            rest = list(env.toctree_includes.get(docname, ())) + rest
    return order + sorted(env.found_docs - set(order))


def setup(app):
    app.add_transform(CellNotes)
    TARGETS.connect(app)
    app.connect("env-updated", name_targets)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
