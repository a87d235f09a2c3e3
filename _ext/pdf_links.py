"""Links to the PDFs, under the title of the front pages and of the write-ups.

A PDF that `make pdf` has made comes along into the folder `pdf` beside the pages. Where there is
none, no page says anything of it.
"""

import shutil
from html import escape
from pathlib import Path

#: What a link says, by the page's language: {file: (language of the PDF, words)}.
SAID = {
    "en": {
        "write-up": ("en", "the write-up in English"),
        "vi-write-up": ("vi", "the write-up in Vietnamese"),
        "book": ("en", "the whole book"),
    },
    "vi": {
        "vi-write-up": ("vi", "bài viết bằng tiếng Việt"),
        "write-up": ("en", "bài viết bằng tiếng Anh"),
        "book": ("en", "toàn bộ cuốn sách (tiếng Anh)"),
    },
}


def made(app):
    """The PDFs that there are: {name: path}."""
    return {path.stem: path for path in sorted(Path(app.srcdir, "_build", "pdf").glob("*.pdf"))}


def links(found, language, pathto):
    """A paragraph of links to the PDFs that were found; an empty text for none."""
    said = [
        f'<a href="{escape(pathto(f"pdf/{name}.pdf", resource=True))}" hreflang="{of}" '
        f'type="application/pdf">{words}</a>'
        for name, (of, words) in SAID[language].items()
        if name in found
    ]
    return f'<p class="pdf-links">PDF: {", ".join(said)}</p>' if said else ""


def show(app, pagename, templatename, context, doctree):
    language = app.config.page_languages.get(pagename, "en")
    front = pagename == app.config.root_doc or pagename in app.config.pdf_front_pages
    if doctree is None or not (front or pagename in app.config.pdf_write_ups):
        return
    before, heading, after = context["body"].partition("</h1>")
    if heading:
        said = links(made(app), language, context["pathto"])
        context["body"] = f"{before}{heading}\n{said}{after}"


def copy(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    target = Path(app.outdir, "pdf")
    shutil.rmtree(target, ignore_errors=True)  # one that is no longer made is no longer there
    if found := made(app):
        target.mkdir(parents=True)
        for path in found.values():
            shutil.copyfile(path, target / path.name)


def setup(app):
    app.add_config_value("pdf_front_pages", ["book/vi-index"], "env", types=[list])
    app.connect("html-page-context", show)
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
