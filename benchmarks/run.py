"""rnn_lit beside PyTorch and JAX on the same work: python benchmarks/run.py

Makes its own environment in benchmarks/.venv, measures one thread and all threads, prints a table
and writes rnn_lit/_book/benchmark.json. Each contestant has a process of its own; they take turns.
A quarter of an hour on two cores. With --quick, a rough look at gradients on one thread, which
writes nothing; with --trial FILE, all steps at two settings, written to that file.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import surroundings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = ROOT / "src" / "rnn_lit" / "_book" / "benchmark.json"
HOME = HERE / ".venv"
PYTHON = HOME / "bin" / "python"
GRID = (
    (200, 1, 8), (1000, 1, 16), (200, 1, 32), (200, 1, 128), (50, 32, 8), (50, 32, 32),
    (50, 32, 128), (200, 128, 32), (200, 128, 128), (50, 128, 256),
)  # fmt: skip
TRIAL = ((50, 1, 8), (20, 32, 32))
#: The NumPy code of this commit takes turns with today's.
FIRST_EDITION = "97eea7b1be31829fab484154349e37b98dbfb06b"
NAMES = ("numpy", "first", "compiled", "torch", "jax", "floor", "torch floor")
LIBRARIES = ("numpy", "scipy", "numba", "torch", "jax")
PAUSE = 0.2  # seconds


def environment():
    """The interpreter with everything that is compared; made once, renewed when asked for more."""
    asked, done = HERE / "requirements.txt", HOME / ".requirements"
    if not done.exists() or done.read_text() != asked.read_text():
        print("making benchmarks/.venv (some minutes the first time)", flush=True)
        venv.create(HOME, with_pip=True)
        apart = [sys.executable, "-I", surroundings.__file__, "--pip"]
        pip = [PYTHON, "-m", "pip", "install", "--quiet"]
        subprocess.run([*apart, *pip, "-r", asked], check=True)
        done.write_text(asked.read_text())
    return PYTHON


def first_edition(folder):
    """Its sources in that folder, or None where the history does not go back that far."""
    done = surroundings.git("archive", "--format=tar", FIRST_EDITION, "src/rnn_lit")
    if done is None or done.returncode:
        print("without the first edition: its commit is not in this repository", flush=True)
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return Path(folder) / "src"


def settings(threads, cache=None, source=ROOT / "src"):
    """The environment variables of a contestant: that many threads, and freed memory kept.

    Left to itself, glibc returns large blocks to the system, and fetching them again costs as much
    as simple arithmetic on them.
    """
    found = surroundings.surroundings(os.environ) | {"PYTHONPATH": str(source)}
    for name in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
        found[f"{name}_NUM_THREADS"] = str(threads)
    found |= {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
    if threads == 1:
        found["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if cache:
        found["NUMBA_CACHE_DIR"] = cache
    return found


class Contestant:
    """A process of measure.py: `ask` sends a request and waits for the answer."""

    def __init__(self, python, name, threads, source=ROOT / "src"):
        command = [python, HERE / "measure.py", name, str(threads)]
        self.name = name
        self.process = subprocess.Popen(
            command, env=settings(threads, source=source), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, *request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.name} has ended, see above")
        return json.loads(answer)


def quartiles(values):
    return [round(q, 3) for q in statistics.quantiles(values, n=4, method="inclusive")]


def row(contestants, T, B, n, size, dtype, work, threads, rounds):
    """One setting: in every round each contestant is timed once."""
    for contestant in contestants:
        contestant.ask("prepare", (T, B, n, size, dtype), work)
    times = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            if threads > 1:
                time.sleep(PAUSE)  # in which the others' idle threads stop looking for work
            times[contestant.name].append(contestant.ask("time"))
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = min("numpy", "compiled", key=medians.get)
    ratios = {
        name: {
            other: quartiles(
                [a / b if other == "floor" else b / a for a, b in zip(own, times[other])]
            )
            for other in ("torch", "jax", "floor", "first")
            if other in times
        }
        for name, own in (("numpy", times["numpy"]), ("best", times[best]))
    }
    ms = {name: round(median * 1e3, 4) for name, median in medians.items()}
    return dict(
        T=T, B=B, n=n, m=size, dtype=dtype, work=work, threads=threads, best=best, ms=ms,
        ratios=ratios,
    )  # fmt: skip


def measured(python, threads, quick, grid, first):
    """All rows with that many threads; first is where the first edition's sources are."""
    sources = {name: ROOT / "src" for name in NAMES} | {"first": first}
    contestants = [
        Contestant(python, name, threads, source) for name, source in sources.items() if source
    ]
    rounds = 9 if threads == 1 and not quick else 5
    rows = []
    for work in ("gradient",) if quick else ("gradient", "forward"):
        for dtype in ("float64", "float32"):
            for size in (1,) if quick else (1, 16):
                for setting in grid:
                    found = row(contestants, *setting, size, dtype, work, threads, rounds)
                    print(told(found), flush=True)
                    rows.append(found)
    for contestant in contestants:
        contestant.end()
    return rows


def alone(python, grid):
    """What is measured in one process by itself: fits, sweeps in pieces; and the versions."""
    one = Contestant(python, "compiled", 1)
    found = {"fits": one.ask("fits")}
    batches = [(*setting, 1, dtype) for setting in grid for dtype in ("float64", "float32")
               if setting[0] * setting[1] * setting[2] >= 2**19]  # fmt: skip
    found["pieces"] = one.ask("pieces", batches, [2**power for power in range(19, 24)], 15)
    found["versions"] = {name: one.ask("version", name) for name in LIBRARIES}
    found["versions"]["python"] = platform.python_version()
    one.end()
    return found


def told(row):
    """One line of the table."""
    size = f"{row['T']:5}{row['B']:4}{row['n']:4}{row['m']:3}"
    best = row["ratios"]["best"]
    parts = [f"{name} {best[name][1]:5.2f}" for name in ("torch", "jax", "floor")]
    plain = row["ratios"]["numpy"]["torch"][1]
    return (
        f"{row['threads']} {row['dtype']} {row['work']:8} {size}  "
        f"numpy {row['ms']['numpy']:8.3f} ms  compiled {row['ms']['compiled']:8.3f} ms  "
        f"torch/numpy {plain:5.2f} | over the better: " + "  ".join(parts)
    )


def first_call(python):
    """CPU seconds of the first compiled gradient of a process, with nothing kept and again."""
    script = (
        "import time, numpy as np, rnn_lit; from rnn_lit import compiled\n"
        "p = rnn_lit.initialise(2, 1, 1, np.random.default_rng(0)); x = np.ones((3, 1))\n"
        "t = time.process_time(); compiled.loss_and_gradient(p, x, x)\n"
        "print(time.process_time() - t)"
    )
    with tempfile.TemporaryDirectory() as cache:
        runs = [
            subprocess.run(
                [python, "-c", script], env=settings(1, cache=cache), capture_output=True,
                text=True, check=True,
            )
            for _ in range(2)
        ]  # fmt: skip
    cold, kept = (float(run.stdout) for run in runs)
    return {"cold": round(cold, 1), "kept": round(kept, 2)}


def processor():
    """The model's name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def code():
    """A number for what is measured: the package's sources and the contestants'."""
    files = sorted((ROOT / "src" / "rnn_lit").rglob("*.py")) + [HERE / "contestants.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def before(result, target):
    """Date and median ratios of the run that is in the file now, to be kept beside the new one.

    None if it was of other code, or on another processor, or with other libraries or settings.
    """
    if not target.exists():
        return None
    old = json.loads(target.read_text(encoding="utf-8"))

    def key(row):
        return [row[name] for name in ("T", "B", "n", "m", "dtype", "work", "threads")]

    same = [key(row) for row in old["rows"]] == [key(row) for row in result["rows"]]
    surrounding = ("code", "processor", "cores", "versions")
    if not same or any(old.get(name) != result[name] for name in surrounding):
        return None
    medians = [
        {"torch": row["ratios"]["numpy"]["torch"][1], "jax": row["ratios"]["best"]["jax"][1]}
        for row in old["rows"]
    ]
    return {"date": old["date"], "medians": medians}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a rough look; nothing is written")
    parser.add_argument("--trial", type=Path, metavar="FILE", help="all steps, at two settings")
    asked = parser.parse_args()
    quick, target = asked.quick, asked.trial or DATA
    python = environment()
    print(f"{processor()}, {cores()} cores, load {os.getloadavg()[0]:.2f}", flush=True)
    load = [round(os.getloadavg()[0], 2)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        first = first_edition(folder)
        for threads in (1,) if quick else dict.fromkeys((1, cores())):
            grid = TRIAL if asked.trial else GRID
            rows += measured(python, threads, quick, grid, first if threads == 1 else None)
    single = alone(python, GRID)
    print(", ".join(f"{name} {version}" for name, version in single["versions"].items()))
    print("fits per second:", ", ".join(f"{name} {rate}" for name, rate in single["fits"].items()))
    print("sweeps in pieces over one sweep:", single["pieces"])
    result = {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": cores(),
        "code": code(),
        "load": load + [round(os.getloadavg()[0], 2)],
        **single,
        "rows": rows,
    }
    ahead = [row["ratios"]["best"]["jax"][1] for row in result["rows"] if row["work"] == "gradient"]
    print(f"JAX over the better of ours: {min(ahead):.2f} … {max(ahead):.2f}, median "
          f"{statistics.median(ahead):.2f}")  # fmt: skip
    if quick:
        return
    result["first_call"] = first_call(python)
    print("CPU seconds of the first compiled call:", result["first_call"])
    result["before"] = before(result, target)
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {target}")


if __name__ == "__main__":
    sys.exit(main())
