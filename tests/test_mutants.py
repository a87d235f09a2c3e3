"""tools/mutants.py: what a chapter's settling cells see is killed, what no one sees is alive."""

import mutants
import mutations
import pytest
from tiny import cell, save

DOUBLE = "def double(x):\n    y = x + x\n    return y\n"
SEEN = "assert double(2) == 4 and double(3) == 6"
SUM = "def total(values):\n    s = 0\n    for v in values:\n        s += v\n    return s\n"


def tells_all_apart(module):
    from rnn_lit.first import double

    try:
        return [double(v) for v in (1, 2, 3.5)] == [2, 4, 7]
    except Exception:
        return False


@pytest.fixture
def judged(tmp_path, capsys):
    """The table for a book of one chapter with the given cells."""

    def judge(*cells, battery=tells_all_apart, signed=""):
        (tmp_path / "book").mkdir()
        (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/1-first\n")
        save(tmp_path / "book" / "1-first.ipynb", *cells)
        package = tmp_path / "src" / "rnn_lit"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        source = cells[0]["source"]
        (package / "first.py").write_text(source + "\n")
        (tmp_path / "signed.toml").write_text(signed)
        alive = mutants.report(
            tmp_path, ["1"], battery=battery, workers=1, signed=tmp_path / "signed.toml"
        )
        return alive, capsys.readouterr().out

    return judge


def test_a_settling_cell_kills(judged):
    alive, table = judged(cell(DOUBLE, "export:first"), cell(SEEN, "proves:eq-double"))
    assert alive == 0 and "x - x" in table
    assert "killed by proves:eq-double (AssertionError)" in table


def test_an_untagged_or_illustrating_cell_does_not(judged):
    alive, table = judged(
        cell(DOUBLE, "export:first"), cell(SEEN), cell(SEEN, "illustrates:eq-double")
    )
    assert alive > 0 and "killed" not in table.split("\n1-first:")[0]


def test_what_the_battery_cannot_tell_apart_is_equivalent(judged):
    def battery(module):
        from rnn_lit.first import double

        return double(2) == 4

    alive, table = judged(cell(DOUBLE, "export:first"), cell("1 + 1"), battery=battery)
    assert "x * x  |  equivalent" in table  # the battery knows 2 alone, and 2 · 2 is 2 + 2
    assert "y = x + x  ->  y = x  |  ALIVE" in table and alive > 0


def test_a_battery_that_refuses_the_function_as_it_is_judges_nothing(judged):
    alive, told = judged(cell(DOUBLE, "export:first"), battery=lambda module: False)
    assert alive is None and "the battery refuses first as it is" in told


def test_a_survivor_may_be_signed_off(judged):
    reason = '[[signed]]\nfunction = "double"\nold = "y = x + x"\n'
    reason += 'new = "y = x * x"\nreason = "two"\n'
    only_two = cell("assert double(2) == 4", "checks:eq-double")
    alive, table = judged(cell(DOUBLE, "export:first"), only_two, signed=reason)
    assert alive == 0 and "signed: two" in table


def test_a_loop_cut_short_is_a_mutant():
    news = [variant.new for variant in mutations.variants(SUM)]
    assert "list(values)[:5]" in news and "list(values)[::-1]" in news and "s -= v" in news


def test_only_one_thing_changes_and_the_rest_of_the_text_stays():
    source = "def f(a, b):  # a comment, é\n    x = a * b * (a * b)\n    return x\n"
    for variant in mutations.variants(source):
        compile(variant.source, "a mutant", "exec")
        assert "# a comment, é" in variant.source
    assert "x = a * b * (a + b)" in [variant.new for variant in mutations.variants(source)]


def test_a_name_that_the_changed_function_misses_is_seen_after_another_failure(judged):
    alive, table = judged(
        cell(DOUBLE, "export:first"), cell(SEEN), cell(SEEN, "checks:eq-double")
    )
    assert "y = x + x  ->  pass  |  killed by checks:eq-double (NameError)" in table


def test_a_definition_is_changed_but_not_dropped():
    news = [variant.new for variant in mutations.variants("LIMIT = 2 * 3\n")]
    assert news and "pass" not in news


def test_refusals_are_left_alone():
    source = "def f(a):\n    if a < 0:\n        raise ValueError('a')\n    return a + 1\n"
    assert all("a < 0" in variant.source for variant in mutations.variants(source))
    assert mutations.refusals(source) == 1


def test_types_are_looked_past():
    typed = "Array = NDArray[Any]\nLIMIT: int | None = 2 * 3\n\n\n"
    typed += "def f(a: int | None, b: int = 1) -> int | None:\n"
    typed += "    c: int | None = a * b\n    return c\n"
    plain = "LIMIT = 2 * 3\n\n\ndef f(a, b=1):\n    c = a * b\n    return c\n"
    found, wanted = (mutations.variants(source) for source in (typed, plain))
    assert [v[2:4] for v in found] == [v[2:4] for v in wanted] and len(found) > 10
    assert all("def f(a: int | None, b: int = 1) -> int | None:" in v.source for v in found)
