"""What the search of the pages reads: their prose, by sections, in one script beside the index.

Sphinx's own index lists words by pages and says neither how often nor where, and for an excerpt it
fetches whole pages, navigation and code included, which a page opened as a file may not. So
``search.js``, beside this file, ranks the pages by this text and quotes from it. Code is left to
Sphinx's index. ``search_words`` in _config.yml names, for a page, words under which a reader may
look for it and that its text does not use.
"""

import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

#: Not prose: code and its output, pictures, displayed formulas, the API's entries, comments.
LEFT_OUT = (
    nodes.literal_block, nodes.raw, nodes.image, nodes.math_block, nodes.comment, addnodes.desc,
    addnodes.toctree, addnodes.index, nodes.system_message,
)  # fmt: skip
BLOCKS = (nodes.TextElement, nodes.entry, nodes.list_item)
#: TeX that can be read as it stands once its braces are gone.
PLAIN = re.compile(r"[\w\s=+\-*/<>()[\],.^{}']{1,24}")


def formula(tex):
    """What an excerpt shows of a formula in a line."""
    return re.sub(r"[{}]", "", tex).strip() if PLAIN.fullmatch(tex) else "…"


def words(node):
    """The text of a node, without what is no prose."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.math):
        return formula(node.astext())
    if isinstance(node, LEFT_OUT) or "cell-note" in node.get("classes", ()):
        return ""
    inner = "".join(words(child) for child in node.children)
    return f"{inner} " if isinstance(node, BLOCKS) and not isinstance(node, nodes.Inline) else inner


def sections(document):
    """The page's sections as [place, heading, text], each without those below it."""
    found = []
    for section in document.findall(nodes.section):
        title = section.next_node(nodes.title, descend=True)
        if title is None or title.parent is not section:
            continue  # sphinx-proof puts what a theorem says into a section without a title
        text = "".join(_of_section(child) for child in section.children if child is not title)
        found.append([section["ids"][0], _tidy(words(title)), _tidy(text)])
    return found


def _of_section(node):
    """The words of a part of a section; what stands under a heading of its own is not of it."""
    own = isinstance(node, nodes.section) and isinstance(node.children[0], nodes.title)
    return "" if own else words(node)


def _tidy(text):
    return " ".join(text.split())


def read(app, doctree, docname):
    """Keep what a page says, when its references are resolved."""
    if app.builder.name == "html":
        _texts(app.env)[docname] = sections(doctree)


def title(env, docname):
    """A page's title with its number or letter, as the table of contents shows it."""
    number = env.titles[docname].get("secnumber")
    said = _tidy(words(env.titles[docname]))
    return f"{number[0]}. {said}" if number else said


def _texts(env):
    if not hasattr(env, "search_texts"):
        env.search_texts = {}
    return env.search_texts


def merge(app, env, docnames, other):
    _texts(env).update(_texts(other))


def write(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    known, asked = _texts(app.env), app.config.search_words
    missing = sorted(set(asked) - set(known))
    if missing:
        raise ExtensionError(f"search_words names no page of the book: {', '.join(missing)}")
    pages = {
        docname: {"title": title(app.env, docname), "words": asked.get(docname, ""),
                  "sections": known[docname]}
        for docname in sorted(known)
    }  # fmt: skip
    script = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
    static = Path(app.outdir, "_static")
    (static / "search_text.js").write_text(f"const SEARCH_TEXT = {script};\n", encoding="utf-8")
    # Not from the project's _static, whose scripts Jupyter Book loads on every page.
    shutil.copyfile(Path(__file__).with_name("search.js"), static / "search.js")


def scripts(app, pagename, templatename, context, doctree):
    """Only the page of the search loads them."""
    if pagename == "search":
        for name in ("search_text.js", "search.js"):
            app.add_js_file(name, loading_method="defer")


def setup(app):
    app.add_config_value("search_words", {}, "env", types=[dict])
    app.connect("doctree-resolved", read)
    app.connect("env-merge-info", merge)
    app.connect("html-page-context", scripts)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
