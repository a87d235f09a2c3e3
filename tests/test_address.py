"""_ext/address.py: with an address the pages name it, without one they name none; and their day."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import surroundings
from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "_ext"))
import address  # noqa: E402
import bundle  # noqa: E402
import last_changed  # noqa: E402

ConfigError = pytest.importorskip("sphinx.errors").ConfigError
NAMES = ("BOOK_URL", "BOOK_REPOSITORY", "BOOK_REF")
GITHUB = "https://github.com/a/b"


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    config = SimpleNamespace(
        html_baseurl="", html_theme_options={}, html_title="The book", project="", root_doc="index"
    )
    title = nodes.title("", "Chapter <1>")
    builder = SimpleNamespace(format="html", get_target_uri=lambda name: f"{name}.html")
    env = SimpleNamespace(titles={"one": title}, found_docs={"one", "index"})
    (tmp_path / "html").mkdir()
    return SimpleNamespace(
        config=config, builder=builder, env=env, outdir=tmp_path / "html", srcdir=tmp_path
    )


def page(app, text="A paragraph of more than sixty letters, which says <what> the page is about."):
    document = nodes.section("", nodes.paragraph("", "short"), nodes.paragraph("", text))
    context = {"metatags": ""}
    address.card(app, "one", "page.html", context, document)
    return context["metatags"]


def test_without_an_address_nothing_is_named(app):
    address.configure(app, app.config)
    address.sitemap(app, None)
    assert page(app) == "" and app.config.html_baseurl == ""
    assert app.config.html_theme_options == {} and not list(app.outdir.iterdir())


def test_with_an_address_pages_name_it(app, monkeypatch):
    monkeypatch.setenv("BOOK_URL", "https://example.org/book/")
    address.configure(app, app.config)
    tags = page(app)
    assert app.config.html_baseurl == "https://example.org/book/"
    assert '<meta property="og:url" content="https://example.org/book/one.html">' in tags
    assert "Chapter &lt;1&gt;" in tags and "says &lt;what&gt;" in tags and "short" not in tags
    assert '<meta name="description"' in tags
    assert app.config.html_theme_options == {}  # no repository, no button
    address.sitemap(app, None)
    listed = (app.outdir / "sitemap.xml").read_text("utf-8")
    assert listed.count("<loc>") == 2 and "https://example.org/book/one.html" in listed
    robots = (app.outdir / "robots.txt").read_text("utf-8")
    assert "Sitemap: https://example.org/book/sitemap.xml" in robots


def test_a_long_description_is_cut_at_a_word(app, monkeypatch):
    monkeypatch.setenv("BOOK_URL", "https://example.org")
    address.configure(app, app.config)
    said = page(app, "word " * 100).split('name="description" content="')[1].split('"')[0]
    assert said.endswith("word …") and len(said) <= 200


def test_a_build_that_failed_leaves_no_map(app, monkeypatch):
    monkeypatch.setenv("BOOK_URL", "https://example.org")
    address.configure(app, app.config)
    address.sitemap(app, RuntimeError())
    assert not list(app.outdir.iterdir())


def test_a_repository_gets_its_buttons(app, book, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY", GITHUB + "/")
    monkeypatch.setenv("BOOK_REF", "second")
    address.configure(app, app.config)
    options = app.config.html_theme_options
    assert options["repository_url"] == GITHUB and options["repository_branch"] == "second"
    assert set(options["launch_buttons"]) == {"binderhub_url", "notebook_interface"}
    # A chapter in Colab stops at its first import unless it installs the package: no button.
    for told, button in ((GITHUB, True), (GITHUB + "-other", False)):
        bundle.main(["--colab", told, "--root", str(book)])
        address.configure(app, app.config)
        assert ("colab_url" in options["launch_buttons"]) == button
    monkeypatch.setenv("BOOK_REPOSITORY", "https://git.example.org/a/b")
    address.configure(app, app.config)
    assert app.config.html_theme_options["launch_buttons"] == {}  # these two know GitHub


@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize("value", ["http://example.org", "example.org", "https://", "https://a/?b"])
def test_what_is_no_address_is_refused_by_name(app, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name} is .*, wanted an address that begins"):
        address.configure(app, app.config)


def test_a_page_says_the_day_of_its_last_commit(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("one")
    assert last_changed.changed(tmp_path, str(page)) == ""  # no history

    def git(*arguments):
        given = "-c", "user.name=A", "-c", "user.email=a@example.org"
        return surroundings.git(*given, *arguments, folder=tmp_path).check_returncode()

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    assert last_changed.changed(tmp_path, str(tmp_path / "other.md")) == ""
    said = last_changed.changed(tmp_path, str(page))
    form = "--format=%cd", "--date=format:%d %B %Y"
    day = surroundings.git("log", "-1", *form, folder=tmp_path).stdout.decode()
    assert said == day.strip().lstrip("0")
    monkeypatch.setattr(surroundings, "git", lambda *_, **__: None)  # where git is not installed
    assert last_changed.changed(tmp_path, str(page)) == ""


def test_the_day_is_that_of_what_a_page_takes_in_as_well(tmp_path):
    root = tmp_path / "book"
    kept = {"K": ["CHANGES.md", "sub/../src/a.py", "../elsewhere.py", ".venv/lib/x.py"]}
    env = SimpleNamespace(srcdir=root, dependencies=kept, doc2path=lambda name: root / f"{name}.md")
    assert last_changed.sources(env, "K") == [
        str(root / name) for name in ("K.md", "CHANGES.md", "src/a.py")
    ]
    assert last_changed.sources(env, "other") == [str(root / "other.md")]
