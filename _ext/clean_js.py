"""Take out of each page the scripts that it does not need, and from the site their sources.

Jupyter Book loads Thebe, for running cells in the page from a server elsewhere, although no
button asks for it; its settings come twice, which is an error in the browser's console. The
theme's scripts and styles come with source maps, an eighth of the site, that nobody reads.
"""

import re

SOURCE = re.compile(r"\s*(?://|/\*)# sourceMappingURL=\S+\.map(?:\s*\*/)?\s*$")


def clean(app, pagename, templatename, context, doctree):
    """Drop Thebe's scripts and style, and every script that the page has already."""
    kept = []
    seen = set()
    for script in context["script_files"]:
        file = str(script.filename or "")
        body = script.attributes.get("body") or ""
        if "sphinx-thebe" in file or "THEBE_JS_URL" in body or (file, body) in seen:
            continue
        seen.add((file, body))
        kept.append(script)
    context["script_files"][:] = kept
    context["css_files"][:] = [
        style for style in context["css_files"] if "sphinx-thebe" not in str(style.filename)
    ]


def leave_out_sources(app, exception):
    """Remove the source maps, and the lines that name them, which a browser would ask for."""
    if exception is not None or app.builder.format != "html":
        return
    static = app.outdir / "_static"
    for path in list(static.rglob("*.map")):
        path.unlink()
    for path in [*static.rglob("*.js"), *static.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        if SOURCE.search(text):
            path.write_text(SOURCE.sub("\n", text), encoding="utf-8")


def setup(app):
    # After the extensions that add scripts, so that theirs are seen.
    app.connect("html-page-context", clean, priority=900)
    app.connect("build-finished", leave_out_sources)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
