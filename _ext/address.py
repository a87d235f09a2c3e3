"""What pages carry when it is known where they are published; without an address, nothing.

Read from the environment, which the publishing workflow sets from what GitHub knows:

- ``BOOK_URL``, the site's address: canonical links, a card for links from elsewhere, a description,
  ``sitemap.xml`` and ``robots.txt``;
- ``BOOK_REPOSITORY``, the repository's, and ``BOOK_REF``, its branch (``main``): buttons to the
  repository and its issues, and to Binder, which takes notebooks from GitHub; to Colab only where
  the chapters hold the cell that installs the package there (``tools/bundle.py --colab``).
"""

import os
import sys
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.errors import ConfigError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import bundle  # noqa: E402

DESCRIPTION = 200  # characters at most


def known(name):
    """A public address without a slash at its end, or an empty text."""
    value = os.environ.get(name, "").strip().rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment):
        raise ConfigError(f"{name} is {value!r}, wanted an address that begins with https://")
    return value


def configure(app, config):
    """Before the theme reads its options."""
    url, repository = known("BOOK_URL"), known("BOOK_REPOSITORY")
    config.html_baseurl = url + "/" if url else ""
    if not repository:
        return
    launch = {}
    if urlsplit(repository).netloc == "github.com":
        launch = {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"}
        if bundle.installs_from(Path(app.srcdir), repository):
            launch["colab_url"] = "https://colab.research.google.com"
    config.html_theme_options.update(
        repository_url=repository,
        repository_branch=os.environ.get("BOOK_REF", "").strip() or "main",
        path_to_docs="",
        launch_buttons=launch,
        use_repository_button=True,
        use_issues_button=True,
    )


def description(doctree):
    """The page's first paragraph of some length, cut at a word."""
    texts = (" ".join(p.astext().split()) for p in doctree.findall(nodes.paragraph))
    text = next((text for text in texts if len(text) > 60), "")
    if len(text) <= DESCRIPTION:
        return text
    return text[: DESCRIPTION - 2].rsplit(" ", 1)[0] + " …"


def card(app, pagename, templatename, context, doctree):
    """What another site shows of a link to this page."""
    base = app.config.html_baseurl
    if not base or doctree is None:
        return
    said = description(doctree)
    tags = {
        "og:type": "website" if pagename == app.config.root_doc else "article",
        "og:title": app.env.titles[pagename].astext(),
        "og:site_name": app.config.html_title or app.config.project,
        "og:url": base + app.builder.get_target_uri(pagename),
        "og:description": said,
    }
    lines = [f'<meta property="{name}" content="{escape(value)}">' for name, value in tags.items()]
    lines.append('<meta name="twitter:card" content="summary">')
    lines.append(f'<meta name="description" content="{escape(said)}">')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def sitemap(app, exception):
    """sitemap.xml, and robots.txt, which names it."""
    base = app.config.html_baseurl
    if exception is not None or not base or app.builder.format != "html":
        return
    pages = [base + app.builder.get_target_uri(name) for name in sorted(app.env.found_docs)]
    urls = "".join(f"<url><loc>{escape(page)}</loc></url>\n" for page in pages)
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    whole = f'{head}<urlset xmlns="{space}">\n{urls}</urlset>\n'
    (app.outdir / "sitemap.xml").write_text(whole, encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n"
    (app.outdir / "robots.txt").write_text(robots, encoding="utf-8")


def setup(app):
    app.connect("config-inited", configure, priority=100)
    app.connect("html-page-context", card)
    app.connect("build-finished", sitemap)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
