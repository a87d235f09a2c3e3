"""What the transforms of the PDFs share (pdf_pages.py lists them)."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WORDS = {
    "en": {"theorem": "Theorem", "lemma": "Lemma", "algorithm": "Algorithm", "figure": "Fig.",
           "folded": "folded on its page, not printed"},
    "vi": {"theorem": "Định lý", "lemma": "Bổ đề", "algorithm": "Thuật toán", "figure": "Hình",
           "folded": "được gập lại trên trang, không in ở đây"},
}
#: A formula that numbers or aligns its lines itself.
ALIGNED = re.compile(r"\s*\\begin\{(align|gather|multline)\*?\}")


class Transform(SphinxPostTransform):
    """One that knows whose document it works on."""

    builders = ("latex",)

    @property
    def root(self):
        return self.document.get("docname")

    @property
    def write_up(self):
        return self.root in self.config.pdf_write_ups

    @property
    def tongue(self):
        return self.config.page_languages.get(self.root, "en") if self.write_up else "en"

    def home(self, node):
        """The page that a node came from."""
        while node is not None:
            if "docname" in getattr(node, "attributes", ()):
                return node["docname"]
            node = node.parent
        return self.root

    def page_language(self, page):
        return self.config.page_languages.get(page, "en")


def latex(text):
    """A node that LaTeX gets as it stands."""
    return nodes.raw("", text, format="latex")


def target(page, name):
    """What a link to that name on that page leads to."""
    return f"\\phantomsection\\label{{\\detokenize{{{page}:{name}}}}}"


def number(env, page, kind, ids):
    """A number as the pages show it, an empty text where there is none."""
    found = env.toc_fignumbers.get(page, {}).get(kind, {}).get(ids, ())
    return ".".join(map(str, found))


def tex(formula):
    """The TeX of a formula, without empty lines, which LaTeX forbids there."""
    return "\n".join(line for line in formula.astext().splitlines() if line.strip())
