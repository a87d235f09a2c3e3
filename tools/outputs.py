"""Which stored outputs a new run replaces.

An output is kept, to the byte, if nbval would call the new one equal: then a run on another day
or another processor changes nothing in git that a reader could see.
"""

import base64
import io
import json
import re
from configparser import RawConfigParser

from chapters import ROOT

IGNORED = "nbval-ignore-output"
PICTURES = ("image/png", "image/jpeg")
#: Levels of 255 by which two drawings of the same numbers may differ at an edge.
SHADE = 16


def keep_old_outputs(new, old, committed=None):
    """Put the old outputs back into the cells of ``new`` that did not change.

    An output that nothing compares, such as a timing, is kept while its cell is as it was
    committed: an editor saves a changed cell with the outputs of its old source.
    """
    known = None if committed is None else {cell.source for cell in committed.cells}
    for cell, before in _pairs(new, old):
        if not before.execution_count:
            continue
        if _ignored(cell):
            if known is None or cell.source in known:
                cell.outputs = before.outputs
        elif comparable(cell.outputs) == comparable(before.outputs):
            if _same_pictures(cell.outputs, before.outputs):
                cell.outputs = before.outputs
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count


def comparable(outputs):
    """The part of a cell's outputs that nbval compares, sanitised as nbval does."""
    kept = []
    for output in outputs:
        output = {k: v for k, v in output.items() if k not in ("execution_count", "traceback")}
        if "data" in output:
            output["data"] = {k: v for k, v in output["data"].items() if k not in PICTURES}
        kept.append(output)
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False)
    for pattern, replacement in _patterns():
        text = re.sub(pattern, replacement, text)
    return text


def _pairs(new, old):
    """Each code cell of ``new`` with the old cell of the same id, or else of the same source."""
    code = [cell for cell in old.cells if cell.cell_type == "code"]
    by_id = {cell.id: cell for cell in code}
    by_source = {}
    for cell in code:
        by_source.setdefault(cell.source, cell)
    for cell in new.cells:
        if cell.cell_type != "code":
            continue
        before = by_id.get(cell.id)
        if before is None or before.source != cell.source:
            before = by_source.get(cell.source)
        if before is not None:
            yield cell, before


def _ignored(cell):
    return IGNORED in cell.metadata.get("tags", [])


def _patterns():
    config = RawConfigParser()
    config.read(ROOT / "nbval.cfg", encoding="utf-8")
    return [(config[name]["regex"], config[name]["replace"]) for name in config.sections()]


def _same_pictures(new, old):
    """Do all pictures show the same, up to the shade of an edge?"""
    pairs = [
        (one["data"].get(kind), two["data"].get(kind))
        for one, two in zip(new, old, strict=True)
        if "data" in one
        for kind in PICTURES
    ]
    return all(one == two or _look_alike(one, two) for one, two in pairs)


def _look_alike(one, two):
    if one is None or two is None:
        return False
    from PIL import Image, ImageChops

    first, second = (
        Image.open(io.BytesIO(base64.b64decode(p))).convert("RGBA") for p in (one, two)
    )
    if first.size != second.size:
        return False
    return max(high for _, high in ImageChops.difference(first, second).getextrema()) <= SHADE
