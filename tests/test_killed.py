"""Killed at any moment: the file is there, and it is one that was saved, whole."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and fork of POSIX")
KILLS = 50

# One process fits once and forks a child for each kill, so no library is imported fifty times.
# It has one thread, as a fork wants. The child says when it begins; the moments are drawn.
COMMON = """
import json, os, random, signal, sys, time, warnings
import numpy as np
from rnn_lit import Forecaster

warnings.simplefilter("ignore")
path, kills = sys.argv[1], int(sys.argv[2])
time_ = np.arange(60)
first, second = 10 + np.sin(0.5 * time_), 20 + np.cos(0.3 * time_)
moments = random.Random(1)


def killed(work, number, seconds):
    ready, begun = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(begun, b".")
            work()
        finally:
            os._exit(0)
    os.read(ready, 1)
    os.close(ready), os.close(begun)
    time.sleep(moments.uniform(0, seconds))
    os.kill(child, number)
    os.waitpid(child, 0)


def left():
    \"\"\"The half-written files beside the saved one, which are taken away.\"\"\"
    found = [name for name in os.listdir(os.path.dirname(path)) if name.endswith(".tmp")]
    for name in found:
        os.unlink(os.path.join(os.path.dirname(path), name))
    return len(found)


"""
SAVE = (
    COMMON
    + """
fits = [Forecaster(2, penalty=1e-3, starts=2, rounds=15).fit(s) for s in (first, second)]
forecasts = [f.predict(3).tolist() for f in fits]
begin = time.perf_counter()
for _ in range(5):
    fits[0].save(path)
seconds = (time.perf_counter() - begin) / 5  # a disk may be slow


def saves():
    while True:
        for f in fits:
            f.save(path)


halves, seen = 0, []
for _ in range(kills):
    killed(saves, signal.SIGKILL, 4 * seconds)
    halves += left()
    seen.append(forecasts.index(Forecaster.load(path).predict(3).tolist()))
print(json.dumps([halves, seen]))
"""
)
FIT = (
    COMMON
    + """
old = Forecaster(2, penalty=1e-3, starts=2, rounds=15).fit(first)
old.save(path)
saved = open(path, "rb").read()
begin = time.perf_counter()
Forecaster(2, starts=3, rounds=12).fit(second)
seconds = time.perf_counter() - begin


def fits():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    f = Forecaster.load(path)
    f.set_params(penalty=None, starts=3, rounds=12)
    try:
        f.fit(second)
    except KeyboardInterrupt:
        pass
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the user has pressed it once
    f.save(path)


ends = []
for number in (signal.SIGINT, signal.SIGKILL):
    for _ in range(kills):
        with open(path, "wb") as file:
            file.write(saved)
        killed(fits, number, 1.1 * seconds)
        f = Forecaster.load(path)
        assert left() == 0 or number == signal.SIGKILL
        if len(f.series_) and f.series_[0] == first[0]:  # nothing had been found
            assert f.predict(3).tolist() == old.predict(3).tolist() and not f.interrupted_
            ends.append([int(number), "old"])
        else:
            assert f.series_.tolist() == second.tolist() and f.penalty_ in f.PENALTIES
            assert np.isfinite(f.predict(3)).all() and len(f.objectives_) == 3
            ends.append([int(number), "interrupted" if f.interrupted_ else "whole"])
print(json.dumps(ends))
"""
)


def run(script, folder, kills):
    command = [sys.executable, "-c", script, str(folder / "f.npz"), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_save_killed_at_any_moment_leaves_the_one_file_or_the_other(tmp_path):
    halves, seen = run(SAVE, tmp_path, KILLS)
    assert len(seen) == KILLS and set(seen) == {0, 1}
    # The kills fall into the writing and not beside it, or nothing would be shown.
    assert halves >= KILLS // 10


def test_a_fit_stopped_at_any_moment_leaves_a_forecaster_that_can_be_saved(tmp_path):
    ends = run(FIT, tmp_path, KILLS // 2)
    interrupts = [end for number, end in ends if number == 2]
    assert len(ends) == 2 * (KILLS // 2) and "interrupted" in interrupts
    # A kill leaves what was saved before the fit, or after it.
    assert {end for number, end in ends if number != 2} <= {"old", "whole"}
