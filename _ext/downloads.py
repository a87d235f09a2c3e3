"""What a reader takes away: ``book.zip`` and the package's wheel, beside the pages.

tools/bundle.py makes both. Each page's button for downloads offers them, and a literal text that
is the name of one, such as ``book.zip``, is a link to it. A notebook that is downloaded from its
page gets the cell that installs the package on Colab, where the repository's address is known.
"""

import os
import sys
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import bundle  # noqa: E402

ADDRESS = "BOOK_REPOSITORY"


def collect(app):
    """Make what is downloaded, before the pages that link to it."""
    app.downloads = {}
    # The sources of the Vietnamese edition are a copy of the book without its project.
    if app.builder.name == "html" and (Path(app.srcdir) / "pyproject.toml").exists():
        app.downloads = bundle.bundle(Path(app.srcdir), os.environ.get(ADDRESS, "").strip())


def link(app, doctree, docname):
    """Each literal text that names a download becomes a link."""
    above = "../" * docname.count("/")
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        if name in app.downloads and not isinstance(literal.parent, nodes.reference):
            reference = nodes.reference("", "", refuri=above + name, internal=True)
            literal.replace_self(reference)
            reference += literal


def buttons(app, pagename, templatename, context, doctree):
    """Two more entries under the button for downloads."""
    for group in context.get("header_buttons", []):
        if group.get("label") != "download-buttons":
            continue
        for name in app.downloads:
            whole = name == bundle.NAME
            group["buttons"].append({
                "type": "link",
                "url": context["pathto"](name, 1),
                "text": ".zip" if whole else ".whl",
                "icon": "fas fa-file-zipper" if whole else "fas fa-box",
                "tooltip": "Download all chapters" if whole else "Download the package",
                "label": f"download-{'book' if whole else 'package'}-button",
            })  # fmt: skip


def write(app, exception):
    """The files, and Colab's cell in the notebooks that the pages offer."""
    if exception is not None or not app.downloads:
        return
    for name, content in app.downloads.items():
        (Path(app.outdir) / name).write_bytes(content)
    address = os.environ.get(ADDRESS, "").strip()
    for path in (Path(app.outdir) / "_sources").rglob("*.ipynb") if address else ():
        text = path.read_text(encoding="utf-8")
        path.write_text(bundle.with_install(text, address), encoding="utf-8")


def setup(app):
    app.connect("builder-inited", collect)
    app.connect("doctree-resolved", link)
    app.connect("html-page-context", buttons, priority=800)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
