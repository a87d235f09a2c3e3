"""rnn_lit beside PyTorch and JAX on the same work: python benchmarks/run.py [--quick]

Makes its own environment in benchmarks/.venv, measures one thread and all threads, each in a
process of its own, prints a table and writes book/data/benchmark.json. A quarter of an hour on two
cores; --quick is a rough look at a few settings and writes nothing.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = ROOT / "book" / "data" / "benchmark.json"
HOME = HERE / ".venv"
PYTHON = HOME / "bin" / "python"


def environment():
    """The interpreter with everything that is compared; made once, renewed when asked for more."""
    asked, done = HERE / "requirements.txt", HOME / ".requirements"
    if not done.exists() or done.read_text() != asked.read_text():
        print("making benchmarks/.venv (some minutes the first time)", flush=True)
        venv.create(HOME, with_pip=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", asked], check=True)
        done.write_text(asked.read_text())
    return PYTHON


def settings(threads, cache=None):
    """The environment variables with which every library uses that many threads."""
    found = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    for name in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
        found[f"{name}_NUM_THREADS"] = str(threads)
    if threads == 1:
        found["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if cache:
        found["NUMBA_CACHE_DIR"] = cache
    return found


def measured(python, threads, quick):
    """The rows of one process, as they come."""
    command = [python, HERE / "measure.py", str(threads), *(["--quick"] if quick else [])]
    rows = []
    with subprocess.Popen(
        command, env=settings(threads), stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            rows.append(json.loads(line))
            if "T" in rows[-1]:
                print(told(rows[-1]), flush=True)
    if process.returncode:
        raise SystemExit(f"the measurement with {threads} threads failed, see above")
    return rows


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
    """Seconds of the first compiled gradient of a process, with nothing kept and again."""
    script = (
        "import time, numpy as np, rnn_lit; from rnn_lit import compiled\n"
        "p = rnn_lit.initialise(2, 1, 1, np.random.default_rng(0)); x = np.ones((3, 1))\n"
        "t = time.perf_counter(); compiled.loss_and_gradient(p, x, x)\n"
        "print(time.perf_counter() - t)"
    )
    with tempfile.TemporaryDirectory() as cache:
        runs = [
            subprocess.run(
                [python, "-c", script], env=settings(1, cache), capture_output=True, text=True,
                check=True,
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a rough look; nothing is written")
    quick = parser.parse_args().quick
    python = environment()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{processor()}, {cores} cores, load {os.getloadavg()[0]:.2f}", flush=True)
    rows, load = [], [round(os.getloadavg()[0], 2)]
    for threads in (1,) if quick else (1, cores):
        rows += measured(python, threads, quick)
    versions = next(row["versions"] for row in rows if "versions" in row)
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    fits = next(row["fits"] for row in rows if "fits" in row)
    print("fits per second:", ", ".join(f"{name} {rate:.1f}" for name, rate in fits.items()))
    result = {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": cores,
        "load": load + [round(os.getloadavg()[0], 2)],
        "versions": versions,
        "fits": fits,
        "profiles": [row["profile"] for row in rows if "profile" in row],
        "rows": [row for row in rows if "T" in row],
    }
    ahead = [row["ratios"]["best"]["jax"][1] for row in result["rows"] if row["work"] == "gradient"]
    print(f"JAX over the better of ours: {min(ahead):.2f} … {max(ahead):.2f}, median "
          f"{statistics.median(ahead):.2f}")  # fmt: skip
    if quick:
        return
    result["first_call"] = first_call(python)
    print("seconds of the first compiled call:", result["first_call"])
    DATA.parent.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1)
    DATA.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {DATA.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
