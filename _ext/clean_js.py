"""Take out of each page the scripts that it does not need.

Jupyter Book loads Thebe, for running cells in the page from a server elsewhere, although no
button asks for it; its settings come twice, which is an error in the browser's console.
"""


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


def setup(app):
    # After the extensions that add scripts, so that theirs are seen.
    app.connect("html-page-context", clean, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
