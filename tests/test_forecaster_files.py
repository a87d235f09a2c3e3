"""Files: whole or not at all, of any path; what is read is believed only after a check."""

import io
import json
import os
import stat
import subprocess
import sys
import threading
import zipfile

import numpy as np
import pytest

from rnn_lit import Forecaster, _storage, forecast

S = 10 + np.sin(0.5 * np.arange(60))
pytestmark = pytest.mark.filterwarnings("ignore:the search")
REFUSED = "is not a file that Forecaster.save wrote, or it is truncated or damaged"


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(2, linear=0, lags=2, penalty=1e-3, starts=2, rounds=20).fit(S)


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "f.npz")
    return tmp_path / "f.npz"


def contents(path):
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def write(path, arrays):
    with open(path, "wb") as file:
        np.savez(file, **arrays)


# Writing


def test_threads_on_one_path_never_meet(fitted, tmp_path):
    path, failed, stop = tmp_path / "f.npz", [], threading.Event()
    fitted.save(path)

    def work(use):
        try:
            while not stop.is_set():
                use(path)
        except Exception as error:  # told below
            failed.append(error)
            stop.set()

    uses = [fitted.save] * 4 + [Forecaster.load]
    threads = [threading.Thread(target=work, args=(use,)) for use in uses]
    for thread in threads:
        thread.start()
    stop.wait(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_the_mode_of_the_file_is_kept_and_a_new_one_has_the_usual(fitted, tmp_path):
    path = tmp_path / "f.npz"
    before = os.umask(0o027)
    try:
        fitted.save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    fitted.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes and links of POSIX")
def test_a_link_stays_a_link(fitted, tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "real.npz", tmp_path / "link.npz"
    link.symlink_to(target)
    for _ in range(2):  # first a link to nothing, then to a file
        fitted.save(link)
        assert link.is_symlink() and target.is_file()
        assert list((tmp_path / "far").iterdir()) == [target]
    assert np.array_equal(Forecaster.load(link).predict(3), fitted.predict(3))


def test_paths_of_every_kind(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (os.fsencode(tmp_path / "b"), str(tmp_path / "s"), tmp_path / "p", "ễ đ.npz", b"r"):
        fitted.save(path)
        assert np.array_equal(Forecaster.load(path).predict(2), fitted.predict(2))
    assert len(list(tmp_path.iterdir())) == 5
    for bad in (None, 3, 1.5, io.BytesIO()):
        for use in (fitted.save, Forecaster.load):
            with pytest.raises(TypeError, match="path is .*, wanted a string or a path"):
                use(bad)


def test_what_is_no_file_is_not_replaced(fitted, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        fitted.save(tmp_path / "folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="pipe"):
            fitted.save(tmp_path / "pipe")
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(FileNotFoundError):
        fitted.save(tmp_path / "nowhere" / "f.npz")


# Reading


def test_a_file_of_the_first_release_is_read(saved, fitted):
    arrays = contents(saved)
    for new in set(arrays) - {
        "format", "version", "settings", "mean", "scale", "penalty", "objectives", "interrupted",
        "series", "W_aa", "W_ax", "b_a", "W_ya", "b_y",
    }:  # fmt: skip
        del arrays[new]
    old = json.loads(str(arrays["settings"]))
    assert old.pop("linear") == 0 and old.pop("season") is None  # unknown to version 0.1
    arrays.update(settings=np.array(json.dumps(old)), version=np.array(1))
    write(saved, arrays)
    loaded = Forecaster.load(saved)
    assert np.array_equal(loaded.predict(3), fitted.predict(3))
    assert (loaded.linear, loaded.season, len(loaded.linear_)) == (0, None, 0)


def test_rounds_that_a_file_does_not_tell_stay_untold(fitted, saved):
    arrays = contents(saved)
    del arrays["n_iter"]
    write(saved, arrays)
    loaded = Forecaster.load(saved)
    assert loaded.n_iter_ is None
    loaded.save(saved)
    assert Forecaster.load(saved).n_iter_ is None
    arrays.update(n_iter=np.array(0))
    write(saved, arrays)
    assert Forecaster.load(saved).n_iter_ == 0


def test_a_season_that_does_not_fit_thrice_is_not_believed(tmp_path):
    f = Forecaster(1, linear=1, season=4, penalty=1.0, starts=1, rounds=5).fit(S)
    f.save(tmp_path / "s.npz")
    arrays = contents(tmp_path / "s.npz")
    settings(season=25)(arrays)
    write(tmp_path / "s.npz", arrays)
    with pytest.raises(ValueError, match="season is 25, wanted at most 20: three seasons"):
        Forecaster.load(tmp_path / "s.npz")


def test_an_updated_forecaster_is_read_as_it_was(fitted, tmp_path):
    f = Forecaster(2, linear=0, penalty=1e-3, starts=2, rounds=20).fit(S).update(S[:7] + 5)
    f.save(tmp_path / "u.npz")
    g = Forecaster.load(tmp_path / "u.npz")
    assert np.array_equal(g.predict(4, interval=0.8).upper, f.predict(4, interval=0.8).upper)
    assert np.array_equal(g.residuals_, f.residuals_) and len(g.series_) == 67
    assert (g.n_iter_, g.converged_) == (f.n_iter_, f.converged_)


def settings(**changed):
    def change(arrays):
        kept = json.loads(str(arrays["settings"]))
        arrays["settings"] = np.array(json.dumps({**kept, **changed}))

    return change


def array(name, make):
    return lambda arrays: arrays.update({name: make(arrays[name])})


ALTERED = {
    "a negative scale": array("scale", lambda v: -v),
    "a scale of nothing": array("scale", lambda v: 0 * v),
    "a scale that is another": array("scale", lambda v: 2 * v),
    "a mean that is no number": array("mean", lambda v: v * np.nan),
    "another mean": array("mean", lambda v: v + 1),
    "two means": array("mean", lambda v: np.array([v, v])),
    "another power": settings(power=0.5),
    "a power of zero": settings(power=0),
    "more units": settings(n=3),
    "no units": settings(n=0),
    "very many lags": settings(lags=10**9),
    "more starts": settings(starts=10**9),
    "an unknown setting": settings(eta=1),
    "a seed below zero": settings(seed=-1),
    "settings that are a list": array("settings", lambda v: np.array("[1, 2]")),
    "settings that are no JSON": array("settings", lambda v: np.array("{")),
    "settings very deep": array("settings", lambda v: np.array("[" * 5000 + "]" * 5000)),
    "settings that are numbers": array("settings", lambda v: np.arange(3)),
    "complex parameters": array("W_aa", lambda v: v * 1j),
    "whole numbers for parameters": array("W_aa", lambda v: v.astype("U4")),
    "a parameter that is no number": array("b_a", lambda v: v * np.nan),
    "two outputs": array("W_ya", lambda v: np.concatenate([v, v])),
    "two output biases": array("b_y", lambda v: np.concatenate([v, v])),
    "a flat matrix": array("W_aa", np.ravel),
    "a series with a gap": array("series", lambda v: np.where(np.arange(len(v)) == 7, np.nan, v)),
    "a series of columns": array("series", lambda v: v.reshape(-1, 2)),
    "a series of text": array("series", lambda v: v.astype(str)),
    "another series": array("series", lambda v: v[::2]),
    "no series": array("series", lambda v: v[:0]),
    "a penalty below zero": array("penalty", lambda v: v - 1),
    "no objectives": array("objectives", lambda v: v[:0]),
    "a version that is text": array("version", lambda v: np.array("one")),
    "a version of two numbers": array("version", lambda v: np.array([1, 2])),
    "a format of numbers": array("format", lambda v: np.arange(3)),
    "interrupted many times": array("interrupted", lambda v: np.arange(3)),
    "fitted on more than there is": lambda arrays: arrays.update(fitted=np.array(10**9)),
    "fitted on nothing": lambda arrays: arrays.update(fitted=np.array(0)),
    "a line where there is none": array("phi", lambda v: np.ones(2)),
    "a constant where there is no line": array("intercepts", lambda v: v + 1),
    "a line longer than the series": array("phi", lambda v: np.ones(80)),
    "intercepts of a season there is not": array("intercepts", lambda v: np.ones(4)),
    "a coefficient that is no number": array("intercepts", lambda v: v * np.nan),
    "a kind of line unknown": array("kind", lambda v: np.array("curve")),
    "a kind that is a number": array("kind", lambda v: np.arange(3)),
    "another fitted power": array("power", lambda v: v + 1),
    "a season beside no line": settings(season=4),
    "a line asked for that is not there": settings(linear=10**9),
    "rounds below zero": lambda arrays: arrays.update(n_iter=np.array(-5)),
}


@pytest.mark.parametrize("name", ALTERED)
def test_contents_are_believed_only_after_a_check(saved, name):
    arrays = contents(saved)
    ALTERED[name](arrays)
    write(saved, arrays)
    with pytest.raises(ValueError, match=REFUSED):
        Forecaster.load(saved)


@pytest.mark.parametrize("name", ["settings", "series", "W_aa", "objectives", "version"])
def test_a_missing_part_is_named(saved, name):
    arrays = contents(saved)
    del arrays[name]
    write(saved, arrays)
    with pytest.raises(ValueError, match=f"{REFUSED}.*{name}"):
        Forecaster.load(saved)


BOMBS = """
import resource, sys
from rnn_lit import Forecaster
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
try:
    Forecaster.load(sys.argv[1])
except ValueError as error:
    print(error)
try:  # what getrusage tells may be the parent's, at the moment of the fork
    most = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
except (OSError, IndexError):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(most // 1024, "MB")
"""


def huge_shape(path, saved):
    """A small file whose header promises 8 TB."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, member if name == "series.npy" else old.read(name))


def compressed(path, saved):
    """A small file that unpacks to 1 GB."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, dict(descr="<f8", fortran_order=False, shape=(2**27,))
    )
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "series.npy":
                new.writestr(name, old.read(name))
        with new.open("series.npy", "w") as part:
            part.write(member.getvalue())
            for _ in range(24):
                part.write(bytes(2**24))


# Not ru_maxrss, which a child inherits: it would be as large as the tests have grown.
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory as Linux tells it")
@pytest.mark.parametrize("make", [huge_shape, compressed])
def test_a_small_file_cannot_ask_for_much_memory(saved, tmp_path, make):
    path = tmp_path / "bomb.npz"
    make(path, saved)
    assert path.stat().st_size < 2e6
    done = subprocess.run([sys.executable, "-c", BOMBS, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "truncated or damaged" in done.stdout
    assert int(done.stdout.split()[-2]) < 300


def test_an_object_in_a_file_is_not_read(saved):
    arrays = contents(saved)
    arrays["objectives"] = np.array([print, len], dtype=object)
    with open(saved, "wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(ValueError, match=REFUSED):
        Forecaster.load(saved)


def test_a_fault_of_our_own_is_not_told_as_a_damaged_file(saved, monkeypatch):
    def faulty(*_):
        raise TypeError("a fault of our own")

    monkeypatch.setattr(forecast, "forward", faulty)
    with pytest.raises(TypeError, match="a fault of our own"):
        Forecaster.load(saved)
    monkeypatch.undo()
    monkeypatch.setattr(_storage, "_read", faulty)
    with pytest.raises(TypeError, match="a fault of our own"):
        Forecaster.load(saved)
