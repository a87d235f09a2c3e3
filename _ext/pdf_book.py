"""The whole book as a PDF: the captions of its contents are parts, appendices have letters."""

import re

from docutils import nodes
from pdf_base import Transform, latex
from sphinx import addnodes
from sphinx.util.nodes import clean_astext
from sphinx.util.texescape import escape

ROMAN = re.compile(r"^[IVXL]+\.\s+")
# Sphinx numbers by \arabic{chapter}; an appendix has a letter, as on the pages.
APPENDIX = "\\appendix\n\\setcounter{secnumdepth}{0}\n" + "".join(
    f"\\renewcommand{{\\the{name}}}{{\\thechapter.\\arabic{{{name}}}}}\n"
    for name in ("equation", "figure", "table")
)


class Structure(Transform):
    """The book: the front page as a chapter without a number, parts, appendices."""

    default_priority = 3

    def run(self, **kwargs):
        files = list(self.document.findall(addnodes.start_of_file))
        for file in files:
            if file["docname"] in self.config.pdf_write_ups:  # they are documents by themselves
                file.parent.remove(file)
        if self.write_up:
            return
        self._front()
        self._works()
        captions = {}
        for toctree in self.env.get_doctree(self.root).findall(addnodes.toctree):
            entries = [page for _, page in toctree["entries"]]
            if toctree.get("caption") and entries:
                chapters = toctree.get("numbered") and toctree.get("style") != "alphaupper"
                captions[entries[0]] = toctree["caption"], bool(chapters)
        begun = False
        for file in list(self.document.findall(addnodes.start_of_file)):
            caption, numbered = captions.get(file["docname"], ("", True))
            if not caption:
                continue
            said = escape(ROMAN.sub("", caption), "xelatex")
            code = "" if begun else "\\setcounter{secnumdepth}{1}\n"
            if "appendi" in caption.lower():
                code += APPENDIX + f"\\bookpart{{{said}}}\n"
            elif numbered:
                code += f"\\part{{{said}}}\n"
            else:
                code += f"\\setcounter{{secnumdepth}}{{-1}}\n\\bookpart{{{said}}}\n"
            begun = True
            file.parent.insert(file.parent.index(file), latex("\n" + code))

    def _works(self):
        """LaTeX moves a list of references to the end; its place says so."""
        for one in list(self.document.findall()):
            if type(one).__name__ == "bibliography":
                said = nodes.paragraph("", "The list is the bibliography at the end of this book.")
                one.parent.insert(one.parent.index(one), said)

    def _front(self):
        """Everything before the first chapter becomes one chapter."""
        top = next(iter(self.document.findall(nodes.section)))
        moved = [
            child for child in top.children
            if not isinstance(child, nodes.title)
            and next(iter(child.findall(addnodes.start_of_file)), None) is None
        ]  # fmt: skip
        for child in moved:
            top.remove(child)
        # It takes over the page's names, under which links and statements look for it.
        names = [clean_astext(self.env.titles[self.root]).lower()]
        front = nodes.section(ids=top["ids"], names=names, docname=self.root)
        top["ids"], top["names"] = ["book"], ["book"]
        front += nodes.title("", self.config.pdf_front_title)
        front += moved
        top.insert(1, front)
        top.insert(1, latex("\n\\setcounter{secnumdepth}{-1}\n"))
