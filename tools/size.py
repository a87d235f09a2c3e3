"""How much there is to read: python tools/size.py [--root DIR]

For every notebook of the book: the words of its text, its visible code cells, and its code lines
of more than 79 columns, which the page would cut off or scroll. A word is what white space
separates in the Markdown. A formula in a line counts as one word, a displayed one as none, and so
does a listing of code, as the code of the cells does.
Solutions are not counted, nor what a chapter has from its exercises on, but for the width of its
code. A page in another language than the book's (`page_languages` in _config.yml) has no limit, and
the write-up, a paper by itself, has that of its printed pages.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import yaml
from chapters import ROOT, cells, notebooks

COLUMNS = 79
VISIBLE = 12  # code cells of a chapter that a reader meets unfolded
#: Words: of a numbered chapter, of all of them, of the front page, and of the appendices together.
LIMITS = {"chapter": 2200, "chapters": 25_000, "front page": 900, "appendices": 6000}

EXERCISES = re.compile(r"^## Exercises", re.MULTILINE)
SOLUTION = re.compile(r":::\{solution\}.*?\n:::", re.DOTALL)
DISPLAYED = re.compile(r"\$\$.*?\$\$(?:\s*\([\w:-]+\))?", re.DOTALL)
LISTING = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"\$[^$]*\$")
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}


class Size(NamedTuple):
    """What one notebook asks of its reader."""

    path: str  # from the root
    kind: str  # "chapter", "front page", "appendix", "write-up" or "another language"
    words: int
    visible: int
    wide: list[str]  # the places of the code lines that are too long


def words(source):
    """How many words a text has, its formulas, listings and solutions apart."""
    for pattern, put in ((SOLUTION, " "), (LISTING, " "), (DISPLAYED, " "), (IN_LINE, "x")):
        source = pattern.sub(put, source)
    return len(source.split())


def measure(path, kind, root=ROOT):
    """The size of one notebook."""
    read, visible, wide, exercises = 0, 0, [], False
    for cell in cells(path, root):
        if cell.kind == "markdown" and not exercises:
            before, *after = EXERCISES.split(cell.source, maxsplit=1)
            read, exercises = read + words(before), bool(after)
        elif cell.kind == "code":
            visible += bool(cell.source.strip()) and not exercises and not FOLDED & set(cell.tags)
            # A line that is too long is cut off in an exercise as well.
            lines = enumerate(cell.source.split("\n"), 1)
            wide += [f"cell {cell.number}, line {number}" for number, line in lines
                     if len(line) > COLUMNS]  # fmt: skip
    name = Path(path).resolve().relative_to(Path(root).resolve()).as_posix()
    return Size(name, kind, read, visible, wide)


def book(root=ROOT):
    """The sizes of all notebooks, in reading order."""
    kinds = _kinds(Path(root))
    names = {path.relative_to(root).with_suffix("").as_posix(): path for path in notebooks(root)}
    return [measure(path, kinds.get(name, "appendix"), root) for name, path in names.items()]


def together(sizes, kind):
    """The words of all notebooks of a kind."""
    return sum(size.words for size in sizes if size.kind == kind)


def faults(sizes):
    """Every limit that is passed, in words."""
    found = []
    for size in sizes:
        most = LIMITS.get(size.kind)
        if most is not None and size.words > most:
            found.append(f"{size.path}: {size.words} words, at most {most} are wanted")
        if size.kind == "chapter":
            if size.visible > VISIBLE:
                found.append(
                    f"{size.path}: {size.visible} visible code cells, at most {VISIBLE} are wanted"
                )
            if size.wide:
                found.append(
                    f"{size.path}: {len(size.wide)} code lines of more than {COLUMNS} columns, "
                    f"the first in {size.wide[0]}"
                )
    for kind, limit in (("chapter", "chapters"), ("appendix", "appendices")):
        if (total := together(sizes, kind)) > LIMITS[limit]:
            found.append(f"the {limit} together: {total} words, at most {LIMITS[limit]} are wanted")
    return found


def _kinds(root):
    """What each page is that is no appendix: {page without suffix: kind}."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    kinds = {toc["root"]: "front page"}
    for part in toc.get("parts", []):
        if part.get("numbered") and "style" not in part:  # appendices have letters
            kinds |= {chapter["file"]: "chapter" for chapter in part["chapters"]}
    config = root / "_config.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    own = settings.get("sphinx", {}).get("config", {})
    kinds |= dict.fromkeys(own.get("pdf_write_ups", []), "write-up")
    return kinds | dict.fromkeys(own.get("page_languages", {}), "another language")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    sizes = book(parser.parse_args(arguments).root.resolve())
    for path, kind, read, visible, wide in sizes:
        print(f"{path:28s} {kind:16s} {read:6,} words", end="")
        print(f" {visible:3} visible cells {len(wide):4} wide lines")
    for kind, limit in (("chapter", "chapters"), ("appendix", "appendices")):
        print(f"the {limit} together: {together(sizes, kind):,} words of {LIMITS[limit]:,}")
    found = faults(sizes)
    print("\n".join(found) if found else "no limit is passed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
