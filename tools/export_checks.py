"""What can be wrong with the exported modules taken together, or only when they are called."""

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from chapters import BookError


def refuse_clashes(found, apart=()):
    """A public name may be exported once, and may not hide a module; but for modules apart."""
    owner = {}
    for module in (module for name, module in found.items() if name not in apart):
        for name in module.public:
            cell = module.defined[name]
            if name in owner:
                raise BookError(
                    f"{name} is exported twice, in {owner[name].place} and in {cell.place}; "
                    "define it once and import it from rnn_lit afterwards"
                )
            if name in {other.split("/")[-1] for other in found}:
                raise BookError(
                    f"{cell.place}: {name} is also the name of a module, which it would hide in "
                    "`rnn_lit`; rename one of them"
                )
            owner[name] = cell


def refuse_undefined(found):
    """Ask ruff for names that only a call would miss, and for imports that nothing uses."""
    if find_spec("ruff") is None or not found:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, module in found.items():
            Path(folder, f"{name.replace('/', '.')}.py").write_text(module.text(), encoding="utf-8")
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache"]
        command += ["--select", "F401,F811,F821,F822", "--output-format", "json", folder]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode not in (0, 1):
            raise BookError(f"ruff failed: {answer.stderr.strip()}")
        faults = json.loads(answer.stdout)
    told = []
    for fault in faults:
        module = found[Path(fault["filename"]).stem.replace(".", "/")]
        cell = module.lines()[fault["location"]["row"] - 1][1]
        told.append(f"{cell.place if cell else module.name}: {fault['message']}")
    if told:
        raise BookError(
            "\n".join(told) + "\nAn exported cell sees only exported cells of its module: "
            "import the name in an exported cell, or take an unused import away."
        )
