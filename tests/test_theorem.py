"""The theorem of chapter 4, run on the installed package, and planted bugs that it must see."""

import importlib
import sys

import pytest
import sympy as sp

from rnn_lit.bptt import backward_steps
from rnn_lit.model import forward_steps
from rnn_lit.verify import (
    Mutant,
    Opaque,
    adjoint_identity,
    canonical,
    k,
    m,
    n,
    pairing,
    plant,
    row,
    sources,
    symbolic_parameters,
    time_splitting,
    uses_of_time,
    vanishes,
)


def parts(letter):
    return sp.symbols(f"{letter}_1 {letter}_2", integer=True, positive=True)


@pytest.mark.parametrize("T", [1, 2, 3])
def test_the_identity_for_every_size(T):
    left, right = adjoint_identity(T)
    assert vanishes(left - right)
    # each V and the incoming r and a_0 are there: an identity between zeros would prove nothing
    for name in ("Wdot_aa", "Wdot_ax", "bdot_a", "Wdot_ya", "bdot_y", "adot_0", f"r_{T}"):
        for side in (left, right):
            assert any(name == symbol.name for symbol in side.atoms(sp.MatrixSymbol)), name


@pytest.mark.parametrize("T", [1, 2])
def test_the_identity_for_a_batch(T):
    left, right = adjoint_identity(T, batch=2)
    assert vanishes(left - right) and len(left.args) == 2 * len(adjoint_identity(T)[0].args)


def test_the_identity_with_every_vector_cut_in_two():
    """A row is then two blocks, so what mixes or reorders the entries of a row would show."""
    left, right = adjoint_identity(2, sizes=(parts("n"), m, k))
    assert vanishes(left - right) and len(left.args) > 40
    left, right = adjoint_identity(1, sizes=(parts("n"), parts("m"), parts("k")))
    assert vanishes(left - right) and len(left.args) > 20


@pytest.mark.parametrize("T, s", [(2, 1), (3, 1), (3, 2)])
def test_a_pass_splits_in_time(T, s):
    differences = time_splitting(T, s)
    assert len(differences) > 20 and all(vanishes(d) for d in differences)


def test_blocks_refuse_what_has_no_meaning():
    (z,), (x,) = row("z", n, dual=True), row("x", m)
    with pytest.raises(ValueError, match="no meaning"):  # rows of two sizes
        z * x
    with pytest.raises(ValueError, match="no meaning"):
        z + x
    with pytest.raises(TypeError):  # not a fraction
        0.5 * z
    with pytest.raises(ValueError, match="second derivatives"):
        Opaque(n).df(row("z", n, dual=True), None)
    with pytest.raises(ValueError, match="z is a row of size m"):
        Opaque(n).f(row("x", m))
    with pytest.raises(ValueError, match="columns times rows"):
        pairing(symbolic_parameters().W_aa, symbolic_parameters().W_aa)


def test_the_loops_use_time_through_rows_alone():
    forwards, backwards = uses_of_time(forward_steps), uses_of_time(backward_steps)
    assert forwards["elsewhere"] == backwards["elsewhere"] == 0
    assert forwards["around"] == [] and backwards["around"] == ["return r"]
    assert forwards["written"] == ["z[t]", "a[t + 1]"]
    assert backwards["written"] == ["delta[t]", "delta[t]", "r"]
    assert forwards["besides"] == ["W_aa_T", "g"] and backwards["besides"] == ["W_aa", "dg", "r"]
    assert forwards["carried"] == [] and backwards["carried"] == ["r"]
    assert forwards["order"] == "range(len(z))"
    assert backwards["order"] == "range(len(delta) - 1, -1, -1)"


BUGS = [
    Mutant("W_aa transposed", "bptt", "r = delta[t] @ W_aa", "r = delta[t] @ W_aa.T"),
    Mutant("W_ya transposed", "bptt", "rows(e) @ parameters.W_ya", "rows(e) @ parameters.W_ya.T"),
    Mutant("dW_aa transposed", "bptt", "delta.T @ rows(a[:-1])", "rows(a[:-1]).T @ delta"),
    Mutant("dW_ax transposed", "bptt", "delta.T @ rows(x)", "rows(x).T @ delta"),
    Mutant("dW_ya transposed", "bptt", "e.T @ rows(a[1:])", "rows(a[1:]).T @ e"),
    Mutant("a_t for a_{t-1}", "bptt", "rows(a[:-1])", "rows(a[1:])"),
    Mutant("a_{t-1} for a_t", "bptt", "e.T @ rows(a[1:])", "e.T @ rows(a[:-1])"),
    Mutant("r dropped", "bptt", "delta[t] += r", "pass"),
    Mutant("r subtracted", "bptt", "delta[t] += r", "delta[t] -= r"),
    Mutant("derivative forgotten", "bptt", "delta[t] *= dg(z[t], a[t + 1])", "pass"),
    Mutant("derivative twice", "bptt", "delta[t] += r", "delta[t] += r; delta[t] *= dg(z[t], a)"),
    Mutant("derivative after r", "bptt", "delta[t] @ W_aa", "(delta[t] @ W_aa) * dg(z[t], a)"),
    Mutant("derivative of another time", "bptt", "dg(z[t],", "dg(z[-1 - t],"),
    Mutant("derivative at the state", "bptt", "dg(z[t],", "dg(a[t + 1],"),
    Mutant("derivative by the state before", "bptt", "a[t + 1])", "a[t])"),
    Mutant("loop forwards", "bptt", "range(len(delta) - 1, -1, -1)", "range(len(delta))"),
    Mutant("last step left out", "bptt", "range(len(delta) - 1", "range(len(delta) - 2"),
    Mutant("first step left out", "bptt", "- 1, -1, -1)", "- 1, 0, -1)"),
    Mutant("b_a from the last step", "bptt", "b_a=delta.sum(axis=0)", "b_a=delta[-1]"),
    Mutant("b_y from the first step", "bptt", "b_y=e.sum(axis=0)", "b_y=e[0]"),
    Mutant("inputs reversed", "bptt", "delta.T @ rows(x)", "delta.T @ rows(x[::-1])"),
    Mutant("r_T ignored", "bptt", "parameters.W_aa, r, g_1", "parameters.W_aa, 0 * r, g_1"),
    Mutant("r_0 is δ_1", "bptt", "    return r\n", "    return delta[0]\n"),
    Mutant("twice", "bptt", "b_a=delta.sum(axis=0)", "b_a=2 * delta.sum(axis=0)"),
    Mutant("forward: W_aa transposed", "model", "W_aa.T.copy()", "W_aa"),
    Mutant("forward: always a_0", "model", "a[t] @ W_aa_T", "a[0] @ W_aa_T"),
    Mutant("forward: no feedback", "model", "z[t] += a[t] @ W_aa_T", "pass"),
    Mutant("forward: output a step late", "model", "rows(a[1:]) @ W_ya.T", "rows(a[:-1]) @ W_ya.T"),
]


def seen(check):
    """Whether a check on planted code fails: a difference, or an operation without a meaning."""
    try:
        return not check()
    except (ValueError, TypeError, AttributeError, IndexError):
        return True


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen(bug):
    code = plant(bug)

    def holds():
        for T in (2, 3):
            left, right = adjoint_identity(T, forward=code.forward, backward=code.backward)
            if not vanishes(left - right):
                return False
        return True

    assert seen(holds)


def test_an_unchanged_copy_passes():
    code = plant()
    left, right = adjoint_identity(2, forward=code.forward, backward=code.backward)
    assert vanishes(left - right)


def test_entries_of_a_row_out_of_order_are_seen_in_two_parts_only():
    bug = Mutant("row reversed", "bptt", "delta[t] += r", "delta[t] += r[..., ::-1]")
    code = plant(bug)
    left, right = adjoint_identity(2, backward=code.backward)
    assert vanishes(left - right)
    half = sp.Symbol("q", integer=True, positive=True)  # of one size, so that all products conform
    left, right = adjoint_identity(1, sizes=((half, half), m, k), backward=code.backward)
    assert not vanishes(left - right)


def only_even_times(delta, d, W_aa, r):
    for t in range(len(delta) - 1, -1, -1):
        delta[t] += r
        delta[t] *= d[t]
        r = delta[t] @ W_aa if t != 4 else 0 * r
    return r


def two_steps_back(delta, d, W_aa, r):
    for t in range(len(delta) - 1, -1, -1):
        delta[t] += r
        delta[t] *= d[t - 4]
        r = delta[t] @ W_aa
    return r


def more_carried(delta, d, W_aa, r):
    old = 0 * r
    for t in range(len(delta) - 1, -1, -1):
        delta[t] += r
        delta[t] *= d[t]
        old, r = r, delta[t] @ W_aa + 0 * old
    return r


def length_matters(delta, d, W_aa, r):
    for t in range(len(delta) - 1, -1, -1):
        delta[t] += r if len(delta) < 4 else 0 * r
        delta[t] *= d[t]
        r = delta[t] @ W_aa
    return r


def slope_of_the_last(delta, d, W_aa, r):
    for t in range(len(delta) - 1, -1, -1):
        delta[t] += r
        delta[t] *= d[-1]
        r = delta[t] @ W_aa
    return r


def test_what_no_short_series_shows_the_syntax_tree_shows():
    """A bug at the fifth step is invisible at T = 1, 2, 3: the syntax tree shows it."""
    changed = "r = delta[t] @ W_aa if t != 4 else 0 * r"
    code = plant(Mutant("a late step", "bptt", "r = delta[t] @ W_aa", changed))
    left, right = adjoint_identity(3, backward=code.backward)
    assert vanishes(left - right)
    assert uses_of_time(only_even_times)["elsewhere"] == 1
    assert uses_of_time(two_steps_back)["elsewhere"] == 1
    assert uses_of_time(more_carried)["carried"] != ["r"]
    assert uses_of_time(length_matters)["elsewhere"] == 1
    assert uses_of_time(slope_of_the_last)["besides"] == ["W_aa", "d", "r"]


LOOPS = [
    ("bptt", "range(len(delta) - 1, -1, -1)", "range(len(delta) - 1, max(-1, len(delta) - 6), -1)"),
    ("bptt", "range(len(delta) - 1, -1, -1)", "range(min(len(delta), 1000) - 1, -1, -1)"),
    ("bptt", "range(len(delta) - 1, -1, -1)", "sorted(set(range(len(delta))), reverse=True)"),
    ("model", "range(len(z))", "range(min(5, len(z)))"),
    ("model", "range(len(z))", "list(range(len(z)))[:1000]"),
    (
        "bptt",
        "        r = delta[t] @ W_aa\n",
        "        r = delta[t] @ W_aa\n        if len(r) > 9: break\n",
    ),
    ("bptt", "        delta[t] += r\n", "        delta[t] += r if t < 9 else 0\n"),
    ("bptt", "    return r\n", "    else:\n        r = r\n    return r\n"),
    ("bptt", "    return r\n", "    r = r\n    return r\n"),
    ("bptt", "    for t in", "    delta = delta[-5:]\n    for t in"),
    ("model", "    for t in", "    z, a = z[:5], a[:6]\n    for t in"),
    ("model", "        z[t] += a[t]", "        z[t] += a[t] and a[t]"),
]


@pytest.mark.parametrize("module, old, new", LOOPS, ids=range(len(LOOPS)))
def test_a_loop_that_leaves_out_a_late_time_is_seen_on_the_syntax_tree(
    tmp_path, monkeypatch, module, old, new
):
    """What no run at T = 1, 2, 3 shows: the header, an early end, lines around the loop."""
    text = sources()[module]
    assert text.count(old) == 1
    (tmp_path / "changed.py").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "changed", raising=False)
    changed = importlib.import_module("changed")
    shipped = {"bptt": backward_steps, "model": forward_steps}[module]
    assert uses_of_time(getattr(changed, shipped.__name__)) != uses_of_time(shipped)


def two_loops(z):
    for t in range(len(z)):
        z[t] += 1
    for t in range(len(z)):
        z[t] += 1


def test_a_function_with_two_loops_is_refused():
    with pytest.raises(ValueError, match="two_loops has 2 loops"):
        uses_of_time(two_loops)


def test_an_opaque_derivative_is_given_at_its_own_output_only():
    g = Opaque(n)
    a = g.f(row("z", n))
    assert g.df(row("z", n), a)[0].value.T.name == "d_1"
    assert g.df(row("z", n), None)[0].value.T.name == "d_1"
    with pytest.raises(ValueError, match="wanted a_1"):
        g.df(row("z", n), row("b", n))


def test_a_split_sees_a_step_that_looks_at_its_neighbour():
    bug = Mutant("next row", "bptt", "delta[t] += r", "delta[t] += r; delta[t - 1] += 0 * r")
    assert all(vanishes(d) for d in time_splitting(2, 1, backward=plant(bug).backward))
    bug = Mutant("length", "bptt", "delta[t] += r", "delta[t] += len(delta) * r")
    differences = time_splitting(3, 1, backward=plant(bug).backward)
    assert not all(vanishes(d) for d in differences)
    assert all(canonical(d) == d for d in differences)
