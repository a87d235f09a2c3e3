"""A picture without a description is a warning, so it fails the build.

Where an output has no alternative text, the page would carry the file's name instead, which a
screen reader reads out and an automatic check takes for a description.
"""

import re

from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)


def check(app, doctree, docname):
    """Warn of every image whose description is missing or is a file's name."""
    for image in doctree.findall(nodes.image):
        alt = (image.get("alt") or "").strip()
        if not alt or FILE_NAME.search(alt):
            LOGGER.warning(
                "a picture has no alternative text; give the cell's metadata "
                '{"mystnb": {"image": {"alt": "…"}}}, or the figure its :alt:',
                location=docname,
            )


def setup(app):
    app.connect("doctree-resolved", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
