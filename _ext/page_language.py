"""Pages in another language than the book's: ``page_languages`` in _config.yml, {page: tag}.

A screen reader chooses its voice, and a browser its hyphens, by the attribute ``lang``. What the
theme puts around such a page stays in the book's language, so the mark stands on the page's own
outermost section. What Sphinx writes into the page, "Fig. 3" and "Theorem 4.1", is in the page's
language. Words in its formulas are set in the page's letters, since MathJax's lack most accents.
"""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

WORDS = {
    "vi": {
        "theorem": "Định lý", "lemma": "Bổ đề", "corollary": "Hệ quả", "algorithm": "Thuật toán",
        "figure": "Hình", "table": "Bảng",
    },
}  # fmt: skip
AFTER_MATHJAX = 600  # Sphinx writes MathJax's own settings with 500
OUTERMOST = re.compile(r"<section\b(?![^>]*\blang=)")


def mark(app, pagename, templatename, context, doctree):
    """Write the language of a page on its outermost section."""
    language = app.config.page_languages.get(pagename)
    if language is None or doctree is None:
        return
    marked, count = OUTERMOST.subn(f'<section lang="{language}"', context["body"], count=1)
    if not count:
        raise ExtensionError(f"{pagename} has no section on which to mark its language")
    for kind in ("figure", "table"):
        said = app.config.numfig_format[kind].partition("%s")[0].strip()
        marked = marked.replace(
            f'<span class="caption-number">{said} ',
            f'<span class="caption-number">{WORDS.get(language, {}).get(kind, said)} ',
        )
    context["body"] = marked


def letters(app, pagename, templatename, context, doctree):
    """Tell MathJax to set words in formulas as the text around them is set."""
    if app.config.page_languages.get(pagename, app.config.language) != "en":
        own = "window.MathJax = {...window.MathJax, svg: {mtextInheritFont: true}}"
        app.builder.add_js_file("", priority=AFTER_MATHJAX, body=own)


class Statements(SphinxPostTransform):
    """A link to a statement, {prf:ref}`thm-x`, says its name in the page's language."""

    default_priority = 5

    def run(self):
        words = WORDS.get(self.config.page_languages.get(self.env.docname), {})
        for link in list(self.document.findall(pending_xref)):
            proof = self.env.proof_list.get(link["reftarget"]) if words else None
            if link.get("refdomain") != "prf" or link.get("refexplicit") or not proof:
                continue
            numbers = self.env.toc_fignumbers.get(proof["docname"], {})
            number = numbers.get(proof["countertype"], {}).get(link["reftarget"], ())
            said = f"{words[proof['realtype']]} {'.'.join(map(str, number))}".strip()
            link["refexplicit"] = True
            link.clear()
            link.append(nodes.inline(said, said, classes=["std", "std-ref"]))


def known(app, env):
    """Each page that is named exists."""
    missing = sorted(set(app.config.page_languages) - set(env.found_docs))
    if missing:
        raise ExtensionError(f"page_languages names no page of the book: {', '.join(missing)}")


def setup(app):
    app.add_config_value("page_languages", {}, "html", types=[dict])
    app.connect("env-check-consistency", known)
    app.connect("html-page-context", mark)
    app.connect("html-page-context", letters)
    app.add_post_transform(Statements)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
