"""A GRU and an LSTM on the series of Mackey and Glass: python tools/rivals_torch.py

Writes rnn_lit/_book/rivals.json, which chapter "Many steps ahead" puts beside its own network. They
have that network's inputs, training samples, loss and test origins, and L-BFGS as it has; but
they are trained on stretches of the series, each from the state zero, with a warm-up. The number
of units is chosen on the last 200 of the 1000 training samples; then they are trained anew on
all. PyTorch is needed to write the file, not to read it: ``pip install torch==2.13.0``
in an environment of its own. Takes some minutes.
"""

import ast
import json
import platform
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = ROOT / "book" / "11-horizon.ipynb"
TARGET = ROOT / "src" / "rnn_lit" / "_book" / "rivals.json"
LAGS, STEPS, KNOWN, KEPT_BACK, SKIPPED, ALL = 4, 14, 1000, 200, 100, 3000
WARM, LEARNT = 16, 16  # steps from the state zero before one counts, and that count
UNITS, STARTS, ROUNDS = (8, 32), (0, 1), 400
KINDS = {"GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


def series():
    """The samples that the chapter makes, by the chapter's own function."""
    for cell in json.loads(CHAPTER.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "def mackey_glass" in source:
            body = ast.parse(source).body
            functions = [one for one in body if isinstance(one, ast.FunctionDef)]
            names = {"np": np}
            exec(compile(ast.Module(functions, []), CHAPTER.name, "exec"), names)
            return names["mackey_glass"](ALL)
    raise LookupError("the chapter has no cell that defines mackey_glass")


class Gated(torch.nn.Module):
    """A gated network with a line on its state."""

    def __init__(self, kind, n):
        super().__init__()
        self.cells, self.line = KINDS[kind](LAGS, n), torch.nn.Linear(n, 1)

    def forward(self, x, state=None):
        states, state = self.cells(x, state)
        return self.line(states)[..., 0], state


def windows(values, length):
    """All stretches of that length, as columns: time first, then the place where they begin."""
    return torch.stack([values[i : len(values) - length + i + 1] for i in range(length)])


def inputs(values):
    """Each stretch's last LAGS values at each time, the newest first."""
    return torch.stack([values[LAGS - 1 - j : len(values) - j] for j in range(LAGS)], -1)


def trained(kind, n, seed, values):
    """A network fitted to forecast one step, and its mean squared error."""
    torch.manual_seed(seed)
    network = Gated(kind, n)
    stretches = windows(values, LAGS + WARM + LEARNT)[:, ::LEARNT]
    x, y = inputs(stretches[:-1]), stretches[-LEARNT:]
    optimiser = torch.optim.LBFGS(
        network.parameters(),
        max_iter=ROUNDS,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        loss = torch.mean((network(x)[0][-LEARNT:] - y) ** 2)
        loss.backward()
        return loss

    optimiser.step(closure)
    return network, closure().item()


@torch.no_grad()
def nrmse(network, values, first):
    """Root mean squared errors 1 … STEPS ahead, from the origins first … on, fed back."""
    length = LAGS + WARM
    stretches = windows(values, length + STEPS)[:, first - length + 1 :]
    x = inputs(stretches[:length])
    y, state = network(x)
    x, errors = x[-1:], []
    for actual in stretches[length:]:
        errors.append(y[-1] - actual)
        x = torch.cat([y[-1:, :, None], x[:, :, :-1]], -1)
        y, state = network(x, state)
    return torch.stack(errors).square().mean(1).sqrt().numpy()


def rival(kind, values):
    """The record of one kind."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    standard = torch.tensor((values - values[:KNOWN].mean()) / values[:KNOWN].std())
    part, scores = KNOWN - KEPT_BACK, {}
    for n in UNITS:
        network, _ = trained(kind, n, STARTS[0], standard[:part])
        missed = nrmse(network, standard[:KNOWN], part - 1)
        scores[n] = float(np.sqrt((missed**2).mean()))
        print(f"{kind}, {n} units: {scores[n]:.4f} on the values kept back", flush=True)
    n = min(scores, key=scores.get)
    fits = [trained(kind, n, seed, standard[:KNOWN]) for seed in STARTS]
    network, error = min(fits, key=lambda fit: fit[1])
    missed = nrmse(network, standard, KNOWN + SKIPPED) / standard[KNOWN:].std(correction=0).item()
    print(f"{kind}: {missed[0]:.4f} one step ahead, {missed[-1]:.4f} after {STEPS}", flush=True)
    return {
        "kind": kind,
        "units": n,
        "kept_back": scores,
        "training_errors": [error for _, error in fits],
        "nrmse": missed.tolist(),
        "parameters": {name: w.tolist() for name, w in network.state_dict().items()},
    }


def main():
    values = series()
    with ProcessPoolExecutor(len(KINDS)) as pool:
        rivals = list(pool.map(rival, KINDS, [values] * len(KINDS)))
    data = {
        "written_by": "tools/rivals_torch.py",
        "versions": {
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
        },
        "last_sample": float(values[-1]),
        "starts": len(STARTS),
        "rounds": ROUNDS,
        "warm": WARM,
        "rivals": rivals,
    }
    text = json.dumps(data, separators=(",", ":")).replace('{"kind"', '\n{"kind"')
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(f"{TARGET.name} by torch {data['versions']['torch']}")


if __name__ == "__main__":
    main()
