"""The cycle's bounds hold what sampling finds, and a proof with a hole is refused."""

import json
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from chapters import ROOT

from rnn_lit.certify import (
    Ball,
    ClosedCurve,
    ClosedLoop,
    Polygon,
    Undecided,
    Vector,
    balls,
    certify_cycle,
    chain,
    decimals,
    image_arc,
    in_basis,
    linear_frame,
    maps_beyond,
    on_curve,
    once_around,
    planar,
    precision,
    propose_tube,
    repelled,
    tube_bounds,
)

STORED = json.loads((ROOT / "src/rnn_lit/_book/equation.json").read_text("utf-8"))["parameters"]
W_AA, W_AX, B_A, W_YA, B_Y = (
    decimals(STORED[name]) for name in ("W_aa", "W_ax", "b_a", "W_ya", "b_y")
)
M, C = W_AA + W_AX @ W_YA, B_A + W_AX @ B_Y
M_F, C_F = M.astype(float), C.astype(float)
THIN, THICK = Fraction(1, 2200), Fraction(1, 60)


def step(a):
    return np.tanh(a @ M_F.T + C_F)


def held(ball, number, slack=1e-12):
    low, high = (float(end) for end in ball.ends())
    return low - slack <= number <= high + slack


@pytest.fixture(autouse=True)
def bits():
    with precision(64):
        yield


@pytest.fixture(scope="module")
def loop():
    with precision(64):
        return ClosedLoop(balls(M), balls(C))


@pytest.fixture(scope="module")
def tube(loop):
    with precision(64):
        return propose_tube(loop)


@pytest.fixture(scope="module")
def proved():
    return certify_cycle(M, C, (balls(W_YA[0]), balls(B_Y)[0]))


# Vectors, curves, polygons.


def test_vectors_hold_the_exact_results():
    draw = np.random.default_rng(0)
    for _ in range(100):
        a, b, c, d, e, f, s = (Fraction(int(v), 7) for v in draw.integers(-50, 50, 7))
        u, v, w, factor = Vector(*map(Ball, (a, b))), Vector(*map(Ball, (c, d))), (e, f), Ball(s)
        pairs = [
            ((u + v).balls(), (a + c, b + d)), ((u - v).balls(), (a - c, b - d)),
            ((u * factor).balls(), (a * s, b * s)), (u.spread(factor).balls(), (a + s, b + s)),
            ([u.dot(v), u.cross(v)], (a * c + b * d, a * d - b * c)),
        ]  # fmt: skip
        if a * d != b * c:
            pairs.append((
                in_basis(u, v, Vector(*map(Ball, w))),
                ((e * d - f * c) / (a * d - b * c), (a * f - b * e) / (a * d - b * c)),
            ))  # fmt: skip
        for found, exact in pairs:
            for ball, number in zip(found, exact, strict=True):
                low, high = ball.ends()
                assert low <= number <= high
    with pytest.raises(ArithmeticError):
        in_basis(u, u, v)


def test_the_map_and_its_derivative_hold_mpmaths(loop):
    draw = np.random.default_rng(1)
    for _ in range(20):
        middle, width = draw.uniform(-1, 1, 2), 1e-3
        box = Vector(*(Ball(v, width) for v in middle))
        image = loop(box)
        u = draw.uniform(-1, 1, 2)
        pushed = loop.push(image, Vector(*balls(u)))
        for _ in range(5):
            a = middle + draw.uniform(-width, width, 2)
            for i in range(2):
                exact = mpmath.tanh(M_F[i] @ a + C_F[i])
                assert held(image.balls()[i], float(exact))
                z, dz = M_F[i] @ a + C_F[i], M_F[i] @ u
                slope = mpmath.diff(lambda h, z=z, dz=dz: mpmath.tanh(z + h * dz), 0)
                assert held(pushed.balls()[i], float(slope), 1e-8)


def test_a_curve_and_its_derivatives():
    draw = np.random.default_rng(2)
    coefficients = draw.standard_normal(7) + 1j * draw.standard_normal(7)
    curve, h = ClosedCurve(coefficients), 1e-5
    for psi in draw.uniform(0, 7, 10):
        value, slope = curve.at(Ball(psi))
        before, at, after = on_curve(coefficients, [psi - h, psi, psi + h])
        assert all(held(ball, v) for ball, v in zip(value.balls(), at))
        central = (after - before) / (2 * h)
        assert all(held(ball, v, 1e-7) for ball, v in zip(slope.balls(), central))
        second = np.hypot(*(after - 2 * at + before)) / h**2
        sizes = (np.hypot(*at), np.hypot(*central), second)
        assert all(size <= b.middle() + 1e-4 for size, b in zip(sizes, curve.bounds))


def star(n=40, dent=0.3):
    angle = 2 * np.pi * np.arange(n) / n
    radius = 1 + dent * np.sin(3 * angle)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + (0.2, -0.1)


def inside(corners, point):
    """By counting the crossings of a ray, in fractions: nothing of the package."""
    x, y = (Fraction(v) for v in point)
    crossings = 0
    for (a, b), (c, d) in zip(corners, np.roll(corners, -1, axis=0)):
        a, b, c, d = map(Fraction, (a, b, c, d))
        if (b > y) != (d > y):
            crossings += a + (y - b) * (c - a) / (d - b) > x
    return crossings % 2 == 1


def test_a_polygon_knows_its_sides():
    corners, draw = star(), np.random.default_rng(3)
    polygon = Polygon(np.array([0.2, -0.1]), corners)
    (centre,) = planar([polygon.centre])
    nothing, undecided = Vector(Ball(0), Ball(0)), 0
    for point in draw.uniform(-1.6, 1.6, (500, 2)):
        (at,) = planar([point])
        side = polygon.side(at - centre, nothing)
        undecided += side == 0
        assert side == 0 or (side == -1) == inside(corners, point)
        if polygon.holds(at - centre):
            assert inside(corners, point)
    assert undecided < 150
    # Arcs that cross the polygon are on neither side, wherever their middle is.
    for j in range(0, 40, 3):
        (arm,) = planar([corners[j] - polygon.centre])
        for middle, half, side in (
            ("1.05", "0.1", 0), ("0.95", "0.1", 0), ("1.2", "0.1", 1), ("0.8", "0.1", -1)
        ):  # fmt: skip
            assert polygon.side(arm * Ball(middle), arm * Ball(half)) == side


def test_an_arc_is_on_one_side_with_all_its_points():
    """Near dents, where an arc may be left of one side's line and right of the next one's."""
    draw, decided = np.random.default_rng(7), 0
    for _ in range(40):
        angle = 2 * np.pi * (np.arange(8) + draw.uniform(-0.3, 0.3, 8)) / 8
        radius = np.tile([0.4, 1], 4)[:, None]
        corners = radius * np.column_stack([np.cos(angle), np.sin(angle)])
        polygon = Polygon(np.zeros(2), corners)
        dents = corners[2 * draw.integers(0, 4, 60)]
        middles = dents * draw.uniform(0.5, 1, (60, 1)) + draw.normal(0, 0.2, (60, 2))
        for middle, half in zip(middles, draw.uniform(-0.2, 0.2, (60, 2))):
            side = polygon.side(*planar([middle, half]))
            decided += side != 0
            for s in (-1, 0, 1) if side else ():
                assert inside(corners, middle + s * half) == (side == -1)
    assert decided > 900


@pytest.mark.parametrize(
    "corners",
    [
        star()[::-1],  # clockwise
        star()[[0, 16, 32, 8, 24]],  # a pentagram: every turn is to the left, twice around
        star() + 3,  # not around the centre
        star(dent=0)[:15],  # less than once around
        np.vstack([star()[:5], star()[3:]]),  # back and forth
    ],
)
def test_what_is_no_star_is_refused(corners):
    with pytest.raises(Undecided, match="once around"):
        Polygon(np.array([0.2, -0.1]), corners)


def test_once_around():
    square = planar([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    assert once_around(square)
    assert not once_around(square[::-1])
    assert not once_around([square[k % 4] for k in range(8)])


def test_the_image_of_an_arc_is_covered(loop):
    draw = np.random.default_rng(6)
    for _ in range(50):
        start, end = draw.uniform(-1, 1, (2, 2))
        middle, half = planar([(start + end) / 2, (end - start) / 2])
        image, arc = image_arc(loop, middle, half)
        for s in (-1, -0.4, 0.3, 1):
            point = (start + end) / 2 + s * (end - start) / 2
            on_arc = image + arc * Ball(s)
            assert all(held(b, v) for b, v in zip(on_arc.balls(), step(point)))


@pytest.mark.parametrize("factor, side", [(1.3, -1), (0.7, 1), (1.0, 0)])
def test_where_the_image_of_a_polygon_lies(loop, tube, factor, side):
    """A polygon on the cycle is mapped onto it, up to its sides."""
    cycle = on_curve(tube.floats[0], 2 * np.pi * np.arange(60) / 60)
    around = Polygon(tube.centre, cycle)
    other = Polygon(tube.centre, tube.centre + factor * (cycle - tube.centre))
    for wanted in (1, -1):
        for pieces in (1, 3):
            assert maps_beyond(loop, around, other, wanted, pieces) == (wanted == side)
    # One corner pulled away is enough to spoil it.
    pulled = cycle.copy()
    pulled[7] = tube.centre + (0.5 if side == 1 else 1.6) * (cycle[7] - tube.centre)
    for pieces in (1, 3):
        assert not maps_beyond(loop, Polygon(tube.centre, pulled), other, side or 1, pieces)


# The tube.


def sampled(tube, psi, v):
    """(ψ′, v′) by Newton's method in floats, many at once."""
    K, N = tube.floats
    k = np.arange(-(len(K) // 2), len(K) // 2 + 1)

    def point(psi, v):
        return on_curve(K, psi) + v[:, None] * on_curve(N, psi)

    goal, p, w = step(point(psi, v)), psi + tube.omega, tube.rate * v
    for _ in range(8):
        rest = goal - point(p, w)
        along = on_curve(1j * k * K, p) + w[:, None] * on_curve(1j * k * N, p)
        across = on_curve(N, p)
        area = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
        p = p + (rest[:, 0] * across[:, 1] - rest[:, 1] * across[:, 0]) / area
        w = w + (along[:, 0] * rest[:, 1] - along[:, 1] * rest[:, 0]) / area
    return p, w


@pytest.mark.parametrize("width, boxes, slices", [(THICK, 800, 3), (THIN, 2700, 1)])
def test_the_bounds_of_a_tube_hold_for_samples(loop, tube, width, boxes, slices):
    bounds = tube_bounds(loop, tube, width, boxes, slices, (balls(W_YA[0]), balls(B_Y)[0]))
    draw, e, h = np.random.default_rng(0), float(width), 1e-6
    psi, v = draw.uniform(0, 2 * np.pi, 4000), draw.uniform(-e, e, 4000)
    (p, w), (_, w_0) = sampled(tube, psi, v), sampled(tube, psi, 0 * v)
    d_psi = [
        (a - b) / (2 * h) for a, b in zip(sampled(tube, psi + h, v), sampled(tube, psi - h, v))
    ]
    d_v = [(a - b) / (2 * h) for a, b in zip(sampled(tube, psi, v + h), sampled(tube, psi, v - h))]
    for found, bound in (
        (p - psi - tube.omega, bounds.turn), (w, bounds.leaves), (w_0, bounds.offset),
        (d_v[0], bounds.across), (d_psi[1], bounds.lift), (d_v[1], bounds.rate),
    ):  # fmt: skip
        assert abs(found).max() <= bound.middle() + 1e-8
    assert d_psi[0].min() >= bounds.along.middle() - 1e-8
    K, N = tube.floats
    forecasts = on_curve(K, psi) @ W_YA[0].astype(float) + float(B_Y[0])
    assert bounds.lowest[0].middle() <= forecasts.min() <= bounds.lowest[1].middle() + 1e-3
    assert bounds.highest[0].middle() - 1e-3 <= forecasts.max() <= bounds.highest[1].middle()


def slopes_of(tube, psi, v):
    """∂T/∂ψ and ∂T/∂v in floats."""
    K, N = tube.floats
    k = 1j * np.arange(-(len(K) // 2), len(K) // 2 + 1)
    return on_curve(k * K, psi) + v[:, None] * on_curve(k * N, psi), on_curve(N, psi)


@pytest.mark.parametrize("psi", [0.3, 1.9, 3.1, 5.5])
def test_a_wide_box_holds_the_tube_and_its_derivatives(tube, psi):
    from rnn_lit.certify.cycle import _box, _piece

    reach, v, spread = 0.05, 0.01, 0.005
    half, (centre,) = Ball(0, reach), planar([tube.centre])
    box = _box(_piece(tube, Ball(psi), half), half, Ball(v), Ball(0, spread), centre)
    draw = np.random.default_rng(0)
    at, across = psi + reach * draw.uniform(-1, 1, 500), v + spread * draw.uniform(-1, 1, 500)
    points = on_curve(tube.floats[0], at) + across[:, None] * on_curve(tube.floats[1], at)
    T_psi, T_v = slopes_of(tube, at, across)
    for found, samples in ((box.all, points), (box.T_psi, T_psi), (box.T_v, T_v)):
        for ball, column in zip(found.balls(), samples.T):
            assert held(ball, column.min()) and held(ball, column.max())


@pytest.mark.parametrize("psi", np.linspace(0, 6, 9))
@pytest.mark.parametrize("ahead, less, v", [(0.012, 0, 0.01), (0, 0.6, 0.06)])
def test_a_step_that_leads_away_is_bounded_where_it_leads(loop, tube, psi, ahead, less, v):
    """With another ω the gap is large, and the bounds have to be taken at its other end."""
    from rnn_lit.certify.cycle import _box, _piece, _step

    shifted = tube._replace(omega=tube.omega + ahead, rate=tube.rate - less)
    reach, spread = 1e-6, 1e-6
    half, (centre,) = Ball(0, reach), planar([tube.centre])
    here = _piece(shifted, Ball(psi), half)
    there = _piece(shifted, Ball(psi) + Ball(shifted.omega), half)
    box = _box(here, half, Ball(v), Ball(0, spread), centre)
    turn, leaves, offset, across, lift, rate, along = _step(
        loop, shifted, box, there, half, Ball(0, spread), Ball(shifted.rate)
    )
    at, w, h = np.array([psi]), np.array([v]), 1e-5
    p, out = sampled(tube, at, w)
    assert abs(p - at - shifted.omega)[0] <= turn.middle() + 1e-12
    assert abs(out)[0] <= leaves.middle() + 1e-12
    assert abs(out - shifted.rate * w)[0] <= offset.middle() + 1e-12
    more, less = sampled(tube, at + h, w), sampled(tube, at - h, w)
    d_psi = [(a - b)[0] / (2 * h) for a, b in zip(more, less)]
    more, less = sampled(tube, at, w + h), sampled(tube, at, w - h)
    d_v = [(a - b)[0] / (2 * h) for a, b in zip(more, less)]
    assert d_psi[0] >= along.middle() - 1e-7 and abs(d_v[0]) <= across.middle() + 1e-7
    assert abs(d_psi[1]) <= lift.middle() + 1e-7 and abs(d_v[1]) <= rate.middle() + 1e-7


def test_a_tube_that_folds_or_leaves_is_refused(loop, tube):
    with pytest.raises(Undecided, match="folds"):
        tube_bounds(loop, tube, Fraction(2), 200)
    inside_out = tube._replace(N=ClosedCurve(-tube.floats[1]))
    with pytest.raises(Undecided, match="folds"):
        tube_bounds(loop, inside_out, THIN, 2700)
    wound = np.zeros(2 * len(tube.floats[0]) - 1, complex)  # ψ ↦ K(2ψ), twice around
    wound[::2] = tube.floats[0]
    normal = np.zeros_like(wound)
    normal[::2] = tube.floats[1]
    twice = tube._replace(K=ClosedCurve(wound), N=ClosedCurve(normal), omega=tube.omega / 2)
    with pytest.raises(Undecided, match="once around"):
        tube_bounds(loop, twice, THIN, 5400)
    elsewhere = tube._replace(omega=tube.omega + 0.5)
    with pytest.raises(ArithmeticError):
        tube_bounds(loop, elsewhere, THIN, 500)


@pytest.mark.parametrize("skew", [np.eye(2), [[1, 0.3], [0, 1]], [[1, -0.6], [0, 1]]])
def test_the_disc_repels_as_samples_do(loop, tube, skew):
    fixed, near = tube.centre, Fraction(11, 200)
    frame = linear_frame(loop) @ skew
    bound = repelled(loop, balls(fixed), frame, near)
    angle = np.random.default_rng(1).uniform(0, 7, 4000)
    length = float(near) * np.random.default_rng(2).uniform(0.05, 1, 4000)
    w = length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    after = (step(fixed + w @ frame.T) - fixed) @ np.linalg.inv(frame).T
    growth = ((after**2).sum(axis=1) / (w**2).sum(axis=1)).min()
    assert bound.middle() <= growth
    assert bound > 1 or np.any(skew != np.eye(2))
    assert repelled(loop, balls(fixed), frame, Fraction(1, 2)) < 1


# The theorem.


def test_the_theorem_holds_what_a_long_orbit_shows(proved):
    fixed = np.array([ball.middle() for ball in proved.fixed])
    assert abs(step(fixed) - fixed).max() < 1e-14
    slopes = (1 - fixed**2)[:, None] * M_F
    assert held(proved.modulus, abs(np.linalg.eigvals(slopes)).max())
    orbits = np.random.default_rng(0).uniform(-3, 3, (40, 2))
    for _ in range(400):
        orbits = step(orbits)
    turns, least, most = [], np.inf, -np.inf
    for _ in range(5000):
        following = step(orbits)
        a, b = orbits - fixed, following - fixed
        turns.append(np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], (a * b).sum(axis=1)))
        orbits = following
        forecasts = orbits @ W_YA[0].astype(float) + float(B_Y[0])
        least, most = min(least, forecasts.min()), max(most, forecasts.max())
    # Smooth weights make the mean of each orbit converge to many digits.
    s = (np.arange(5000) + 0.5) / 5000
    weights = np.exp(-1 / (s * (1 - s)))
    periods = 2 * np.pi / (weights @ turns / weights.sum())
    assert np.ptp(periods) < 1e-8
    slow, fast = proved.period
    assert fast - slow < Fraction(1, 1000)
    assert slow.middle() < periods.min() <= periods.max() < fast.middle()
    (low, higher), (lower, high) = proved.forecasts
    assert low.middle() <= least <= higher.middle() and lower.middle() <= most <= high.middle()


def test_the_chains_lead_where_they_should(proved):
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1.0]])
    assert (proved.outer[0].corners == square).all()
    K, N = proved.tube.floats
    psi = np.linspace(0, 2 * np.pi, 400)
    for polygons, width, is_inside in (
        (proved.outer, THICK, False), (proved.inner, -THICK, True)
    ):  # fmt: skip
        last = polygons[-1].corners
        border = on_curve(K, psi) + float(width) * on_curve(N, psi)
        assert all(inside(last, point) == is_inside for point in border)
    for polygons, is_inside in ((proved.outer, True), (proved.inner, False)):
        for one, following in zip(polygons, polygons[1:]):
            ends = np.roll(one.corners, -1, axis=0)
            for share in (0, 0.5):
                images = step((1 - share) * one.corners + share * ends)
                assert all(inside(following.corners, p) == is_inside for p in images[::9])


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(c=C + np.array([Fraction(1, 50), 0])), "no zero is proved"),
        (dict(M=M * Fraction(9, 10)), "repel"),
        (dict(M=np.array([[1, Fraction(1, 2)], [2, 1]])), "not invertible"),
        (dict(near=Fraction(1, 8)), "fixed point is not proved to repel"),
        (dict(thin=Fraction(1, 50000)), "thin"),
        (dict(boxes=(800, 700)), "thin|slope|enter"),
        (dict(boxes=(60, 2700)), "finite one"),
    ],
)
def test_a_proof_with_a_hole_is_refused(tube, change, words, monkeypatch):
    """The chains are left out where the hole is elsewhere: they take most of the time."""
    from rnn_lit.certify import cycle

    skipped = [Polygon(tube.centre, star(dent=0) - (0.2, -0.1) + tube.centre)]
    monkeypatch.setattr(cycle, "chain", lambda *a, **k: skipped)
    monkeypatch.setattr(cycle, "_hold_the_fixed_point", lambda *a: None)
    given = dict(M=M, c=C, tube=tube) | change
    if "M" in change:
        given["tube"] = tube if "repel" not in words else None
    with pytest.raises(Undecided, match=words):
        certify_cycle(**given)


def cones(a, b, c, d, width=THIN):
    from rnn_lit.certify.cycle import TubeBounds, _cones

    a, b, c, d = (Ball(v).centre() for v in (a, b, c, d))
    nothing = Ball(0)
    return _cones(TubeBounds(width, nothing, nothing, nothing, a, b, c, d, (), ()))


def test_cones_are_kept_and_shrink_or_are_refused():
    draw = np.random.default_rng(0)
    found = 0
    for _ in range(300):
        a, b = draw.uniform(0.5, 1.5), draw.uniform(0, 0.5)
        c, d = draw.uniform(0, 0.2), draw.uniform(0.3, 1.3)
        slopes = np.arange(1, 100) / 100
        fine = (c + d * slopes < slopes * (a - b * slopes)) & (a - b * slopes > 0)
        fine &= d + b * slopes < 1
        if not fine.any():
            with pytest.raises(Undecided, match="no slope"):
                cones(a, b, c, d)
            continue
        L, kappa = cones(a, b, c, d)
        found += 1
        assert L == Fraction(int(fine.argmax() + 1), 100)
        assert d + b * float(L) - 1e-12 < kappa.middle() < 1
    assert 20 < found < 280


@pytest.fixture
def assumed(tube, monkeypatch):
    """certify_cycle with bounds that are said, not calculated, and without the chains."""
    from rnn_lit.certify import cycle

    skipped = [Polygon(tube.centre, star(dent=0) - (0.2, -0.1) + tube.centre)]
    monkeypatch.setattr(cycle, "chain", lambda *a, **k: skipped)
    monkeypatch.setattr(cycle, "_hold_the_fixed_point", lambda *a: None)
    usual = dict(turn=Ball("1e-5"), offset=Ball(0), along=Ball("0.98"), across=Ball("0.02"),
                 lift=Ball("0.006"), rate=Ball("0.95"), lowest=(), highest=())  # fmt: skip

    def run(**changes):
        def bounds(loop, tube, width, *rest):
            given = usual | dict(width=width, leaves=Ball(width) * Fraction(9, 10))
            own = {k[:-6]: v for k, v in changes.items() if k.endswith("_thick")}
            if width == THIN:
                own = {k: v for k, v in changes.items() if not k.endswith("_thick")}
            return cycle.TubeBounds(**(given | own))

        monkeypatch.setattr(cycle, "tube_bounds", bounds)
        return certify_cycle(M, C, tube=tube)

    return run


def test_the_period_follows_from_the_bounds(assumed, tube):
    slow, fast = assumed(offset=THIN * Ball("0.045")).period
    omega = Ball(tube.omega)
    exact = [2 * Ball.pi() / (omega + s * Fraction(1, 10**5)) for s in (1, -1)]
    assert slow <= exact[0].upper() and exact[1].lower() <= fast
    assert fast - slow < (exact[1] - exact[0]) * Fraction(101, 100)


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(offset=Ball(THIN * Fraction(55, 1000))), "enter the thin one"),
        (dict(rate_thick=Ball("1.01")), "enter the thin one"),
        (dict(leaves=Ball(THIN * Fraction(101, 100))), "the thin tube is not mapped"),
        (dict(leaves_thick=Ball(THICK * Fraction(101, 100))), "the thick tube is not mapped"),
        (dict(turn=Ball(7)), "not proved to turn"),
        (dict(across=Ball("0.9")), "no slope"),
    ],
)
def test_a_bound_that_is_too_large_is_refused(assumed, changes, words):
    with pytest.raises(Undecided, match=words):
        assumed(**changes)


def test_chains_that_do_not_close_are_refused(loop, tube):
    square = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1.0]])
    with pytest.raises(Undecided, match="2 links"):
        chain(loop, tube, THICK, square, inwards=True, longest=2)
    # Inside the disc of an attracting point nothing is pushed outwards.
    calm = ClosedLoop(balls(M * Fraction(1, 2)), balls(C))
    small = tube.centre + 0.05 * (star(128, 0) - (0.2, -0.1))
    with pytest.raises(Undecided):
        chain(calm, tube, THICK, small, inwards=False)


def test_the_first_inner_polygon_must_lie_in_the_disc(loop, tube):
    from rnn_lit.certify.cycle import _disc, _hold_the_fixed_point

    frame, near, fixed = linear_frame(loop), Fraction(11, 200), balls(tube.centre)
    right = Polygon(tube.centre, _disc(tube, frame, near))
    _hold_the_fixed_point([right], fixed, frame, near)
    wide = Polygon(tube.centre, _disc(tube, frame, near * Fraction(21, 20)))
    with pytest.raises(Undecided, match="too large"):
        _hold_the_fixed_point([wide], fixed, frame, near)
    away = Polygon(tube.centre, right.corners)
    with pytest.raises(Undecided, match="hold the fixed point"):
        _hold_the_fixed_point([away], balls(tube.centre + 1), frame, near)
