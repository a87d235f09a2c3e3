"""MathJax beside the pages, so that formulas need no network.

The script comes from the Python package sphinx-mathjax-offline, of which only this one file is
used: it holds every TeX extension and draws with SVG paths, so it loads no fonts either.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.errors import ExtensionError


def copy(app, exception):
    """Put the configured script where the pages look for it."""
    if exception is not None or app.builder.format != "html":
        return
    package = find_spec("sphinx-mathjax-offline")
    if package is None:
        raise ExtensionError("sphinx-mathjax-offline is not installed: run `make venv`")
    wanted = Path(app.config.mathjax_path)
    source = Path(package.origin).parent / "static" / wanted
    if not source.is_file():
        raise ExtensionError(f"sphinx-mathjax-offline has no {wanted}")
    target = Path(app.outdir, "_static", wanted)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def setup(app):
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
