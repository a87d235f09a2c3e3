"""Pages that lead on from an address that a page once had: ``page_redirects`` in _config.yml.

A static site cannot answer "moved", so a small page stands there. It names the new address as the
one that counts, and keeps what of the old one stands behind the #.
"""

import os
from html import escape

from sphinx.errors import ExtensionError

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="canonical" href="{canonical}">
<meta http-equiv="refresh" content="0; url={address}">
<script>location.replace("{address}" + location.search + location.hash);</script>
</head>
<body><main><h1>This page has moved</h1><p><a href="{address}">{title}</a></p></main></body>
</html>
"""


def faults(redirects, pages):
    """What is wrong with the table, in words."""
    for old, new in sorted(redirects.items()):
        if old in pages:
            yield f"{old} is a page of the book"
        if new not in pages:
            yield f"{old} leads to {new}, which is no page of the book"


def write(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    redirects = app.config.page_redirects
    wrong = list(faults(redirects, app.env.found_docs))
    if wrong:
        raise ExtensionError(f"page_redirects: {'; '.join(wrong)}")
    for old, new in redirects.items():
        path = app.outdir / f"{old}.html"
        address = os.path.relpath(app.outdir / f"{new}.html", path.parent).replace(os.sep, "/")
        base = app.config.html_baseurl
        said = PAGE.format(
            title=escape(app.env.titles[new].astext()),
            address=escape(address),
            canonical=escape(f"{base}{new}.html" if base else address),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(said, encoding="utf-8")


def setup(app):
    app.add_config_value("page_redirects", {}, "html", types=[dict])
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
