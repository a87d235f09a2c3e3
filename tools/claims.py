"""The book's claims and what settles them: python tools/claims.py [--root DIR]

A claim is a displayed equation labelled ``eq-…``. The tag of a code cell says what the cell does
for it: ``proves:eq-…`` for all sizes, lengths and values that it names, ``checks:eq-…`` exactly but
in finitely many cases, ``illustrates:eq-…`` by samples in floating point. A claim is settled if

(a) a cell proves it; or
(b) a ``prf:proof`` settles it, and a cell proves or checks it; or
(c) a sentence says that it "follows from {eq}`eq-other`" or "is a case of {eq}`eq-other`" (also
    "the case $T = 1$ of"), and that claim is settled. Directly before these words stand the
    claims that the sentence speaks of, or "which", "this", "these" or "both": then it is the claim
    last displayed. If the sentence names several after them, all have to be settled.

A ``prf:proof`` settles the statement (``prf:theorem``, ``prf:lemma``, …) directly before it, that
is its label and every ``eq-…`` displayed in it; and, if it begins with "We prove {eq}`eq-x`" (or
"We prove {eq}`eq-x`, {eq}`eq-y` and {eq}`eq-z`"), the claims so listed, and no other of that
sentence. If it names none, it settles the one displayed directly above it, ``$$ … $$ (eq-x)``.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

from chapters import ROOT, Cell, cells, pages

#: What a cell may do for a claim, the strongest first. `illustrates` settles nothing.
VERBS = ("proves", "checks", "illustrates")
TAG = re.compile(rf"({'|'.join(VERBS)}):([\w-]+)")
# $$ … $$ (label)    ```{math}\n:label: label    :::{prf:theorem} …\n:label: label    (label)=
LABEL = re.compile(
    r"\$\$[ \t]*\((?P<dollar>[\w-]+)\)"
    r"|^[ \t]*:(?:label|name):[ \t]*(?P<option>[\w-]+)[ \t]*$"
    r"|^\((?P<target>[\w-]+)\)=[ \t]*$",
    re.MULTILINE,
)
REFERENCE = re.compile(r"\{(?:eq|prf:ref|ref)\}`(?:[^`<]*<)?([\w-]+)>?`")
ONE = r"\{(?:eq|prf:ref|ref)\}`[^`]+`"
FOLLOWS = re.compile(
    rf"(?:(?P<subject>(?:(?:{ONE},\s+)*{ONE},?\s+and\s+)?{ONE}|\b(?:which|this|these|both)\b)\s+"
    r"(?:follows?\s+from|(?:is|are)\s+(?:an?\s+|the\s+)?(?:special\s+)?cases?\s+"
    rf"(?:\$[^$]+\$\s+)?of|(?:is|are)\s+covered\s+by)|covered\s+by)\s+(?={ONE})",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\$\$[ \t]*\([\w-]+\)")
#: The directives of sphinx-proof that state something a proof can follow.
STATES = {
    "theorem", "lemma", "corollary", "proposition", "property", "observation", "criterion",
}  # fmt: skip
OPENING = re.compile(r"^[ \t]*(?P<fence>:{3,}|`{3,})\{prf:(?P<kind>\w+)\}.*\n?", re.MULTILINE)
OPTIONS = re.compile(r"\A(?:[ \t]*:[\w-]+:.*\n|[ \t]*\n)*")
EQUATION = r"\{eq\}`[^`]+`"
DISPLAYED_LAST = re.compile(r"\$\$[ \t]*\((eq-[\w-]+)\)\s*\Z")
WE_PROVE = re.compile(rf"We\s+prove\s+(?:(?:{EQUATION},\s+)*{EQUATION}\s+and\s+)?{EQUATION}")


class Label(NamedTuple):
    name: str
    place: str


class Directive(NamedTuple):
    """A ``prf:…`` block of one text."""

    kind: str
    start: int
    end: int
    body: str


class Claims(NamedTuple):
    """What the whole book labels, tags, proves on paper and takes from another claim."""

    labels: list[Label]
    tagged: dict[str, dict[str, list[str]]]  # label: verb: the cells that say so
    proofs: dict[str, list[str]]  # label: the texts whose prf:proof settles it
    follows: dict[str, list[frozenset[str]]]  # label: for each sentence, what it follows from

    def open(self):
        """The claims that nothing settles, in the book's order."""
        return [
            one for one in self.labels if one.name.startswith("eq-") and not self.settled(one.name)
        ]

    def settled(self, name, seen=frozenset()):
        """How a claim is settled, in words; empty if it is not, or only by those in `seen`."""
        cell, seen = self.tagged.get(name, {}), seen | {name}
        if "proves" in cell:
            return "proves in " + "; ".join(cell["proves"])
        if "checks" in cell and name in self.proofs:
            proof, checks = "; ".join(self.proofs[name]), "; ".join(cell["checks"])
            return f"proof in {proof} + checks in {checks}"
        for others in self.follows.get(name, ()):
            if others and all(one not in seen and self.settled(one, seen) for one in others):
                return "follows from " + ", ".join(sorted(others))
        return ""

    def lacking(self, name):
        """What an open claim has, which is not enough."""
        has = [f"{verb} in {'; '.join(at)}" for verb, at in self.tagged.get(name, {}).items()]
        has += [f"proof in {'; '.join(self.proofs[name])}"] if name in self.proofs else []
        has += ["follows from " + ", ".join(sorted(one)) for one in self.follows.get(name, ())]
        return " + ".join(has)


def tagged(tags):
    """The pairs (verb, label) among the tags of one cell."""
    return [match.groups() for tag in tags if (match := TAG.fullmatch(tag))]


def read(root=ROOT):
    """Every label, tag, proof and consequence of the book, in reading order."""
    found = Claims([], {}, {}, {})
    for path in pages(root):
        read_page(_parts(path, root), found)
    return found


def read_page(page, found):
    """Take in the cells of one page."""
    last, stated = None, frozenset()
    for cell in page:
        for verb, label in tagged(cell.tags):
            found.tagged.setdefault(label, {}).setdefault(verb, []).append(cell.place)
        if cell.kind == "markdown":
            last = _read_text(cell, found, last)
            stated = _read_proofs(cell, found, stated)
        else:
            stated = frozenset()
    return found


def _parts(path, root):
    if path.suffix == ".ipynb":
        return cells(path, root)
    return [Cell(path.relative_to(root).as_posix(), 1, "markdown", path.read_text("utf-8"), ())]


def _labelled(source):
    return [(match.start(), match.group(match.lastgroup)) for match in LABEL.finditer(source)]


def _read_text(cell, found, last):
    """Take in the labels and consequences of one text; returns the claim last displayed."""
    labelled = _labelled(cell.source)
    found.labels.extend(Label(name, cell.place) for _, name in labelled)
    claims = [(start, name) for start, name in labelled if name.startswith("eq-")]
    for match in FOLLOWS.finditer(cell.source):
        shown = [name for start, name in claims if start < match.start()]
        after = SENTENCE_END.split(cell.source[match.end() :])[0]
        named = REFERENCE.findall(match["subject"] or "") or shown[-1:] or ([last] if last else [])
        for name in named:
            found.follows.setdefault(name, []).append(frozenset(REFERENCE.findall(after)))
    return claims[-1][1] if claims else last


def directives(source):
    """The ``prf:…`` blocks of a text, in order, whichever of the two fences they stand in."""
    found = []
    for match in OPENING.finditer(source):
        fence = match["fence"]
        closing = re.compile(rf"^[ \t]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        close = closing.search(source, match.end())
        stop, end = (close.start(), close.end()) if close else (len(source), len(source))
        found.append(Directive(match["kind"], match.start(), end, source[match.end() : stop]))
    return found


def _read_proofs(cell, found, stated):
    """Take in the proofs of one text.

    `stated` holds the labels of a statement with which the text before ended; returned are those
    of a statement with which this one ends.
    """
    end = 0
    for one in directives(cell.source):
        between = cell.source[end : one.start]
        if between.strip():
            stated = frozenset()
        if one.kind == "proof":
            above = frozenset(DISPLAYED_LAST.findall(between))
            for name in stated | (_named_first(one.body) or above):
                found.proofs.setdefault(name, []).append(cell.place)
        stated = frozenset()
        if one.kind in STATES:
            stated = frozenset(name for _, name in _labelled(one.body))
        end = one.end
    return stated if not cell.source[end:].strip() else frozenset()


def _named_first(body):
    """The claims of which a proof says at its beginning that it proves them."""
    opening = WE_PROVE.match(body[OPTIONS.match(body).end() :].lstrip())
    return frozenset(REFERENCE.findall(opening[0]) if opening else ())


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    found = read(parser.parse_args(arguments).root.resolve())
    unsettled = {label.name for label in found.open()}
    for name in [label.name for label in found.labels if label.name.startswith("eq-")]:
        if name in unsettled:
            print(f"{name}: OPEN ({found.lacking(name) or 'nothing'})")
        else:
            print(f"{name}: {found.settled(name)}")
    for verb in VERBS:
        print(f"{sum(verb in cell for cell in found.tagged.values())} labels of cells: {verb}")
    print(f"{len(unsettled)} claims open")
    return 1 if unsettled else 0


if __name__ == "__main__":
    sys.exit(main())
