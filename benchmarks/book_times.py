"""Times of the book itself: python benchmarks/book_times.py

Measures `make book` and `make test` cold (in a fresh clone: environment made, nothing cached) and
warm, runs each chapter by itself, weighs each page, and writes rnn_lit/_book/book_times.json. A
quarter of an hour; --warm leaves the cold times as they are in the file.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from run import cores, processor, surroundings

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "src" / "rnn_lit" / "_book" / "book_times.json"
RESOURCE = re.compile(r'(?:src|href)="([^"#?]+)"')


def seconds(command, folder=ROOT):
    """The wall time of a command that has to succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}"
                         f"{done.stderr[-3000:]}")  # fmt: skip
    return round(time.perf_counter() - start, 1)


def cold():
    """`make book` and `make test` in a fresh clone; the environment is made by the first."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        surroundings.git("clone", "--quiet", ROOT, clone).check_returncode()
        return {target: seconds(["make", target], clone) for target in ("book", "test")}


def warm():
    """The same once more, here; the pages are built anew, as after a change."""
    (ROOT / "_build" / ".complete").unlink(missing_ok=True)
    return {target: seconds(["make", target]) for target in ("book", "test")}


def chapter(path):
    """Seconds that a notebook takes to run, its kernel's start included; it is not written."""
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", path.relative_to(ROOT)]
    return seconds(command)


def page(path):
    """Bytes of a built page: its own HTML, and all it loads from the book's folder."""
    html = ROOT / "_build" / "html" / "book" / f"{path.stem}.html"
    text = html.read_text(encoding="utf-8")
    linked = {(html.parent / name).resolve() for name in RESOURCE.findall(text)}
    own = [file for file in linked if file.is_file() and file.suffix != ".html"]
    images = [file for file in own if "_images" in file.parts]
    return {
        "html": len(text.encode()),
        "images": sum(file.stat().st_size for file in images),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warm", action="store_true", help="do not measure the cold times")
    old = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    result = {"date": date.today().isoformat(), "processor": processor(), "cores": cores()}
    result["cold"] = old.get("cold") if parser.parse_args().warm else cold()
    result["warm"] = warm()
    result["pages"] = {}
    for path in sorted((ROOT / "book").glob("*.*")):
        if path.suffix in (".ipynb", ".md"):
            run = chapter(path) if path.suffix == ".ipynb" else None
            result["pages"][path.stem] = {"seconds": run, **page(path)}
            print(path.stem, result["pages"][path.stem], flush=True)
    DATA.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"cold {result['cold']}, warm {result['warm']}; wrote {DATA.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
