"""tools/mutants.py --package: a strong test kills a mutant, a weak one lets it live."""

import re
from pathlib import Path

import mutants_package
import pytest
from mutants_package import BESIDE, LEFT_OUT, TESTS
from mutants_plant import Change, exchanged, plant

TESTS_FOLDER = Path(__file__).parent
PACKAGE = TESTS_FOLDER.parent / "src" / "rnn_lit"
MODULE = """class Twice:
    def of(self, x):
        return self.once(x) + x

    @property
    def two(self):
        return 2

    def once(self, x):
        return x


def total(values):
    s = 0
    for v in values:
        s += v
    return s


def never(x):
    return x + 1


def added(x):
    def add(y):
        return x + y
    return add


FACTOR = 3
KEPT = added(1)
"""
# The names are imported before a mutant is there, and it must reach them all the same.
STRONG = """import pytest
from rnn_lit.first import FACTOR, KEPT, Twice, total

@pytest.fixture(scope="module")
def twice():
    return Twice()

def test_total():
    assert total([1, 2, 4, 8, 16, 32]) == 63 and total([]) == 0

def test_twice(twice):
    assert twice.of(3) == 6 and twice.two == 2

def test_factor():
    assert FACTOR == 3

def test_kept():
    assert KEPT(5) == 6
"""
WEAK = """from rnn_lit.first import FACTOR, KEPT, Twice, total

def test_total():
    assert total([2]) > 0

def test_the_rest():
    assert Twice().of(3) and Twice().two and FACTOR and KEPT(1)
"""


@pytest.fixture
def judged(tmp_path, capfd, monkeypatch):
    """What the tool prints of a package of one module with this test, and its answer."""
    monkeypatch.setattr(mutants_package, "preload", lambda: None)  # of large libraries
    package, tests = tmp_path / "src" / "rnn_lit", tmp_path / "tests"
    package.mkdir(parents=True)
    tests.mkdir()
    (package / "__init__.py").write_text("")
    (package / "first.py").write_text(MODULE)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")

    def judge(test, signed="", **options):
        (tests / "test_first.py").write_text(test)
        (tmp_path / "signed.toml").write_text(signed)
        alive = mutants_package.report(
            tmp_path, tests={"first": ("first",)}, signed=tmp_path / "signed.toml", **options
        )
        return alive, capfd.readouterr().out

    return judge


@pytest.mark.heavy
def test_a_strong_test_kills_and_a_weak_one_lets_live(judged):
    some = ["total", "never", "FACTOR"]
    alive, table = judged(STRONG, only=some)
    survivors = [line for line in table.splitlines() if "ALIVE" in line]
    assert alive == len(survivors) == 7
    assert sum("return x + 1" in line and "no test comes to it" in line for line in survivors) == 6
    assert "first  total, line 15: values  ->  list(values)[::-1]  |  ALIVE" in table  # as it may
    assert count(table, "killed") == 13

    alive, table = judged(WEAK, only=some)
    assert "s += v  ->  s = v  |  ALIVE" in table and "FACTOR = 3  ->  FACTOR = 4  |  A" in table
    assert alive == 14


@pytest.mark.heavy
def test_verdicts_are_kept_and_survivors_tried_again_when_a_test_changes(judged, monkeypatch):
    first = judged(WEAK, only=["FACTOR"])
    tried = []
    monkeypatch.setattr(mutants_package, "run", lambda f, k, todo, t: tried.extend(todo))
    assert judged(WEAK, only=["FACTOR"]) == first and not tried
    judged(WEAK + "\n", only=["FACTOR"])
    assert tried


@pytest.mark.heavy
def test_a_sample_is_drawn_by_its_seed_and_a_survivor_may_be_signed_off(judged):
    _, table = judged(WEAK, sample=2)
    assert "first: " in table and f"{count(table, 'made') - 2} not run" in table
    signed = '[[signed]]\nfunction = "Twice.two"\nold = "return 2"\nnew = "return 3"\nreason = "so"'
    _, table = judged(WEAK, signed=signed, only=["Twice.two"])
    assert "return 2  ->  return 3  |  signed: so" in table and count(table, "signed") == 1


@pytest.mark.heavy
def test_a_test_that_is_red_without_any_mutant_is_told_and_judges_nothing(judged):
    red = WEAK + "\ndef test_red():\n    assert total([1]) == 7\n"
    alive, table = judged(red, only=["total"])
    assert alive is None and "left out, red without any mutant: " in table
    assert "s += v  ->  s = v  |  ALIVE" in table


@pytest.mark.heavy
def test_a_loop_without_an_end_is_killed(judged, monkeypatch):
    endless = MODULE.replace("s = 0", "while True: pass")
    change = Change("first", "total", line_of("s = 0"), line_of("s = 0"), "s = 0", "…", endless)
    monkeypatch.setattr(mutants_package, "SECONDS", 0.5)
    monkeypatch.setattr(mutants_package, "find", lambda *_: [change])
    alive, table = judged(STRONG)
    assert alive == 0 and "first: 1 made, 1 killed" in table


def line_of(text):
    return MODULE[: MODULE.index(text)].count("\n") + 1


def count(table, kind):
    return int(re.search(rf"first: .*?(\d+) {kind}", table)[1])


def test_code_that_carries_a_change_and_code_that_does_not():
    def change(old, new, function="added"):
        changed = MODULE.replace(old, new)
        return Change("first", function, line_of(old), line_of(old), old, new, changed)

    codes = exchanged(MODULE, change("x + y", "x - y"), "first.py")
    assert [name for name, _ in codes] == ["added", "added.<locals>.add"]
    assert exchanged(MODULE, change("FACTOR = 3", "FACTOR = 4", "FACTOR"), "first.py") is None
    assert exchanged(MODULE, change("total(values)", "total(values=1)", "total"), "") is None
    assert exchanged(MODULE, change("@property", "@classmethod", "Twice.two"), "") is None


def test_who_holds_a_function_has_the_changed_one(tmp_path):
    names = {}
    path = str(tmp_path / "first.py")
    exec(compile(MODULE, path, "exec"), names)
    held, method, inner = names["total"], names["Twice"]().of, names["KEPT"]
    for function, old, new in (("total", "s += v", "s -= v"), ("added", "x + y", "x - y"),
                               ("Twice.of", "once(x) + x", "once(x) - x")):  # fmt: skip
        at, changed = line_of(old), MODULE.replace(old, new)
        plant(MODULE, Change("first", function, at, at, old, new, changed), path)
    assert held([1, 2]) == -3 and method(3) == 0 and inner(5) == -4


def test_every_module_and_every_file_of_tests_is_in_the_table():
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    assert set(TESTS) | set(LEFT_OUT) == modules and not set(TESTS) & set(LEFT_OUT)
    files = {path.stem.removeprefix("test_") for path in TESTS_FOLDER.glob("test_*.py")}
    assert set().union(*TESTS.values(), BESIDE) <= files
    for name in files - set().union(*TESTS.values(), BESIDE) - {"mutants_package"}:
        text = (TESTS_FOLDER / f"test_{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"^(from|import) rnn_lit\b", text, re.MULTILINE), name
