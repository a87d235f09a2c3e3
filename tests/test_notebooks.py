"""The stored notebooks are what a reader should meet: run once, in order, with nothing private."""

import json
import re

import chapters
import pytest

NOTEBOOKS = chapters.notebooks()
KNOWN_TAGS = re.compile(
    r"export:[\w/]+|proves:[\w-]+|(hide|remove)-(input|output|cell)"
    r"|nbval-ignore-output|nbval-skip|raises-exception|scroll-output|full-width"
)
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|tmp|work|opt|usr|var)/\w[^\s'\"]*|[A-Z]:\\\\?Users|site-packages"
)
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def notebook(path):
    return json.loads(path.read_text(encoding="utf-8"))


def text(source):
    return source if isinstance(source, str) else "".join(source)


def code(path):
    """The code cells that hold code, with their number among all cells."""
    numbered = enumerate(notebook(path)["cells"], 1)
    return [(n, c) for n, c in numbered if c["cell_type"] == "code" and text(c["source"]).strip()]


def outputs(path):
    return [(n, cell, output) for n, cell in code(path) for output in cell["outputs"]]


def tags(cell):
    return cell["metadata"].get("tags", [])


def refuse(path, faults, remedy):
    assert not faults, f"{path.name}: {remedy}\n" + "\n".join(map(str, faults))


@EACH
def test_it_was_run_once_from_top_to_bottom(path):
    """nbval compares nothing in a cell that has no execution count, so there may be none."""
    counts = [cell["execution_count"] for _, cell in code(path)]
    assert counts == list(range(1, len(counts) + 1)), f"{path.name}: run `make run`"


@EACH
def test_outputs_hold_no_stderr(path):
    faults = [(n, text(o["text"])) for n, _, o in outputs(path) if o.get("name") == "stderr"]
    refuse(path, faults, "a warning or a progress bar was stored; mend its cause")


@EACH
def test_outputs_hold_no_error_that_is_not_announced(path):
    faults = [
        (n, o["ename"])
        for n, cell, o in outputs(path)
        if o["output_type"] == "error" and "raises-exception" not in tags(cell)
    ]
    refuse(path, faults, "an error was stored; mend it, or tag the cell raises-exception")


@EACH
def test_formulas_are_not_pictures(path):
    faults = [
        n for n, _, o in outputs(path) if {"text/latex", "image/png"} <= set(o.get("data", ()))
    ]
    refuse(path, faults, "a formula was drawn as a bitmap; do not call sympy.init_printing")


@EACH
def test_it_names_no_folder_of_a_machine(path):
    faults = []
    for number, cell in enumerate(notebook(path)["cells"], 1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            output["data"] = {k: v for k, v in data.items() if not k.startswith("image/")}
        found = MACHINE.search(json.dumps(cell, ensure_ascii=False))
        if found:
            faults.append((number, found.group()))
    refuse(path, faults, "another reader has no such folder")


@EACH
def test_it_opens_with_a_labelled_title(path):
    first = notebook(path)["cells"][0]
    title = re.match(r"\((ch|app)-[\w-]+\)=\n# \S", text(first["source"]))
    assert first["cell_type"] == "markdown" and title, (
        f"{path.name}: want `(ch-…)=` above `# Title`"
    )


@EACH
def test_figures_are_described_and_named(path):
    faults = []
    for number, cell, output in outputs(path):
        if not any(kind.startswith("image/") for kind in output.get("data", ())):
            continue
        mystnb = cell["metadata"].get("mystnb", {})
        alt = mystnb.get("image", {}).get("alt", "")
        figure = mystnb.get("figure", {})
        if len(alt.split()) < 4 or FILE_NAME.search(alt):
            faults.append((number, f"alt text {alt!r}"))
        if not str(figure.get("name", "")).startswith("fig-") or not figure.get("caption"):
            faults.append((number, f"figure {figure!r}"))
    for number, cell in enumerate(notebook(path)["cells"], 1):
        if cell["cell_type"] == "markdown":
            faults += [
                (number, found) for found in re.findall(r"!\[\s*\]\([^)]*\)", text(cell["source"]))
            ]
    refuse(path, faults, "a picture wants an alt text, and a figure a name `fig-…` and a caption")


@EACH
def test_tags_are_known(path):
    faults = [
        (n, tag) for n, cell in code(path) for tag in tags(cell) if not KNOWN_TAGS.fullmatch(tag)
    ]
    refuse(path, faults, "no tool acts on this tag: a misspelling?")
