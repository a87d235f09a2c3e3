"""The book's claims and what proves them: python tools/claims.py [--root DIR]

A claim is a displayed equation labelled ``eq-…``. A code cell tagged ``proves:eq-…`` proves it,
or a sentence says which proved claim contains it: "covered by {eq}`eq-other`". Such a sentence
speaks of the equations that it names before these words, or else of the claim last displayed.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

from chapters import ROOT, Cell, cells, pages

PROVES = "proves:"
# $$ … $$ (label)    ```{math}\n:label: label    :::{prf:theorem} …\n:label: label    (label)=
LABEL = re.compile(
    r"\$\$[ \t]*\((?P<dollar>[\w-]+)\)"
    r"|^[ \t]*:(?:label|name):[ \t]*(?P<option>[\w-]+)[ \t]*$"
    r"|^\((?P<target>[\w-]+)\)=[ \t]*$",
    re.MULTILINE,
)
COVERED = "covered by"
REFERENCE = re.compile(r"\{(?:eq|prf:ref|ref)\}`(?:[^`<]*<)?([\w-]+)>?`")
SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\$\$[ \t]*\([\w-]+\)")


class Label(NamedTuple):
    name: str
    place: str


class Claims(NamedTuple):
    """What the whole book labels, proves and covers."""

    labels: list[Label]
    proved: dict[str, list[str]]  # label: the cells tagged with it
    covered: dict[str, set[str]]  # label: the labels said to cover it

    def open(self):
        """The claims that nothing proves, neither a cell nor a proved claim that covers them."""
        return [
            one for one in self.labels if one.name.startswith("eq-") and not self.holds(one.name)
        ]

    def holds(self, name, seen=frozenset()):
        if self.proved.get(name):
            return True
        behind = self.covered.get(name, set()) - seen
        return any(self.holds(other, seen | {name}) for other in behind)


def read(root=ROOT):
    """Every label, proof and cover of the book, in reading order."""
    found = Claims([], {}, {})
    for path in pages(root):
        last = None
        for cell in _parts(path, root):
            for tag in cell.tags:
                if tag.startswith(PROVES):
                    found.proved.setdefault(tag.removeprefix(PROVES), []).append(cell.place)
            if cell.kind == "markdown":
                last = _read_text(cell, found, last)
    return found


def _parts(path, root):
    if path.suffix == ".ipynb":
        return cells(path, root)
    return [Cell(path.relative_to(root).as_posix(), 1, "markdown", path.read_text("utf-8"), ())]


def _read_text(cell, found, last):
    """Take in the labels and covers of one text; returns the claim last displayed."""
    labelled = [
        (match.start(), match.group(match.lastgroup)) for match in LABEL.finditer(cell.source)
    ]
    found.labels.extend(Label(name, cell.place) for _, name in labelled)
    claims = [(start, name) for start, name in labelled if name.startswith("eq-")]
    for match in re.finditer(COVERED, cell.source):
        shown = [name for start, name in claims if start < match.start()]
        before = SENTENCE_END.split(cell.source[: match.start()])[-1]
        after = SENTENCE_END.split(cell.source[match.end() :])[0]
        named = REFERENCE.findall(before) or shown[-1:] or ([last] if last else [])
        for name in named:
            found.covered.setdefault(name, set()).update(REFERENCE.findall(after))
    return claims[-1][1] if claims else last


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    claims = read(parser.parse_args(arguments).root.resolve())
    for label in claims.labels:
        if label.name.startswith("eq-"):
            by = claims.proved.get(label.name) or sorted(claims.covered.get(label.name, ()))
            print(f"{label.name}: {'; '.join(by) or 'NOTHING'}")
    unproved = claims.open()
    print(f"{len(unproved)} claims without a proof")
    return 1 if unproved else 0


if __name__ == "__main__":
    sys.exit(main())
