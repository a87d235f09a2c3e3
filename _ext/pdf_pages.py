"""The pages as PDFs: the whole book, and each write-up as a paper with a title page (`make pdf`).

Only the LaTeX builder is touched. Numbers of equations are those of the pages; what the pages fold
is left out; a docstring keeps its first line. In the book the captions of the table of contents
become parts and the appendices get their letters. A write-up is a document by itself: what it
refers to elsewhere is named, and linked if BOOK_URL says where the pages are.

This says which documents there are; the modules named pdf_… beside it hold the transforms.
"""

from pdf_book import Structure
from pdf_boxes import Boxes
from pdf_cells import Cells, Notes, Outputs, Together, Widths
from pdf_numbers import Numbers, Outside
from pdf_tables import Pandas, Shapes
from pdf_write_up import Paper, Works
from sphinx.util.nodes import clean_astext
from sphinx.util.texescape import escape

BOOK = "book"  # the file of the whole book; a write-up's is called like its page
#: Those of one priority are applied in this order.
TRANSFORMS = (Pandas, Cells, Structure, Paper, Numbers, Outside, Works, Shapes, Boxes, Together,
              Notes, Widths, Outputs)  # fmt: skip


def documents(app, env):
    """The LaTeX documents; Jupyter Book refuses more than one in its own settings."""
    if app.builder.name != "latex":
        return []
    config = app.config
    title, author = (escape(one, "xelatex") for one in (config.html_title, config.author))
    found = [(config.root_doc, f"{BOOK}.tex", title, author, "manual")]
    for page in config.pdf_write_ups:
        if page in env.found_docs:
            title = escape(clean_astext(env.titles[page]), "xelatex")
            found.append((page, f"{page.rsplit('/', 1)[-1]}.tex", title, author, "howto"))
    config.latex_documents = found
    return []


def setup(app):
    app.add_config_value("pdf_write_ups", [], "env", types=[list])
    app.add_config_value("pdf_references", "D-references", "env", types=[str])
    app.add_config_value("pdf_front_title", "The book in brief", "env", types=[str])
    app.connect("env-updated", documents)
    for one in TRANSFORMS:
        app.add_post_transform(one)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
