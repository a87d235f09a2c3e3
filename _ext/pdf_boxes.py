"""Proofs, exercises and other boxes in the PDFs."""

from docutils import nodes
from pdf_base import Transform, latex, target
from sphinx_proof.nodes import proof_node


class Boxes(Transform):
    """Proofs become text, and what a link leads to gets its label."""

    default_priority = 8

    def run(self, **kwargs):
        for proof in list(self.document.findall(proof_node)):
            self._proof(proof)
        for link in list(self.document.findall(nodes.reference)):
            if "to-solution" in link["classes"]:  # a button on the page
                link.parent.remove(link)
        for box in list(self.document.findall(nodes.admonition)):
            # Before an exercise and its solution _ext/exercises.py has put a target.
            if box["ids"] and not {"exercise", "solution"} & set(box["classes"]):
                page = self.home(box)
                labels = "".join(target(page, one) for one in box["ids"])
                box.parent.insert(box.parent.index(box), latex(f"\n{labels}\n"))

    def _proof(self, proof):
        """A proof is text like other text, with a mark at its end."""
        box = proof[0]
        first = box[0][0]
        box[0][0:1] = [nodes.emphasis("", "Proof."), nodes.Text(first.removeprefix("Proof."))]
        place, parent = proof.parent.index(proof), proof.parent
        parent[place : place + 1] = [
            latex("\n\\begin{bookproof}\n"),
            *box.children,
            nodes.math_block("", "\\end{bookproof}\n", nowrap=True),  # without an empty line
        ]
