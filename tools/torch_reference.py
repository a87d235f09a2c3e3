"""Losses and gradients as PyTorch computes them: python tools/torch_reference.py

Writes rnn_lit/_book/torch_reference.json, which the tests and chapter 5 compare the package with.
PyTorch is needed to write the file, not to read it: ``pip install torch==2.13.0`` in an
environment of its own. Where PyTorch has a module of its own (RNN, Linear, mse_loss,
cross_entropy) that module is used; other activations are written out, and autograd
differentiates them.
"""

import json
import math
import platform
from pathlib import Path

import torch

TARGET = Path(__file__).resolve().parents[1] / "src" / "rnn_lit" / "_book" / "torch_reference.json"

# name, (n, m, k, T, B or None), g_1, g_2, loss, whether a_0 is given
CASES = [
    ("smallest", (1, 1, 1, 1, None), "tanh", "identity", "mean_squared_error", True),
    ("regression", (4, 3, 2, 6, None), "tanh", "identity", "mean_squared_error", False),
    ("square sizes", (3, 3, 3, 5, None), "tanh", "identity", "mean_squared_error", True),
    ("regression, batch", (4, 3, 2, 6, 5), "tanh", "identity", "mean_squared_error", True),
    ("regression, longer", (12, 2, 1, 40, None), "tanh", "identity", "mean_squared_error", True),
    ("sigmoid", (4, 2, 3, 6, None), "sigmoid", "sigmoid", "mean_squared_error", True),
    ("sine and tanh, batch", (3, 2, 2, 5, 2), "sine", "tanh", "mean_squared_error", True),
    ("softplus", (3, 2, 2, 5, None), "softplus", "identity", "mean_squared_error", False),
    ("classes", (4, 3, 5, 6, None), "tanh", "softmax", "softmax_cross_entropy", False),
    ("classes, batch", (4, 3, 5, 6, 3), "tanh", "softmax", "softmax_cross_entropy", True),
    ("probabilities", (3, 2, 4, 5, None), "sigmoid", "softmax", "softmax_cross_entropy", True),
]

ACTIVATIONS = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "sine": torch.sin,
    "softplus": torch.nn.functional.softplus,
    "identity": lambda o: o,
}


def library_outputs(leaves, x, g_1):
    """o by torch.nn.RNN and torch.nn.Linear; the library splits b_a into two biases."""
    n, m = leaves["W_ax"].shape
    k = len(leaves["W_ya"])
    network, output = torch.nn.RNN(m, n, nonlinearity=g_1), torch.nn.Linear(n, k)
    state = {
        "weight_hh_l0": leaves["W_aa"],
        "weight_ih_l0": leaves["W_ax"],
        "bias_ih_l0": leaves["b_a"],
        "bias_hh_l0": torch.zeros(n),
    }
    a, _ = torch.func.functional_call(network, state, (x, leaves["a_0"][None]))
    return torch.func.functional_call(output, {"weight": leaves["W_ya"], "bias": leaves["b_y"]}, a)


def written_outputs(leaves, x, g_1):
    """o by the recurrence written out."""
    a, outputs = leaves["a_0"], []
    for x_t in x:
        a = ACTIVATIONS[g_1](a @ leaves["W_aa"].T + x_t @ leaves["W_ax"].T + leaves["b_a"])
        outputs.append(a @ leaves["W_ya"].T + leaves["b_y"])
    return torch.stack(outputs)


def reference(name, sizes, g_1, g_2, loss, with_a_0, generator):
    """One case: its numbers, and what PyTorch makes of them."""
    n, m, k, T, B = sizes
    batch = () if B is None else (B,)

    def draw(*shape):
        return torch.randint(-48, 49, shape, generator=generator) / 64.0

    shapes = {"W_aa": (n, n), "W_ax": (n, m), "b_a": (n,), "W_ya": (k, n), "b_y": (k,)}
    leaves = {key: draw(*shape) for key, shape in shapes.items()}
    leaves["a_0"] = draw(*batch, n) if with_a_0 else torch.zeros(*batch, n)
    x, y = draw(T, *batch, m), draw(T, *batch, k)
    if loss == "softmax_cross_entropy":
        if name == "probabilities":
            y = torch.softmax(y, dim=-1)
        else:
            y = torch.nn.functional.one_hot(y.argmax(dim=-1), k).to(torch.float64)
    for leaf in leaves.values():
        leaf.requires_grad_()
    outputs = library_outputs if g_1 == "tanh" else written_outputs
    o = outputs(leaves, x, g_1)
    if loss == "softmax_cross_entropy":
        L = torch.nn.functional.cross_entropy(o.reshape(-1, k), y.reshape(-1, k))
    else:  # the library's mean runs over the k entries as well
        L = k * torch.nn.functional.mse_loss(ACTIVATIONS[g_2](o), y)
    L.backward()
    assert math.isfinite(L.item())
    numbers = {key: leaf.detach().tolist() for key, leaf in leaves.items()}
    gradient = {key: leaf.grad.tolist() for key, leaf in leaves.items()}
    if not with_a_0:
        del numbers["a_0"], gradient["a_0"]
    return {
        "name": name,
        "sizes": dict(zip("nmkTB", sizes, strict=True)),
        "g_1": g_1,
        "g_2": g_2,
        "loss": loss,
        "computed_by": "torch.nn.RNN" if g_1 == "tanh" else "torch autograd",
        "numbers": {**numbers, "x": x.tolist(), "y": y.tolist()},
        "L": L.item(),
        "gradient": gradient,
    }


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data = {
        "written_by": "tools/torch_reference.py",
        "versions": {
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
        },
        "cases": [reference(*case, generator) for case in CASES],
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, separators=(",", ":")).replace('{"name"', '\n{"name"')
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(f"{len(CASES)} cases by torch {data['versions']['torch']} → {TARGET.name}")


if __name__ == "__main__":
    main()
