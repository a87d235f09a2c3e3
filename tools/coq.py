"""Compile the proofs and check what they say: python tools/coq.py [--write]

Everything happens in a temporary folder: the Gallina is compiled, the axioms it rests on are
compared with ``proofs/assumptions.txt`` and its numbers with ``link.json`` (``--write``
renews both), and then a fault is planted in each of several copies, which Coq must refuse.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import coq_link
from coq_link import PROOFS

FILES = ("bptt", "bptt_real", "bptt_cases", "bptt_run", "assumptions")
NEEDED = "coq, libcoq-coquelicot (Debian's names; coqc is Coq's compiler)"


class Fault(NamedTuple):
    """A change of the Gallina after which a theorem is false."""

    name: str
    file: str
    old: str
    new: str


FAULTS = [
    Fault("W_aa without its transpose", "bptt", "delta i * W i j)))", "delta i * W j i)))"),
    Fault("r is dropped", "bptt", "d i * (u i + r i)", "d i * u i"),
    Fault("the sum of the outputs is one short", "bptt",
          "sum k (fun q => e t q * W_ya p q i)", "sum (pred k) (fun q => e t q * W_ya p q i)"),
    Fault("a_t for a_{t-1}", "bptt", "before (fst md) j", "after (fst md) j"),
    Fault("W_ax takes the state", "bptt", "input (fst md) j", "before (fst md) j"),
    Fault("half the squared error's slope", "bptt", "two * c * sub", "c * sub"),
    Fault("a sign of the residual", "bptt",
          "two * c * sub (g_2 (o q)) (y q)", "two * c * sub (y q) (g_2 (o q))"),
    Fault("the bias of the last step only", "bptt",
          "total (fun md => snd md i) both", "total (fun md => snd md i) (firstn 1 both)"),
    Fault("the mean forgotten in the cross-entropy", "bptt_cases",
          "(fun o q => c * (Sum k y * softmax k o q - y q))",
          "(fun o q => Sum k y * softmax k o q - y q)"),
]  # fmt: skip


class Refused(Exception):
    """Coq does not accept a file."""


def compiled(folder, files=FILES):
    """Compile the files of a folder in order; returns what was printed."""
    printed = ""
    for name in files:
        command = ["coqc", "-w", "none", "-Q", ".", "rnn", f"{name}.v"]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if answer.returncode:
            raise Refused(answer.stderr)
        printed += answer.stdout
    return printed


def axioms_of(text):
    """{theorem: the names of its axioms}, read off what Coq printed; layout and paths vary."""
    found = {}
    for block in re.split(r"^Constant ", text, flags=re.MULTILINE)[1:]:
        theorem, _, rest = block.partition("\n")
        names = re.findall(r"^([\w.]+)(?=\s*:|$)", rest, flags=re.MULTILINE)
        names = {name.rpartition(".")[2] for name in names} - {"Axioms"}
        found[theorem.strip().rpartition(".")[2]] = names
    return found


def refused(fault, folder):
    """Does Coq refuse the copy with this fault?"""
    for name in FILES:
        shutil.copy(PROOFS / f"{name}.v", folder)
    path = Path(folder, f"{fault.file}.v")
    text = path.read_text("utf-8")
    if text.count(fault.old) != 1:
        sys.exit(f"coq: {fault.name}: {fault.old!r} stands {text.count(fault.old)} times")
    path.write_text(text.replace(fault.old, fault.new), "utf-8")
    try:
        compiled(folder, FILES[:3])
    except Refused:
        return True
    return False


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="renew what is kept")
    options = parser.parse_args(arguments)
    if shutil.which("coqc") is None:
        print(f"coq: Coq is not installed; this needs {NEEDED}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            shutil.copy(PROOFS / f"{name}.v", folder)
        try:
            axioms = compiled(folder)
        except Refused as error:
            print(f"coq: {error}", file=sys.stderr)
            return 1
        print(f"coq: {len(FILES)} files compiled with Coq {coq_link.version()}")
        kept = PROOFS / "assumptions.txt"
        if options.write:
            kept.write_text(axioms, "utf-8")
        elif axioms_of(axioms) != axioms_of(kept.read_text("utf-8")):
            print("coq: the axioms are not those of proofs/assumptions.txt", file=sys.stderr)
            return 1
        if coq_link.main(["--proofs", folder, *([] if options.write else ["--check"])]):
            return 1
    passed = 0
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            seen = refused(fault, folder)
        passed += seen
        print(f"coq: {'refused' if seen else 'ACCEPTED'}: {fault.name}", flush=True)
    print(f"{passed} passed, {len(FAULTS) - passed} failed")
    return int(passed < len(FAULTS))


if __name__ == "__main__":
    sys.exit(main())
