"""Run the Gallina of proofs/bptt.v on numbers: python tools/coq_link.py [--check] [--proofs DIR]

The cases are fixed below. Coq computes the loss, the five gradients and r_0 of each, and the
results are kept in ``rnn_lit/_book/link.json``, with Coq's version and the hash of the Gallina;
``--check`` compares instead of writing. ``tests/test_coq.py`` computes the same numbers with
the shipped Python, and needs no Coq.
"""

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROOFS = ROOT / "proofs"
RESULTS = ROOT / "src" / "rnn_lit" / "_book" / "link.json"
PRIME = 2**31 - 1
#: n, m, k, T and the size of the batch; few steps on fractions, whose digits double with each.
ON_FRACTIONS = [
    (1, 1, 1, 1, 1), (2, 1, 1, 3, 1), (3, 2, 2, 3, 1), (2, 3, 2, 4, 1), (1, 2, 3, 2, 2),
    (2, 1, 4, 2, 3), (4, 1, 3, 1, 1),
]  # fmt: skip
MODULO_PRIME = [
    (1, 1, 1, 50, 1), (2, 2, 2, 12, 1), (5, 1, 4, 12, 1), (3, 2, 4, 12, 2), (4, 3, 1, 50, 1),
    (5, 2, 4, 50, 1), (1, 1, 4, 50, 3), (6, 4, 4, 20, 1),
]  # fmt: skip


def cases():
    """The numbers of every case, always the same: lists of fractions or of residues."""
    draw = random.Random(1)
    made = []
    for field, sizes in (("fractions", ON_FRACTIONS), ("prime", MODULO_PRIME)):
        for n, m, k, T, B in sizes:

            def numbers(count, field=field):
                if field == "prime":
                    return [draw.randrange(PRIME) for _ in range(count)]
                return [Fraction(draw.randrange(-6, 7), 4) for _ in range(count)]

            shapes = {"W_aa": n * n, "W_ax": n * m, "b_a": n, "W_ya": k * n, "b_y": k}
            case = {"field": field, "sizes": [n, m, k, T, B]}
            case |= {name: numbers(count) for name, count in shapes.items()}
            case["batch"] = [
                {
                    "x": [numbers(m) for _ in range(T)],
                    "y": [numbers(k) for _ in range(T)],
                    "r": numbers(n),
                    "a_0": numbers(n),
                }
                for _ in range(B)
            ]
            made.append(case)
    return made


def gallina(case):
    """The command that makes Coq compute a case."""
    n, m, k, T, B = case["sizes"]
    exact = case["field"] == "fractions"
    scope, run = ("Q", "pairs (on_fractions") if exact else ("Z", f"(modulo {PRIME}")

    def number(v):
        return f"({v.numerator} # {v.denominator})" if exact else str(v)

    def row(values):
        return "[" + "; ".join(map(number, values)) + "]"

    def series(one):
        steps = "; ".join(
            f"({row(x)}, {row(y)})" for x, y in zip(one["x"], one["y"], strict=True)
        )
        return f"([{steps}], {row(one['r'])}, {row(one['a_0'])})"

    c = Fraction(1, T * B) if exact else pow(T * B, -1, PRIME)
    weights = " ".join(row(case[name]) for name in ("W_aa", "W_ax", "b_a", "W_ya", "b_y"))
    batch = "; ".join(map(series, case["batch"]))
    return (
        f"Eval vm_compute in ({run} {n}%nat {m}%nat {k}%nat {number(c)} {weights}\n  [{batch}]))"
        f"%{scope}.\n"
    )


def answers(proofs, folder):
    """What Coq computes for every case with the compiled files of a folder, as texts."""
    head = (
        "From Coq Require Import QArith ZArith List. From rnn Require Import bptt_run.\n"
        "Import ListNotations. Set Printing Depth 100000. Set Printing Width 10000.\n"
        "Open Scope Z_scope.\n"
    )
    file = Path(folder, "link.v")
    file.write_text(head + "".join(map(gallina, cases())), encoding="utf-8")
    command = ["coqc", "-w", "none", "-Q", str(proofs), "rnn", str(file)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = []
    for case, text in zip(cases(), out.split("     = ")[1:], strict=True):
        whole = [int(v) for v in re.findall(r"-?\d+", text.rpartition(":")[0])]
        if case["field"] == "fractions":
            pairs = zip(whole[::2], whole[1::2], strict=True)
            found.append([str(Fraction(a, b)) for a, b in pairs])
        else:
            found.append([str(v) for v in whole])
    return found


def version():
    answer = subprocess.run(["coqc", "--version"], capture_output=True, text=True, check=True)
    return re.search(r"version (\S+)", answer.stdout).group(1)


def source_hash():
    """The hash of the Gallina that runs."""
    text = "".join((PROOFS / name).read_text("utf-8") for name in ("bptt.v", "bptt_run.v"))
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with link.json")
    parser.add_argument("--proofs", type=Path, default=PROOFS, help="the compiled files")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = answers(options.proofs, folder)
    sizes = [case["sizes"] for case in cases()]
    results = {"source": source_hash(), "sizes": sizes, "answers": found}
    count = sum(map(len, found))
    if options.check:
        kept = json.loads(RESULTS.read_text("utf-8"))
        if {name: kept[name] for name in results} != results:
            print("link: Coq's results are not those of link.json", file=sys.stderr)
            return 1
        print(f"link: {count} numbers of {len(found)} cases are those of link.json")
        return 0
    RESULTS.write_text(json.dumps({"coq": version(), **results}, indent=1) + "\n", "utf-8")
    print(f"link: wrote {count} numbers of {len(found)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
