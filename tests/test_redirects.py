"""An address that a page once had leads to where the page is now."""

import re
import sys
from types import SimpleNamespace

import pytest
import surroundings
import yaml
from chapters import ROOT, pages
from docutils import nodes

pytest.importorskip("sphinx")
sys.path.insert(0, str(ROOT / "_ext"))
import redirects  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
TABLE = CONFIG["page_redirects"]
PAGES = {path.relative_to(ROOT).with_suffix("").as_posix() for path in pages()}
SOURCE = re.compile(r"book/[\w-]+\.(?:md|ipynb)")


def names_once_used():
    """Every name that a page of the book ever had, by git's history."""
    shallow = surroundings.git("rev-parse", "--is-shallow-repository", folder=ROOT)
    if shallow is None or shallow.stdout.decode().strip() != "false":
        pytest.skip("there is no history to look at")
    told = surroundings.git("log", "--no-renames", "--diff-filter=D", "--name-only", "--format=",
                            "--", "book", folder=ROOT)  # fmt: skip
    names = told.stdout.decode("utf-8").split("\n")
    return {name.rsplit(".", 1)[0] for name in names if SOURCE.fullmatch(name)}


def test_every_old_name_leads_on():
    assert not list(redirects.faults(TABLE, PAGES))
    assert names_once_used() - PAGES <= set(TABLE)


def app(tmp_path, table, baseurl=""):
    titles = {"book/new": nodes.title("", "New & old")}
    return SimpleNamespace(
        builder=SimpleNamespace(name="html"), outdir=tmp_path,
        config=SimpleNamespace(page_redirects=table, html_baseurl=baseurl),
        env=SimpleNamespace(found_docs={"book/new"}, titles=titles),
    )  # fmt: skip


def test_the_page_names_the_new_address(tmp_path):
    table = {"book/old": "book/new", "older": "book/new"}
    redirects.write(app(tmp_path, table, "https://example.org/"), None)
    beside = (tmp_path / "book" / "old.html").read_text(encoding="utf-8")
    assert beside.count('"new.html"') == 2 and 'content="0; url=new.html"' in beside
    assert '<link rel="canonical" href="https://example.org/book/new.html">' in beside
    assert "<title>New &amp; old</title>" in beside
    above = (tmp_path / "older.html").read_text(encoding="utf-8")
    assert above.count('"book/new.html"') == 2


def test_without_an_address_the_new_page_is_still_the_one_that_counts(tmp_path):
    redirects.write(app(tmp_path, {"book/old": "book/new"}), None)
    page = (tmp_path / "book" / "old.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="new.html">' in page


def test_a_table_that_leads_astray_fails_the_build(tmp_path):
    for table, told in (
        ({"book/old": "book/gone"}, "no page of the book"),
        ({"book/new": "book/new"}, "is a page of the book"),
    ):
        with pytest.raises(ExtensionError, match=told):
            redirects.write(app(tmp_path, table), None)
    assert not list(tmp_path.iterdir())
