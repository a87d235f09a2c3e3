"""tools/run.py renews what changed, keeps the rest to the byte, and never spoils a notebook."""

import base64
import io
import shutil
import subprocess
import sys

import psutil
import pytest
import surroundings
import tangle
from tiny import cell, edit, load, project, save

run = pytest.importorskip("run")
PICTURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


@pytest.fixture
def tangled(book):
    project(book)  # the tests below write chapters that export nothing
    tangle.tangle(book)
    return book


def go(book, *paths):
    return run.main(["--root", str(book), *map(str, paths)])


def texts(path):
    """What each code cell printed."""
    return ["".join(o.get("text", "") for o in c.outputs) for c in load(path).cells[1:]]


def test_it_stores_the_outputs_and_counts_from_one(tangled, capsys):
    path = save(tangled / "book/1-first.ipynb", cell("x = 2"), cell(""), cell("print(x + 1)"))
    tangle.tangle(tangled)
    assert go(tangled, path) == 0
    assert texts(path) == ["", "", "3\n"]
    assert [c.execution_count for c in load(path).cells[1:]] == [1, None, 2]
    told = capsys.readouterr().out
    assert "1-first.ipynb: 2 cells in " in told and "new outputs" in told


def test_without_a_name_every_chapter_runs_and_a_second_time_changes_nothing(tangled, capsys):
    second = save(tangled / "book/2-second.ipynb", cell("1 + 1"))
    tangle.tangle(tangled)
    assert go(tangled) == 0
    both = sorted((tangled / "book").glob("*.ipynb"))
    before = [path.read_bytes() for path in both]
    capsys.readouterr()
    assert go(tangled) == 0
    assert [path.read_bytes() for path in both] == before
    assert capsys.readouterr().out.count("unchanged") == 2
    assert texts(second) == [""] and load(second).cells[1].outputs[0].data["text/plain"] == "2"


def test_a_stale_package_is_refused(tangled, first, capsys):
    edit(first, "return x * x", "return x ** 2")
    before = first.read_bytes()
    assert go(tangled, first) == 2
    assert "make tangle" in capsys.readouterr().err
    assert first.read_bytes() == before


def test_a_failing_notebook_is_left_as_it_was(tangled, second, capsys):
    save(second, cell("print('before')"), cell("y = 1\nraise RuntimeError('the sky fell')"))
    tangle.tangle(tangled)
    before = second.read_bytes()
    assert go(tangled, second) == 1
    told = capsys.readouterr().err
    assert "2-second.ipynb, cell 3" in told and "y = 1" in told and "the sky fell" in told
    assert second.read_bytes() == before
    assert not list(tangled.rglob("*.tmp"))


def test_a_failure_does_not_keep_the_other_chapters_from_running(tangled, first, second):
    save(first, cell("1 / 0"))
    save(second, cell("print('ran')"))
    tangle.tangle(tangled)
    assert go(tangled) == 1
    assert texts(second) == ["ran\n"]


def test_an_interruption_leaves_the_notebook_as_it_was(tangled, second, monkeypatch):
    save(second, cell("print(1)"))
    tangle.tangle(tangled)
    before = second.read_bytes()

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run.NotebookClient, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        go(tangled, second)
    assert second.read_bytes() == before


def test_an_edit_made_during_the_run_is_not_overwritten(tangled, second, capsys):
    source = f"open({str(second)!r}, 'a').write(' ')"
    save(second, cell(source))
    tangle.tangle(tangled)
    assert go(tangled, second) == 1
    assert "edited while it ran" in capsys.readouterr().err
    assert second.read_text().endswith("\n ")


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    surroundings.git(*identity, *arguments, folder=folder).check_returncode()


def test_a_timing_is_kept_until_its_cell_changes(tangled, second):
    clock = "import time\nprint(time.perf_counter())"
    save(second, cell(clock, "nbval-ignore-output"), cell("print(1)"))
    tangle.tangle(tangled)
    go(tangled, second)
    old = texts(second)[0]
    edit(second, "print(1)", "print(2)")
    go(tangled, second)
    assert texts(second) == [old, "2\n"]
    if not shutil.which("git"):
        pytest.skip("git is not installed, so no notebook is committed")
    git(tangled, "init")
    git(tangled, "add", ".")
    git(tangled, "commit", "-m", "as it is")
    edit(second, "print(2)", "print(3)")
    go(tangled, second)
    assert texts(second) == [old, "3\n"]
    edit(second, "time.perf_counter()", "-time.perf_counter()")
    go(tangled, second)
    assert texts(second)[0] != old


def test_a_moved_cell_keeps_its_timing(tangled, second):
    clock = cell("import time\nprint(time.perf_counter())", "nbval-ignore-output")
    save(second, clock)
    tangle.tangle(tangled)
    go(tangled, second)
    old = texts(second)[0]
    save(second, cell("print(0)"), load(second).cells[1])
    go(tangled, second)
    assert texts(second) == ["0\n", old]


def picture(path):
    from PIL import Image

    data = load(path).cells[1].outputs[0].data["image/png"]
    return data, Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_picture_of_the_same_numbers_is_kept_and_another_one_is_not(tangled, second):
    save(second, cell(PICTURE))
    tangle.tangle(tangled)
    go(tangled, second)
    stored, image = picture(second)
    again = io.BytesIO()
    image.save(again, "png", compress_level=1)  # the same picture in other bytes
    other = base64.b64encode(again.getvalue()).decode()
    edit(second, stored.strip().replace("\n", "\\n"), other)
    go(tangled, second)
    assert picture(second)[0].strip() == other
    blank = io.BytesIO()
    image.point(lambda level: 255).save(blank, "png")
    edit(second, other, base64.b64encode(blank.getvalue()).decode())
    go(tangled, second)
    assert picture(second)[0] == stored


def test_only_the_chapters_that_wait_for_a_run(tangled, first, second, capsys):
    save(second, cell("print(1)"))
    tangle.tangle(tangled)
    go(tangled, second)
    capsys.readouterr()
    assert go(tangled, "--changed") == 0
    told = capsys.readouterr().out
    assert "1-first" in told and "2-second" not in told


def test_the_kernels_numbers_are_pinned(tangled, second):
    names = ["OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "TQDM_DISABLE"]
    save(second, cell(f"import os\nprint([os.environ[n] for n in {names}])"))
    tangle.tangle(tangled)
    go(tangled, second)
    assert texts(second) == ["['1', '0', '1']\n"]


def test_no_kernel_is_left_running(tangled, second):
    save(second, cell("import os\nprint(os.getpid())"))
    tangle.tangle(tangled)
    go(tangled, second)
    assert not psutil.pid_exists(int(texts(second)[0]))


def test_it_is_told_what_is_not_a_notebook(tangled):
    done = subprocess.run(
        [sys.executable, run.__file__, "--root", str(tangled), "book/index.md"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "is not a notebook" in done.stderr
