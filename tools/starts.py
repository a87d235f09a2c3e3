"""Where random starts of the equation's search end: python tools/starts.py

Writes rnn_lit/_book/starts.json, which the chapter on certificates counts: the objective at which
each of 500 starts ended, for the equation of two units with penalty 1/100 on the sunspots to 1920.
A few minutes; `make test` recomputes the first group.
"""

import json
from pathlib import Path

import numpy as np
from chapters import ROOT, write
from statsmodels.datasets import sunspots

from rnn_lit import initialise
from rnn_lit._search import minimise, side_by_side
from rnn_lit._series import lagged
from rnn_lit.training import flatten

DATA = Path("src", "rnn_lit", "_book", "starts.json")
GROUPS, STARTS, ROUNDS = 25, 20, 2000


def group(seed):
    """The lowest objectives that the starts of one seed reach."""
    table = sunspots.load_pandas().data
    series = table["SUNACTIVITY"].to_numpy()[table["YEAR"].to_numpy() <= 1920]
    x, y = lagged((series - series.mean()) / series.std(), 1)
    draw = np.random.default_rng(seed)
    theta = np.stack([flatten(initialise(2, 1, 1, draw)) for _ in range(STARTS)])

    def evaluate(theta):
        return side_by_side(theta, 2, x[:-1], y, 0.01)

    return minimise(evaluate, theta, ROUNDS).J


def main():
    objectives = [round(float(J), 9) for seed in range(GROUPS) for J in group(seed)]
    content = {"groups": GROUPS, "starts": STARTS, "objectives": objectives}
    write(ROOT / DATA, json.dumps(content, indent=1) + "\n")
    print(f"{len(objectives)} starts: lowest {min(objectives)}, highest {max(objectives)}")


if __name__ == "__main__":
    main()
