"""What the write-ups, English and Vietnamese, take from the book: numbers, tables and figures.

Nothing is computed a second time. A number comes from the stored data, or from what a chapter's
cell printed, which `make test` compares with a new run; a figure is the chapter's own; the verdicts
are the table of Appendix A. What is asked for and not there raises an error that names it.
"""

import base64
import html
import json
import re
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import NamedTuple

import numpy as np
from IPython.display import Image, Math

from rnn_lit import Parameters, loss_and_gradient
from rnn_lit._search import _cuts, minimise
from rnn_lit.equation import fixed_point
from rnn_lit.verify.counting import count

BOOK, DATA = Path(__file__).resolve().parent, files("rnn_lit._book")
ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
ENTRY = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)


class Missing(LookupError):
    """The book no longer holds what a write-up takes from it."""


class Verdict(NamedTuple):
    """A row of the table of verdicts, as Markdown."""

    label: str  # "A1"
    link: str  # with a link to the entry
    statement: str
    verdict: str
    reading: str  # which reading, or which correction; may be empty


def stored(name):
    """The data file of that name."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def cells(page):
    """The code cells of a chapter, as its notebook stores them."""
    text = (BOOK / f"{page}.ipynb").read_text(encoding="utf-8")
    return [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]


def outputs(page):
    """Each output of a chapter: {kind: text}, "text" for what was printed."""
    for cell in cells(page):
        for output in cell["outputs"]:
            found = {"text": output["text"]} if "text" in output else output.get("data", {})
            yield {kind: "".join(text) for kind, text in found.items()}


def printed(page, pattern):
    """The groups of the first place where a chapter printed such a text; one group by itself."""
    for output in outputs(page):
        found = re.search(pattern, output.get("text", ""))
        if found:
            return found[1] if len(found.groups()) == 1 else found.groups()
    raise Missing(f"no cell of {page} printed anything like {pattern!r}")


def all_printed(page, pattern):
    """The groups of every place of the output that matches first."""
    for output in outputs(page):
        if re.search(pattern, output.get("text", "")):
            return re.findall(pattern, output["text"])
    raise Missing(f"no cell of {page} printed anything like {pattern!r}")


def row(page, name, column):
    """An entry of the first table of a chapter that has such a row and such a column."""
    for output in outputs(page):
        table = [
            [html.unescape(entry).strip() for entry in ENTRY.findall(line)]
            for line in ROW.findall(output.get("text/html", ""))
        ]
        for line in table:
            if line and line[0] == name and column in table[0]:
                return line[table[0].index(column)]
    raise Missing(f"no table of {page} has a row {name!r} and a column {column!r}")


def picture(name):
    """The figure of that name, as the chapter that has it drew it."""
    for path in sorted(BOOK.glob("[0-9A-Z]*.ipynb")):
        for cell in cells(path.stem):
            if cell["metadata"].get("mystnb", {}).get("figure", {}).get("name") == name:
                drawn = [o["data"]["image/png"] for o in cell["outputs"]
                         if "image/png" in o.get("data", {})]  # fmt: skip
                if drawn:
                    return Image(base64.b64decode("".join(drawn[0])))
    raise Missing(f"no chapter shows a figure {name!r}")


def equation():
    """The equation found, in numbers."""
    lines = [line.replace("=", "&=", 1) for line in stored("equation.json")["latex"]]
    return Math(r"\begin{aligned}" + r"\\ ".join(lines) + r"\end{aligned}")


def printed_fixed_point():
    """What the printed equation, fed with it for ever, forecasts again.

    Chapter 8 prints that of the equation before its coefficients are rounded.
    """
    arrays = {name: np.array(a) for name, a in stored("equation.json")["parameters"].items()}
    s, _ = fixed_point(Parameters(**arrays), float(arrays["b_y"][0]))
    return s


def verdicts(page="A-assignment.md"):
    """The rows of the first table of verdicts on a page."""
    found = []
    for line in (BOOK / page).read_text(encoding="utf-8").splitlines():
        entries = [entry.strip() for entry in line.strip().strip("|").split(" | ")]
        label = re.match(r"\| \{ref\}`(A\d+) ", line)
        if label:
            link, statement, verdict, *reading = entries
            reading = (reading or [""])[0].strip(" |")
            found.append(Verdict(label[1], link, statement, verdict.strip(" |"), reading))
        elif found:
            break
    labels = [one.label for one in found]
    if labels != [f"A{number}" for number in range(1, 30)]:
        raise Missing(f"{page} should have a row for each of A1 to A29, and has {labels}")
    return found


def table(header, rows, align=None):
    """Markdown of a table; the first column to the left, numbers to the right."""
    align = align or [":--"] + ["--:"] * (len(header) - 1)
    lines = [header, align, *rows]
    return "\n".join(f"| {' | '.join(str(entry) for entry in line)} |" for line in lines)


def scores():
    """The table of scores: {row: {column: score}}; an empty score was not computed."""
    whole = stored("sunspot_table.json")
    columns = whole["header"][1:]
    return columns, {name: dict(zip(columns, entries)) for name, *entries in whole["rows"]}


def configurations():
    """How many configurations of networks the study compares."""
    lines = (DATA / "sunspot_study.csv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    chosen = [header.index(name) for name in ("power", "n", "lags", "penalty")]
    return len({tuple(entries[one] for one in chosen) for entries in rows})


def search():
    """What the search for the equation's parameters did, and what a gradient of it costs."""
    found = stored("equation.json")
    T = int(printed("08-sunspots", r"(\d+) for training")) - 1
    n, m, last, before = found["n"], found["lags"], found["search"], found["selection"]
    gradient = count(
        lambda w: loss_and_gradient(w.parameters, w.x, w.y, w.a_0, w.g, w.g), (T, n, m, 1)
    )["multiplications"]

    def dense(n, R=1, T=T):
        """The multiplications of one gradient of R starts, by eq-gradient-count."""
        N = R * n
        return T * (3 * N**2 + 2 * N * m + 3 * N * R + N + 3 * R)

    def selecting(R=1):
        """Those of one gradient of R starts for each setting and each fold."""
        folds = [years - m for years in before["years"]]
        return sum(dense(n, R, T) for n, _ in before["settings"] for T in folds)

    def stages(settings):
        """The number of starts followed and of rounds, stage by stage."""
        cuts, begun = _cuts(settings["starts"], settings["rounds"]), 0
        for R, until in cuts:
            yield R, until - begun
            begun = until

    assert gradient == dense(n)
    return {
        "T": T, "n": n, "penalty": found["penalty"], **last,
        "gradient": gradient, "all": gradient * sum(R * made for R, made in stages(last)),
        "together": sum(made * dense(n, R) for R, made in stages(last)),
        "settings": len(before["settings"]),
        "all before": selecting() * sum(R * made for R, made in stages(before)),
        "together before": sum(made * selecting(R) for R, made in stages(before)),
        "parameters": sum(np.size(array) for array in found["parameters"].values()),
        "pairs": signature(minimise).parameters["memory"].default,
    }  # fmt: skip


def bibtex():
    """The entry for a bibliography, which Appendix D has from CITATION.cff."""
    page = (BOOK / "D-references.md").read_text(encoding="utf-8")
    found = re.search(r"^```bibtex\n(@.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    if not found:
        raise Missing("D-references.md shows no BibTeX")
    return found[1]
