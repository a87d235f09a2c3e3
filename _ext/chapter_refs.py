"""A link to a chapter without a text of its own says "chapter 4", not the chapter's title.

A title in the middle of a sentence reads as a noun ("the proof of The proof"). Appendices have
letters, from their files' names; on a Vietnamese page the words are Vietnamese ones.
"""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform

WORDS = {"en": ("chapter", "appendix"), "vi": ("chương", "phụ lục")}
BEGINS = re.compile(r"(^|[.:?!]|\n)[\s\"“(]*$")


def name(number, docname, language):
    """What a page is called that has a number, or as an appendix a letter; None for others."""
    chapter, appendix = WORDS[language]
    if isinstance(number, int):
        return f"{chapter} {number}"
    letter = re.match(r"(?:.*/)?([A-Z])-", docname)
    return f"{appendix} {letter[1]}" if letter else None


def before(node):
    """The text of the paragraph up to a node."""
    found, inner = "", node
    while not isinstance(inner, nodes.TextElement) or isinstance(inner, pending_xref):
        inner = inner.parent
    for part in inner.findall():
        if part is node:
            return found
        if isinstance(part, nodes.Text):
            found += part
    return found


class Names(SphinxPostTransform):
    """Give such links their text before they are resolved."""

    default_priority = 5

    def run(self):
        languages = self.config.page_languages
        labels, numbers = self.env.get_domain("std").labels, self.env.toc_secnumbers
        for link in list(self.document.findall(pending_xref)):
            if link.get("reftype") != "ref" or link.get("refexplicit"):
                continue
            target = link["reftarget"]
            if not target.startswith(("ch-", "app-")) or target not in labels:
                continue
            docname = labels[target][0]
            number = numbers.get(docname, {}).get("")
            page = link.get("refdoc", self.env.docname)  # a PDF is made of many
            language = languages.get(page, self.config.language)
            said = name(number and number[0], docname, language)
            if said is None:
                continue
            if BEGINS.search(before(link)):
                said = said[0].upper() + said[1:]
            link["refexplicit"] = True
            link.clear()
            link.append(nodes.inline(said, said, classes=["std", "std-ref"]))


def setup(app):
    app.add_post_transform(Names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
