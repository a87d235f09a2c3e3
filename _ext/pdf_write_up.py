"""A write-up as a PDF by itself: abstract on the title page, the works it cites at its end."""

import re

from docutils import nodes
from pdf_base import Transform, latex
from sphinx import addnodes
from sphinx.util.nodes import clean_astext
from sphinx.util.texescape import escape


class Paper(Transform):
    """A write-up: its abstract on the title page, and at its end the works that it cites."""

    default_priority = 3

    def run(self, **kwargs):
        if not self.write_up:
            return
        found = {name: section for section in self.document.findall(nodes.section)
                 for name in section["ids"]}  # fmt: skip
        title = next(iter(self.document.findall(nodes.title)))
        title.children = [nodes.Text(clean_astext(title))]  # without a mark of its language
        ending = "" if self.tongue == "en" else f"-{self.tongue}"
        abstract = self._section(found, f"write-up-abstract{ending}")
        title = escape(clean_astext(abstract[0]), "xelatex")
        place = abstract.parent.index(abstract)
        # A line that leads to the other language's page has its place on the page only.
        abstract.parent[1 : place + 1] = [
            latex(f"\n\\begin{{bookabstract}}{{{title}}}\n"),
            *abstract.children[1:],
            latex("\n\\end{bookabstract}\n"),
        ]
        keys = {
            key for cite in self.document.findall(addnodes.pending_xref)
            if cite.get("refdomain") == "cite" for key in cite["reftarget"].split(",")
        }  # fmt: skip
        references = self._section(found, f"write-up-references{ending}")
        heading = escape(clean_astext(references[0]), "xelatex")
        references.replace_self(references := nodes.container())
        references += latex(f"\n\\renewcommand{{\\refname}}{{{heading}}}\n")
        references += nodes.container("", classes=["cited-works"], keys=sorted(keys))
        source = next(
            page for page in self.env.found_docs if page.endswith(self.config.pdf_references)
        )
        references += [
            one.deepcopy() for one in self.env.get_doctree(source).findall()
            if type(one).__name__ == "bibliography"
        ]  # fmt: skip

        for mark in list(self.document.findall(nodes.raw)):
            if re.match(r"<span lang=", mark.astext()) and mark.parent is not None:
                self._other(mark)

    def _other(self, mark):
        """Take out a link to the page in another language, with what is said before it."""
        parent, begin = mark.parent, mark.parent.index(mark)
        for end in range(begin + 1, len(parent)):
            if isinstance(parent[end], nodes.raw) and parent[end].astext() == "</span>":
                inside = parent[begin:end]
                if any(isinstance(one, addnodes.pending_xref) for one in inside):
                    del parent[begin : end + 1]
                return

    def _section(self, found, name):
        if name not in found:
            raise ValueError(f"{self.root} has no section ({name})=, which its PDF needs")
        return found[name]


class Works(Transform):
    """Of the copied list of references, those that the write-up cites."""

    default_priority = 890  # the entries are written, and the links to them resolved

    def run(self, **kwargs):
        for mark in list(self.document.findall(nodes.container)):
            if "cited-works" not in mark["classes"]:
                continue
            cited = self.env.get_domain("cite").citations
            wanted = {one.citation_id for one in cited if one.key in mark["keys"]}
            mark.parent.remove(mark)
            for entry in list(self.document.findall(nodes.citation)):
                if not wanted & set(entry["ids"]):
                    entry.parent.remove(entry)
                # What another document, written before, has left in the entry.
                entry.children = entry.children[:2]
