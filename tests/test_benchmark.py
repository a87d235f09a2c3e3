"""Both editions of the package answer the benchmark's requests."""

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
# by its path, since tools/ has a run.py as well
SPEC = spec_from_file_location("benchmark", BENCHMARKS / "run.py")
benchmark = module_from_spec(SPEC)
SPEC.loader.exec_module(benchmark)

REQUESTS = ["prepare", [5, 2, 3, 1, "float64"], "gradient"], ["time"]


@pytest.mark.parametrize("name", ["numpy", "first"])
def test_a_contestant_is_timed(name, tmp_path):
    source = benchmark.ROOT / "src"
    if name == "first":
        source = benchmark.first_edition(tmp_path)
        if source is None:
            pytest.skip("the first edition is not in this repository")
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / "measure.py", name, "1"],
        env=benchmark.settings(1, source=source),
        input="".join(json.dumps(request) + "\n" for request in REQUESTS),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    count, seconds = map(json.loads, ended.stdout.split())
    assert count >= 1 and 0 < seconds < 60
