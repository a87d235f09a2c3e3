"""What a reader downloads: the wheel, book.zip, and the cell that installs the package on Colab."""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from types import SimpleNamespace

import bundle
import nbformat
import pytest
import run
import tangle
import translate
from chapters import ROOT, BookError, cells, notebooks
from tiny import cell, load, project, save

sys.path.insert(0, str(ROOT / "_ext"))
downloads = pytest.importorskip("downloads")

ADDRESS = "https://github.com/someone/their-book"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WHEEL = f"rnn_lit-{PROJECT['version']}-py3-none-any.whl"


@pytest.fixture(scope="module")
def made():
    return bundle.bundle(ROOT)


@pytest.fixture
def tangled(book):
    project(book)  # the tests below write chapters that export nothing
    tangle.tangle(book)
    return book


def opened(content):
    return zipfile.ZipFile(io.BytesIO(content))


def test_it_holds_each_chapter_as_it_is_the_wheel_and_how_to_start(made):
    assert set(made) == {"book.zip", WHEEL}
    archive = opened(made["book.zip"])
    assert {name.split("/")[0] for name in archive.namelist()} == {"rnn-book"}
    for path in notebooks():
        assert archive.read(f"rnn-book/book/{path.name}") == path.read_bytes()
    # The write-up, which is put together from the others, finds what it takes.
    assert {"rnn-book/book/write_up.py", "rnn-book/book/A-assignment.md"} <= set(archive.namelist())
    assert archive.read(f"rnn-book/{WHEEL}") == made[WHEEL]
    for name in ("LICENSE", "LICENSE-text", "CITATION.cff", "requirements.txt"):
        assert archive.read(f"rnn-book/{name}") == (ROOT / name).read_bytes()
    told = archive.read("rnn-book/README.txt").decode()
    lines = re.findall(r'pip install "([^"\[]*)\[([^]]*)\]"', told)
    assert lines[0] == (WHEEL, "chapters") and {wheel for wheel, _ in lines} == {WHEEL}
    extras = {one for _, asked in lines for one in asked.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])
    assert PROJECT["requires-python"] == ">=3.11" and "Python 3.11 or later" in told
    front = "".join(one.source for one in cells(ROOT / "book" / "index.ipynb"))
    for page in (front, (ROOT / "README.md").read_text("utf-8")):
        assert f'pip install "{WHEEL}[chapters]"' in page


def test_a_known_repository_is_named_and_its_chapters_hold_the_cell(made, monkeypatch):
    monkeypatch.setattr(bundle, "wheel", lambda root: (WHEEL, made[WHEEL]))
    archive = opened(bundle.bundle(ROOT, ADDRESS)["book.zip"])
    line = f'pip install "rnn_lit[chapters] @ git+{ADDRESS}"'
    assert line in archive.read("rnn-book/README.txt").decode()
    for path in notebooks():
        assert ADDRESS in archive.read(f"rnn-book/book/{path.name}").decode()
    assert "git+" not in opened(made["book.zip"]).read("rnn-book/README.txt").decode()


def test_the_same_sources_give_the_same_bytes(made, tmp_path):
    """Whatever the modes and times of the files: they say nothing of the package."""
    for name in bundle.SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        else:
            shutil.copy(ROOT / name, tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            os.utime(path, (10**9, 10**9))
    assert bundle.wheel(tmp_path) == (WHEEL, made[WHEEL])
    assert {one.date_time for one in opened(made["book.zip"]).infolist()} == {bundle.DATE}


def test_a_wheel_that_cannot_be_made_says_why(tmp_path):
    for name in bundle.SOURCES:
        (tmp_path / name).write_text("")
    with pytest.raises(BookError, match="the wheel could not be made:\n(?s:.*)pyproject|Traceback"):
        (tmp_path / "pyproject.toml").write_text("[project]\nname = 3\n")
        bundle.wheel(tmp_path)


def test_a_chapter_runs_from_the_wheel_in_an_empty_folder(made, tmp_path):
    """The front page: it reads two files and the package. tools/alone.py runs them all."""
    opened(made[WHEEL]).extractall(tmp_path / "package")
    (tmp_path / "empty").mkdir()
    sources = [c.source for c in cells(ROOT / "book" / "index.ipynb") if c.kind == "code"]
    text = f"import sys; sys.path.insert(0, {str(tmp_path / 'package')!r})\n"
    text += "\n".join(sources) + "\nimport rnn_lit; print(rnn_lit.__file__)\n"
    done = subprocess.run([sys.executable, "-I", "-c", text], cwd=tmp_path / "empty",
                          capture_output=True, encoding="utf-8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(str(tmp_path)), "not the wheel's"
    assert not list((tmp_path / "empty").iterdir())


def installing(text, address=ADDRESS):
    """The cell, after it was put in."""
    notebook = nbformat.reads(bundle.with_install(text, address), as_version=4)
    (found,) = [one for one in notebook.cells if one.id == bundle.COLAB]
    assert notebook.cells.index(found) == 1
    return found


def test_the_cell_for_colab_comes_and_goes_and_nothing_else_changes(first):
    text = first.read_text("utf-8")
    one = bundle.with_install(text, ADDRESS)
    assert bundle.with_install(one, ADDRESS) == one
    assert ADDRESS in one and ADDRESS not in bundle.with_install(one, ADDRESS + "s").replace(
        ADDRESS + "s", ""
    )
    assert bundle.with_install(one, "") == bundle.with_install(text, "")
    before, after = (nbformat.reads(t, as_version=4).cells for t in (text, one))
    assert [c for c in after if c.id != bundle.COLAB] == before
    assert max(map(len, installing(text).source.splitlines())) <= 79


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "http://a/b", "https://", "https://a/b'", "x"]
)
def test_what_is_no_address_is_refused(first, address):
    with pytest.raises(BookError, match="is no address of a repository, wanted https"):
        bundle.with_install(first.read_text("utf-8"), address)


def test_the_cell_installs_on_colab_and_does_nothing_elsewhere(first, monkeypatch):
    asked = []
    shell = SimpleNamespace(run_line_magic=lambda *words: asked.append(words))
    code = compile(ast.parse(installing(first.read_text("utf-8")).source), "cell", "exec")
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    exec(code, {"get_ipython": lambda: shell})
    assert asked == []
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    exec(code, {"get_ipython": lambda: shell})
    assert asked == [("pip", f"install --quiet 'rnn_lit[chapters] @ git+{ADDRESS}'")]
    assert "chapters" in PROJECT["optional-dependencies"]


def test_neither_the_tools_nor_nbval_run_the_cell(tangled):
    path = save(tangled / "book/1-first.ipynb", cell("2"), cell("print(1)"))
    notebook = nbformat.reads(bundle.with_install(path.read_text("utf-8"), ADDRESS), as_version=4)
    (colab,) = [c for c in notebook.cells if c.id == bundle.COLAB]
    colab.source = colab.source.replace("if ", "assert False\nif ")
    nbformat.write(notebook, path)
    save(tangled / "book/2-second.ipynb", cell("1"))
    tangle.tangle(tangled)
    assert run.main(["--root", str(tangled), str(path)]) == 0
    counts = [c.execution_count for c in load(path).cells[1:]]
    assert counts == [None, 1, 2] and not run.stale(path)
    options = ["-n", "0", "-q", "-p", "no:cacheprovider", "--nbval", "-c", ROOT / "pyproject.toml"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options, "--rootdir", tangled, path],
                          cwd=ROOT, capture_output=True, encoding="utf-8")  # fmt: skip
    assert "2 passed, 1 skipped" in done.stdout, done.stdout + done.stderr


def test_the_cell_can_be_put_into_every_chapter_and_is_seen_there(book, first, second, capsys):
    assert not bundle.installs_from(book, ADDRESS)
    assert bundle.main(["--colab", ADDRESS, "--root", str(book)]) == 0
    assert capsys.readouterr().out.count("wrote") == 2
    assert bundle.installs_from(book, ADDRESS) and not bundle.installs_from(book, ADDRESS + "s")
    bundle.main(["--colab", "", "--root", str(book)])
    assert not bundle.installs_from(book, ADDRESS) and ADDRESS not in first.read_text("utf-8")
    assert bundle.main(["--colab", "nowhere", "--root", str(book)]) == 2
    assert "wanted https" in capsys.readouterr().err


def test_pages_link_to_the_downloads_and_offer_them_under_the_button(tmp_path):
    from docutils import nodes

    app = SimpleNamespace(downloads={"book.zip": b"z", WHEEL: b"w"}, outdir=tmp_path)
    document = nodes.paragraph("", "", nodes.literal("", "book.zip"), nodes.literal("", "other"))
    downloads.link(app, document, "book/index")
    (reference,) = document.findall(nodes.reference)
    assert reference["refuri"] == "../book.zip" and reference.astext() == "book.zip"
    downloads.link(app, document, "book/index")  # a link stays one link
    assert len(list(document.findall(nodes.reference))) == 1
    group = {"label": "download-buttons", "buttons": []}
    context = {"header_buttons": [group, {"label": "x"}], "pathto": lambda name, _: "../" + name}
    downloads.buttons(app, "book/index", "page.html", context, None)
    assert [one["url"] for one in group["buttons"]] == ["../book.zip", "../" + WHEEL]
    assert len({one["label"] for one in group["buttons"]}) == 2


def test_downloaded_notebooks_get_the_cell_where_the_address_is_known(first, tmp_path, monkeypatch):
    kept = tmp_path / "html" / "_sources" / "book" / "1.ipynb"
    kept.parent.mkdir(parents=True)
    shutil.copy(first, kept)
    app = SimpleNamespace(downloads={"book.zip": b"z"}, outdir=tmp_path / "html")
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    downloads.write(app, RuntimeError())
    assert not (tmp_path / "html" / "book.zip").exists()
    downloads.write(app, None)
    assert kept.read_bytes() == first.read_bytes()
    assert (tmp_path / "html" / "book.zip").read_bytes() == b"z"
    monkeypatch.setenv("BOOK_REPOSITORY", ADDRESS)
    downloads.write(app, None)
    assert ADDRESS in installing(kept.read_text("utf-8"), ADDRESS).source


def test_binder_takes_the_lock_the_package_and_what_renders_it():
    binder = {path.name: path.read_text("utf-8") for path in (ROOT / "binder").iterdir()}
    assert binder["requirements.txt"].split() == ["-r", "../requirements.txt"]
    version = re.fullmatch(r"python-3\.(\d+)\s*", binder["runtime.txt"])[1]
    assert int(version) in (11, 12, 13)
    lines = re.findall(r"^python -m pip install --no-deps (.*)$", binder["postBuild"], re.M)
    lab = next(one for one in PROJECT["optional-dependencies"]["lab"] if "myst" in one)
    assert lines == ["--no-build-isolation -e .", f'"{lab}"']
    needed = {"setuptools", "ipykernel"}  # for the editable install, and for any notebook
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text("utf-8"), re.M))
    assert needed <= locked


def test_a_vietnamese_page_keeps_the_cell_as_it_is():
    """Or it would not be the cell that is looked for, and Colab would get no button."""
    one = cell("1", *bundle.TAGS)
    translate.Page({})._code(one)
    assert one.metadata.tags == bundle.TAGS
