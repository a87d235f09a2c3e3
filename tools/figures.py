"""The figures of the Vietnamese pages, with the words of the catalogues.

A figure is drawn by its chapter's own cell. To draw it in Vietnamese, the chapter is run down to
that cell in a kernel of its own, and there each figure has its words translated before it is
shown. The picture is kept in book/locale/vi/figures, beside a record of the English picture that
it stands for and of the words that were found in it: so nothing has to be drawn to see what is to
be translated, or which picture is out of date. tools/translate.py draws that one anew.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import nbformat
from chapters import ROOT, BookError, notebooks, write
from messages import words

FOLDER = Path("book", "locale", "vi", "figures")
AGAIN = "fig-again-"  # begins the name of a figure that another page has already
PNG = "image/png"


class Drawn(NamedTuple):
    """A figure with its words translated."""

    png: bytes
    english: str  # which English picture it stands for
    words: dict[str, str]  # {English: translation}, empty where there was none


def name_of(cell):
    """The name of a cell's figure on the page that draws it; empty without one."""
    name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")
    return f"fig-{name.removeprefix(AGAIN)}" if name.startswith(AGAIN) else name


def pictures(path):
    """The computed figures of a page: {name: the picture as it is}."""
    found = {}
    if path.suffix == ".ipynb":
        for cell in nbformat.read(path, as_version=4).cells:
            shown = [o["data"][PNG] for o in cell.get("outputs", ()) if PNG in o.get("data", ())]
            if shown and name_of(cell):
                found[name_of(cell)] = base64.b64decode("".join(shown[0]))
    return found


def digest(png):
    return hashlib.sha256(png).hexdigest()[:16]


def read(name, root=ROOT):
    """A figure as it was drawn in Vietnamese; None if it was not."""
    png, record = (root / FOLDER / f"{name}.{kind}" for kind in ("png", "json"))
    if not (png.exists() and record.exists()):
        return None
    return Drawn(png.read_bytes(), **json.loads(record.read_text(encoding="utf-8")))


def drawn(root=ROOT):
    """The names of the figures that there are in Vietnamese."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.*"))


def fault(name, english, known, root=ROOT):
    """What is out of date in a figure, in words; None if nothing is."""
    ours = read(name, root)
    if ours is None:
        return "is not drawn"
    if ours.english != digest(english):
        return "stands for another English picture"
    if ours.words != {word: known.get(word, "") for word in ours.words}:
        return "has other words than the catalogue"
    return None


def draw(name, english, known, root=ROOT):
    """Draw a figure with the words of {English: translation}, and keep it."""
    png, found = _run(name, known, root)
    record = {"english": digest(english), "words": found}
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    (root / FOLDER / f"{name}.png").write_bytes(png)
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    write(root / FOLDER / f"{name}.json", text)


def _run(name, known, root):
    """Run the chapter of a figure down to it; the picture, and the words that it has."""
    import run  # here, since a kernel that only speaks needs no other

    path, notebook = _chapter(name, root)
    *before, last = notebook.cells
    tools = str(Path(__file__).resolve().parent)
    begin = f"import sys; sys.path.append({tools!r})\nimport figures; figures.speak({known!r})"
    end = "import json; print(json.dumps(figures.SEEN))"
    notebook.cells = [
        nbformat.v4.new_code_cell(begin), *before,
        nbformat.v4.new_code_cell("figures.SEEN.clear()"), last,
        nbformat.v4.new_code_cell(end),
    ]  # fmt: skip
    run.fill(notebook, path, root)
    shown = [o["data"][PNG] for o in last.outputs if PNG in o.get("data", ())]
    seen = json.loads(notebook.cells[-1].outputs[0]["text"])
    if len(shown) != 1 or len(seen) != 1:
        raise BookError(f"the cell of {name} should show one picture, by plt.show()")
    return base64.b64decode(shown[0]), seen[0]


def _chapter(name, root):
    """The chapter that draws a figure, and a notebook of its code down to there."""
    for path in notebooks(root):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        names = [cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
                 for cell in notebook.cells]  # fmt: skip
        if name in names:
            del notebook.cells[names.index(name) + 1 :]
            return path, notebook
    raise BookError(f"no chapter draws a figure {name}")


# In the kernel.

#: The words of each figure that was shown: {English: translation}.
SEEN = []


def speak(known):
    """Let every figure that is shown from now on have the words of {English: translation}."""
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    show = plt.show

    def translated(*arguments, **options):
        for number in plt.get_fignums():
            figure, found = plt.figure(number), {}
            for text in figure.findobj(Text):
                said = text.get_text()
                if words(said):
                    found[said] = known.get(said, "")
                    text.set_text(found[said] or said)
            SEEN.append(found)
        show(*arguments, **options)

    plt.show = translated
