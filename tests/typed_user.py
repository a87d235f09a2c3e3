"""A user's script that takes every name of the face: `mypy --strict` finds nothing, and it runs.

`assert_type` asks mypy for exactly that type; when the script runs it does nothing.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import rnn_lit
from rnn_lit import (
    Activation,
    Diverged,
    Forecast,
    Forecaster,
    History,
    Interrupted,
    Parameters,
    States,
    backward,
    clip,
    forward,
    identity,
    initialise,
    jacobian_product_gradient,
    loss_and_gradient,
    mean_squared_error,
    objective,
    sigmoid,
    sine,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
    train,
)
from rnn_lit.bptt import backward_in_pieces
from rnn_lit.equation import canonical_form, digits_needed, in_units, linearise
from rnn_lit.gradients import checkpointed_gradient, newton_forward, scan_backward
from rnn_lit.loss import Loss
from rnn_lit.training import flatten, unflatten, without_first

Array = NDArray[Any]


def absolute(states: States, y: Any, g_2: Activation) -> tuple[Any, Array]:
    """A loss of the user's own."""
    residual = g_2.f(states.o) - np.asarray(y)
    return abs(residual).mean(), np.sign(residual) / residual.size


def network() -> None:
    parameters = initialise(3, 1, 1, np.random.default_rng(0))
    assert_type(parameters, Parameters)
    assert_type(parameters.W_aa, Array)
    series = np.sin(np.arange(40) / 3)
    x, y = series[:-1, None], series[1:, None]
    states = forward(parameters, x, a_0=[0.0, 0.0, 0.0], g_1=tanh, g_2=identity)
    assert_type(states, States)
    print(states.y_hat.shape, forward(parameters, [[0.1], [0.2]]).a[-1])
    L, e = mean_squared_error(states, y)
    assert_type(e, Array)
    gradient, r_0 = backward(parameters, x, states, e)
    assert_type(gradient, Parameters)
    assert_type(r_0, Array)
    assert_type(loss_and_gradient(parameters, x, y)[1], Parameters)
    assert_type(jacobian_product_gradient(parameters, x, y), Parameters)
    assert_type(checkpointed_gradient(parameters, x, y)[1], Parameters)
    assert_type(backward_in_pieces(parameters, x, states, e, length=9)[0], Parameters)
    assert_type(scan_backward(parameters, x, states, e)[1], Array)
    assert_type(newton_forward(parameters, x), tuple[States, int])
    assert_type(clip(gradient, 1.0), tuple[Parameters, float])
    assert_type(unflatten(flatten(parameters), parameters), Parameters)
    F, _, _ = objective(parameters, x, y, penalty=0.1)
    print(F > L)


def activations_and_losses() -> None:
    cube = Activation("cube", lambda z: z**3, lambda z, a: 3 * z**2)
    known: list[Activation] = [tanh, sigmoid, softplus, sine, identity, softmax, cube]
    z = np.array([0.5, 1.0])
    for g in known:
        a = g.f(z)
        assert_type(a, Array)
        if g.df is not None:
            assert_type(g.df(z, a), Array)
    parameters = initialise(2, 1, 3, np.random.default_rng(0))
    x, y = np.ones((4, 1)), np.eye(3)[[0, 1, 2, 0]]
    loss_and_gradient(parameters, x, y, g_2=softmax, loss=softmax_cross_entropy)
    losses: list[Loss] = [mean_squared_error, absolute, without_first(absolute, 2)]
    for loss in losses:
        print(loss_and_gradient(parameters, x, y, g_1=cube, loss=loss)[0])


def training() -> None:
    parameters = initialise(2, 1, 1, np.random.default_rng(0))
    x = np.sin(np.arange(60) / 3)[:, None]
    try:
        history = train(
            parameters, x[:40], x[1:41], rounds=20, eta=0.1, method="adam",
            validation=(x[40:-1], x[41:]), patience=5, clip_norm=1.0, loss=mean_squared_error,
        )  # fmt: skip
    except Diverged as error:
        assert_type(error.history, History)
        raise
    except Interrupted as stop:
        print(stop.history)
        raise
    assert_type(history, History)
    assert_type(history.losses, NDArray[np.float64])
    print(history.rounds, history.reason, history.parameters.b_a)


def forecasts() -> None:
    series = 10 + np.sin(0.5 * np.arange(120))
    f = Forecaster(1, lags=2, penalty=1e-2, starts=2, seed=np.random.default_rng(0)).fit(series)
    assert_type(f, Forecaster)
    assert_type(f.parameters_, Parameters)
    assert_type(f.residuals_, NDArray[np.float64])
    assert_type(f.predict(3), Any)  # an array, or a Series for a Series
    assert_type(f.predict(3, series=list(series)), Any)
    forecast = f.predict(3, interval=0.9)
    assert_type(forecast, Forecast)
    print(forecast.lower <= forecast.mean, f.one_step(series).shape, f.horizon(series, 2).shape)
    assert_type(f.score(series), float)
    assert_type(f.update([10.5, 10.4]), Forecaster)
    assert_type(f.set_params(lags=1).get_params(), dict[str, Any])
    with TemporaryDirectory() as folder:
        f.save(Path(folder, "f.npz"))
        assert_type(Forecaster.load(Path(folder, "f.npz")), Forecaster)
    units = canonical_form(in_units(f.parameters_, f.mean_, f.scale_))
    print(digits_needed(units, np.ones((3, 2)), 1.0, otherwise=15), rnn_lit.__version__)
    print(linearise(units, f.mean_).phi, f.equation("components", digits=3))


if __name__ == "__main__":
    network()
    activations_and_losses()
    training()
    forecasts()
