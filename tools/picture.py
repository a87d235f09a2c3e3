"""Draw the README's picture anew: python tools/picture.py

The equation that README.md prints, put to work: its forecast of each year's sunspot number from
the years before, beside what came. The coefficients are those of rnn_lit/_book/equation.json.
"""

import json
import math
import sys

from chapters import ROOT
from tangle import DATA

TARGET = ROOT / "_static" / "equation.svg"
ALT = "The sunspot numbers since 1921, and the equation's forecast of each a year ahead"
FIRST = 1921  # the year after the last that the equation learnt from


def forecasts(series, parameters):
    """The forecast of every value but the first, each from the values before it."""
    (w_11, w_12), (w_21, w_22) = parameters["W_aa"]
    ((v_1,), (v_2,)), (b_1, b_2) = parameters["W_ax"], parameters["b_a"]
    ((u_1, u_2),), (c,) = parameters["W_ya"], parameters["b_y"]
    a_1 = a_2 = 0.0
    found = []
    for value in series[:-1]:
        a_1, a_2 = (
            math.tanh(w_11 * a_1 + w_12 * a_2 + v_1 * value + b_1),
            math.tanh(w_21 * a_1 + w_22 * a_2 + v_2 * value + b_2),
        )
        found.append(u_1 * a_1 + u_2 * a_2 + c)
    return found


def draw(years, series, found, target=TARGET):
    """Write the picture; the same data give the same file."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.style.use(ROOT / DATA / "figures.mplstyle")
    plt.rcParams["svg.fonttype"] = "none"  # letters stay letters
    shown = [place for place, year in enumerate(years) if year >= FIRST]
    figure, axes = plt.subplots(figsize=(7.4, 2.6))
    axes.plot([years[p] for p in shown], [series[p] for p in shown], label="sunspots")
    axes.plot([years[p] for p in shown], [found[p - 1] for p in shown], "--",
              label="the equation, a year ahead")  # fmt: skip
    axes.set(xlabel="year", ylabel="sunspot number", xlim=(FIRST, years[-1]), ylim=(0, 200))
    axes.legend(loc="upper right", ncols=2)
    figure.savefig(target, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main():
    try:
        from statsmodels.datasets import sunspots
    except ImportError:
        print("picture: needs matplotlib and statsmodels: run `make venv`", file=sys.stderr)
        return 1
    data = sunspots.load_pandas().data
    years, series = data["YEAR"].astype(int).tolist(), data["SUNACTIVITY"].tolist()
    stored = json.loads((ROOT / DATA / "equation.json").read_text(encoding="utf-8"))
    draw(years, series, forecasts(series, stored["parameters"]))
    print(f"drew {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
