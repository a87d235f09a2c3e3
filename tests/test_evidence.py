"""The shipped forward, losses and backward on every kind of number."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from rnn_lit.activations import ACTIVATIONS, Activation, softmax, tanh
from rnn_lit.model import Parameters, States
from rnn_lit.verify.cases import SHIPPED, dyadic, gradient_of, loss_of, make_case
from rnn_lit.verify.duals import Dual, dual_array, tangents_of
from rnn_lit.verify.field import (
    PRIME,
    Degree,
    DegreeOracle,
    false_pass,
    prime_field,
    random_elements,
    random_oracle,
)
from rnn_lit.verify.opaque import opaque_activation, opaque_function, symbol_array
from rnn_lit.verify.ring import OpaqueRing
from rnn_lit.verify.rungs import (
    complex_step,
    gap,
    oracle_error,
    random_case,
    relative_error,
    wrong_entries,
)

rational = Activation(
    "z/(1+z²)",
    lambda z: z / (1 + z * z),
    lambda z, a: (1 - z * z) / ((1 + z * z) * (1 + z * z)),
)
cubic = Activation("z³ - z", lambda z: z * z * z - z, lambda z, a: 3 * z * z - 1)


def rng():
    return np.random.default_rng(20)


# --- the shipped functions -------------------------------------------------------------------


def test_sympy_differentiates_the_shipped_forward_to_the_shipped_gradient():
    g_1, g_2 = opaque_activation("g_1"), opaque_activation("g_2")
    case = make_case(symbol_array, 2, 1, 1, 2, g_1=g_1, g_2=g_2)
    L, gradient = loss_of(case), gradient_of(case)
    for name, leaf in case.leaves().items():
        for w, found in zip(leaf.flat, gradient[name].flat, strict=True):
            assert sp.expand(sp.diff(L, w) - found) == 0, w


@pytest.mark.parametrize(
    "size", [(1, 1, 1, 1), (1, 1, 1, 5), (2, 2, 2, 2), (3, 2, 2, 3), (2, 1, 2, 2, 3), (3, 2, 1, 4)]
)
def test_every_derivative_is_right_in_the_polynomial_ring(size):
    assert wrong_entries(OpaqueRing(*size)) == {}


def test_without_an_incoming_adjoint_too():
    algebra = OpaqueRing(2, 2, 2, 2)
    algebra.case = algebra.case._replace(r=None)
    assert wrong_entries(algebra) == {}


@pytest.mark.parametrize("g", [rational, cubic], ids=lambda g: g.name)
@pytest.mark.parametrize("B", [None, 2])
def test_every_derivative_is_right_in_fractions(g, B):
    fill = dyadic(rng(), Fraction)
    case = make_case(fill, 2, 2, 1, 2, B, g, g)
    gradient = gradient_of(case)
    for name, leaf in case.leaves().items():
        for index in np.ndindex(leaf.shape):  # one entry at a time moves by ε
            moved = leaf.copy()
            moved[index] = Dual(leaf[index], Fraction(1))
            L = loss_of(case.with_leaves({**case.leaves(), name: moved}))
            assert gradient[name][index] == L.tangent, (name, index)


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (5, 3, 2, 7), (4, 2, 3, 5, 3), (16, 2, 2, 30)])
def test_the_gap_is_zero_in_the_prime_field(size):
    assert gap(*random_case(prime_field(), rng(), *size)) == 0


@pytest.mark.parametrize("g_1", ["tanh", "sigmoid", "sine", "softplus"])
@pytest.mark.parametrize("g_2", ["identity", "tanh", "sigmoid", "sine", "softplus"])
@pytest.mark.parametrize("B", [None, 2])
def test_the_complex_step_agrees_for_every_shipped_activation(g_1, g_2, B):
    case = make_case(dyadic(rng(), float), 3, 2, 2, 5, B, ACTIVATIONS[g_1], ACTIVATIONS[g_2])
    assert relative_error(gradient_of(case), complex_step(case)) < 1e-14


@pytest.mark.parametrize("B", [None, 2])
def test_the_complex_step_agrees_for_cross_entropy(B):
    case = make_case(
        dyadic(rng(), float), 3, 2, 4, 5, B, g_2=softmax, loss="softmax_cross_entropy"
    )
    one_hot = np.eye(4)[rng().integers(4, size=case.y.shape[:-1])]
    case = case._replace(y=one_hot)
    assert relative_error(gradient_of(case), complex_step(case)) < 1e-14


@pytest.mark.parametrize("B", [None, 3])
def test_the_double_sum_agrees(B):
    case = make_case(dyadic(rng(), float), 4, 3, 2, 6, B, g_2=ACTIVATIONS["sigmoid"])
    assert oracle_error(case) < 1e-14


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.longdouble], ids=lambda t: t.__name__
)
def test_the_error_is_a_few_units_of_roundoff_in_every_precision(dtype):
    def filled(convert):
        return make_case(dyadic(rng(), convert), 2, 2, 2, 3, g_1=rational, g_2=rational)

    exact = gradient_of(filled(Fraction))
    found = gradient_of(filled(lambda q: dtype(q.numerator) / dtype(q.denominator)))
    for name in exact:
        assert found[name].dtype == dtype, name
    as_fraction = np.frompyfunc(lambda number: Fraction(*number.as_integer_ratio()), 1, 1)
    found = {name: as_fraction(g) for name, g in found.items()}
    assert relative_error(found, exact) < 10 * np.finfo(dtype).eps


def test_fifty_digits_agree_with_the_fractions():
    context = mpmath.MPContext()
    context.dps = 50

    def filled(convert):
        return make_case(dyadic(rng(), convert), 2, 2, 2, 3, g_1=rational, g_2=rational)

    exact = gradient_of(filled(Fraction))
    found = gradient_of(filled(lambda q: context.mpf(q.numerator) / q.denominator))
    for name in exact:
        for q, number in zip(exact[name].flat, found[name].flat, strict=True):
            error = abs(number - context.mpf(q.numerator) / q.denominator)
            assert error < context.mpf(10) ** -48, name


def test_an_adjoint_from_later_times_continues_the_sweep():
    # backward on 1…T is backward on s+1…T, then on 1…s with the r_s that came out.
    case = make_case(dyadic(rng(), float), 3, 2, 2, 6)
    states = SHIPPED.forward(case.parameters, case.x, case.a_0)
    _, e = SHIPPED.mean_squared_error(states, case.y)
    whole, r_0 = SHIPPED.backward(case.parameters, case.x, states, e)

    def part(start, stop, r):
        cut = States(
            states.z[start:stop],
            states.a[start : stop + 1],
            states.o[start:stop],
            states.y_hat[start:stop],
        )
        return SHIPPED.backward(case.parameters, case.x[start:stop], cut, e[start:stop], r=r)

    late, r_2 = part(2, 6, None)
    early, r = part(0, 2, r_2)
    assert np.allclose(r, r_0, rtol=1e-13, atol=0)
    for name, one, two, both in zip(Parameters._fields, early, late, whole, strict=True):
        assert abs(one + two - both).max() < 1e-13 * abs(both).max(), name


# --- the number types ------------------------------------------------------------------------


def test_dual_numbers_differentiate_arithmetic():
    u, v = Dual(Fraction(3, 2), Fraction(1)), Dual(Fraction(2, 5), Fraction(-7))
    assert (u * v).tangent == Fraction(2, 5) - 7 * Fraction(3, 2)
    assert (u / v).tangent == (1 * v.value + 7 * u.value) / v.value**2
    assert (1 / v).tangent == 7 / v.value**2
    assert (2 - u).tangent == -1 and (u - 2).tangent == 1 and (-u).tangent == -1
    assert u == Dual(Fraction(3, 2), Fraction(1)) and u != v and Dual(2) == 2
    assert u >= 1 and v <= u


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "sine", "identity"])
def test_the_shipped_activations_run_on_dual_numbers(name):
    g, z = ACTIVATIONS[name], np.array([-1.5, 0.0, 0.25, 2.0])
    found = tangents_of(g.f(dual_array(z, np.ones(4)))).astype(float)
    assert np.allclose(found, g.df(z, g.f(z)) * np.ones(4), rtol=1e-15)


def test_exp_log_and_cos_of_a_dual_number():
    u = Dual(0.5, 2.0)
    assert np.isclose(u.exp().tangent, 2 * np.exp(0.5))
    assert np.isclose(u.log().tangent, 4.0)
    assert np.isclose(u.cos().tangent, -2 * np.sin(0.5))


def test_opaque_functions_know_the_chain_rule_and_nothing_else():
    z, w = sp.symbols("z w")
    g, dg = opaque_function("g"), opaque_function("g", 1)
    assert sp.diff(g(w * g(z)), z) == w * dg(z) * dg(w * g(z))
    assert sp.diff(dg(z), z) == opaque_function("g", 2)(z)
    assert sp.latex(dg(z)) == r"g'\left(z\right)"
    assert sp.latex(dg(z) ** 2) == r"\left(g'\left(z\right)\right)^{2}"
    assert g(0).func is g and opaque_function("g") is g
    assert [str(s) for s in symbol_array("b_a", (2,))] == ["b_a_1", "b_a_2"]
    assert str(symbol_array("x", (11, 2))[10, 1]) == "x_11,2"


def test_the_ring_refuses_a_slope_at_a_wrong_output():
    case = OpaqueRing(1, 1, 1, 1).case
    states = SHIPPED.forward(case.parameters, case.x, case.a_0, case.g_1, case.g_2)
    with pytest.raises(ValueError, match="g_1"):
        case.g_1.df(states.z, states.a[:-1])
    with pytest.raises(ValueError, match="g_1"):
        case.g_1.df(states.a[1:], states.a[1:])


def test_arithmetic_modulo_a_prime():
    field = prime_field(7)
    three, five = field(3), field(5)
    assert three + five == 1 and three * five == 1 and three - five == 5 and -three == 4
    assert 1 + three == 4 and 1 - three == 5 and 2 * five == 3
    assert three / five == 2 and three / 2 == 5
    assert three != five and hash(field(10)) == hash(three)
    assert sp.isprime(PRIME)


def test_random_elements_and_oracles_repeat_themselves():
    field = prime_field(101)
    z = random_elements(field, rng())("z", (50,))
    assert len({element.residue for element in z}) > 10
    g = random_oracle(field, rng())
    a = g.f(z)
    assert (a == g.f(z)).all() and (g.df(z, a) == g.df(z, a)).all()
    along = g.f(np.array([Dual(z[0], field(1))], dtype=object))[0]
    assert along.value == a[0] and along.tangent == g.df(z[:1], a[:1])[0]


def test_degrees_add_and_refuse_division():
    one, two = Degree(1), Degree(2)
    assert (one * two).degree == 3 and (one + two).degree == 2 and (3 * one - 1).degree == 1
    assert (two / 5).degree == 2
    with pytest.raises(TypeError):
        one / two


def test_a_wrong_pair_counts_as_a_point_of_its_own():
    oracle = DegreeOracle()
    z = np.array([Degree(2)], dtype=object)
    a = oracle.activation.f(z)
    oracle.activation.df(z, a)
    assert oracle.points == [2]
    oracle.activation.df(z, np.array([Degree(3)], dtype=object))
    assert oracle.points == [2, 3]


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 3, 1, 6), (3, 1, 2, 4, 2)])
def test_the_degree_and_the_points_are_those_of_the_chapter(size):
    n, _, k, T, B = size if len(size) == 5 else (*size, 1)
    risk = false_pass(*size)
    assert (risk.degree, risk.points, risk.point_degree) == (2 * T + 4, (T * B * n, T * B * k), 2)
    pairs = sum(q * (q - 1) // 2 for q in risk.points)
    assert risk.bound == Fraction(2 * T + 4 + 2 * pairs, PRIME)


def test_the_complex_step_is_of_second_order():
    case = make_case(dyadic(rng(), float), 2, 1, 1, 3, g_1=tanh)
    exact = gradient_of(case)
    errors = [relative_error(complex_step(case, h=h), exact) for h in (1e-2, 1e-3)]
    assert 90 < errors[0] / errors[1] < 110
