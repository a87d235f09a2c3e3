"""An exported cell's docstring is folded after its first line, and no letter is lost."""

import html
import json
import re
import subprocess
import sys

import pytest
from chapters import ROOT
from tiny import cell, save

LONG = '''def area(a, b):
    """The area.

    Parameters
    ----------
    a, b : number

    """
    return a * b  # """no docstring"""


class Box:
    """A box,
    said in two lines."""

    def lid(self):
        r"""One line: \\d."""
        text = """not a
        docstring: it has a name"""
        return text'''


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a small book: one cell exported, and the same cell not exported."""
    folder = tmp_path_factory.mktemp("folds")
    (folder / "index.md").write_text("# A book\n\n```{toctree}\none\n```\n", encoding="utf-8")
    save(folder / "one.ipynb", cell(LONG, "export:part"), cell(LONG))
    notebook = json.loads((folder / "one.ipynb").read_text("utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    (folder / "one.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / '_ext')!r})\n"
        'extensions = ["myst_nb", "fold_docstrings"]\nnb_execution_mode = "off"\n',
        encoding="utf-8",
    )
    # In a process of its own, since Sphinx leaves its nodes registered in the one it ran in.
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    text = (folder / "html" / "one.html").read_text("utf-8")
    return re.findall(r"(?s)<pre>(.*?)</pre>", text)


def shown(code):
    return html.unescape(re.sub(r"<[^>]+>", "", code)).rstrip("\n")


def test_what_is_not_exported_is_left_alone(page):
    exported, plain = page
    assert "<details" in exported and "<details" not in plain


def test_no_letter_is_lost_or_added(page):
    assert [shown(code) for code in page] == [LONG, LONG]


def test_the_first_line_shows_and_the_rest_is_folded(page):
    found = re.findall(r"(?s)<details[^>]*><summary>(.*?)</summary>(.*?)</details>", page[0])
    assert [shown(first).strip() for first, _ in found] == ['"""The area.', '"""A box,']
    assert [shown(rest).split("\n")[-1].strip() for _, rest in found] == [
        '"""', 'said in two lines."""',
    ]  # fmt: skip


def test_code_and_one_line_docstrings_stay_in_view(page):
    left = shown(re.sub(r"(?s)<details.*?</details>", "", page[0]))
    assert "return a * b" in left and "One line" in left and "it has a name" in left
    assert "number" not in left
