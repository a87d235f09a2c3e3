"""The stored notebooks are what a reader should meet: run once, in order, with nothing private."""

import ast
import json
import re

import chapters
import claims
import pytest
import tiny

NOTEBOOKS = chapters.notebooks()
KNOWN_TAGS = re.compile(
    r"export:[\w/]+|(proves|checks|illustrates):[\w-]+|(hide|remove)-(input|output|cell)"
    r"|nbval-ignore-output|nbval-skip|skip-execution|raises-exception|scroll-output|full-width"
)
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|tmp|work|opt|usr|var)/\w[^\s'\"]*|[A-Z]:\\\\?Users|site-packages"
)
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def notebook(path):
    return json.loads(path.read_text(encoding="utf-8"))


def text(source):
    return source if isinstance(source, str) else "".join(source)


def code(path):
    """The code cells that hold code, with their number among all cells."""
    numbered = enumerate(notebook(path)["cells"], 1)
    return [(n, c) for n, c in numbered if c["cell_type"] == "code" and text(c["source"]).strip()]


def outputs(path):
    return [(n, cell, output) for n, cell in code(path) for output in cell["outputs"]]


def tags(cell):
    return cell["metadata"].get("tags", [])


def run_here(cell):
    """Only Colab's cell is not run, neither by tools/run.py nor by nbval."""
    return not {"skip-execution", "nbval-skip"} <= set(tags(cell))


def refuse(path, faults, remedy):
    assert not faults, f"{path.name}: {remedy}\n" + "\n".join(map(str, faults))


@EACH
def test_it_was_run_once_from_top_to_bottom(path):
    """nbval compares nothing in a cell that has no execution count, so there may be none."""
    run = [cell for _, cell in code(path) if run_here(cell)]
    counts = [cell["execution_count"] for cell in run]
    assert counts == list(range(1, len(counts) + 1)), f"{path.name}: run `make run`"


@EACH
def test_outputs_hold_no_stderr(path):
    faults = [(n, text(o["text"])) for n, _, o in outputs(path) if o.get("name") == "stderr"]
    refuse(path, faults, "a warning or a progress bar was stored; mend its cause")


@EACH
def test_no_printed_line_is_wider_than_its_box(path):
    """At 1280 px a page shows so many letters; a longer line would have to be pushed along."""
    faults = [
        f"cell {n}: {line}"
        for n, _, output in outputs(path)
        if output["output_type"] == "stream"
        for line in text(output["text"]).splitlines()
        if len(line) > 86
    ]
    refuse(path, faults, "print it on several lines")


@EACH
def test_outputs_hold_no_error_that_is_not_announced(path):
    faults = [
        (n, o["ename"])
        for n, cell, o in outputs(path)
        if o["output_type"] == "error" and "raises-exception" not in tags(cell)
    ]
    refuse(path, faults, "an error was stored; mend it, or tag the cell raises-exception")


@EACH
def test_formulas_are_not_pictures(path):
    faults = [
        n for n, _, o in outputs(path) if {"text/latex", "image/png"} <= set(o.get("data", ()))
    ]
    refuse(path, faults, "a formula was drawn as a bitmap; do not call sympy.init_printing")


@EACH
def test_it_names_no_folder_of_a_machine(path):
    faults = []
    for number, cell in enumerate(notebook(path)["cells"], 1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            output["data"] = {k: v for k, v in data.items() if not k.startswith("image/")}
        found = MACHINE.search(json.dumps(cell, ensure_ascii=False))
        if found:
            faults.append((number, found.group()))
    refuse(path, faults, "another reader has no such folder")


@EACH
def test_it_opens_with_a_labelled_title(path):
    first = notebook(path)["cells"][0]
    title = re.match(r"\((ch|app)-[\w-]+\)=\n# \S", text(first["source"]))
    assert first["cell_type"] == "markdown" and title, (
        f"{path.name}: want `(ch-…)=` above `# Title`"
    )


@EACH
def test_figures_are_described_and_named(path):
    faults = []
    for number, cell, output in outputs(path):
        if not any(kind.startswith("image/") for kind in output.get("data", ())):
            continue
        mystnb = cell["metadata"].get("mystnb", {})
        alt = mystnb.get("image", {}).get("alt", "")
        figure = mystnb.get("figure", {})
        if len(alt.split()) < 4 or FILE_NAME.search(alt):
            faults.append((number, f"alt text {alt!r}"))
        if not str(figure.get("name", "")).startswith("fig-") or not figure.get("caption"):
            faults.append((number, f"figure {figure!r}"))
    for number, cell in enumerate(notebook(path)["cells"], 1):
        if cell["cell_type"] == "markdown":
            faults += [
                (number, found) for found in re.findall(r"!\[\s*\]\([^)]*\)", text(cell["source"]))
            ]
    refuse(path, faults, "a picture wants an alt text, and a figure a name `fig-…` and a caption")


@EACH
def test_tags_are_known(path):
    faults = [
        (n, tag) for n, cell in code(path) for tag in tags(cell) if not KNOWN_TAGS.fullmatch(tag)
    ]
    refuse(path, faults, "no tool acts on this tag: a misspelling?")


@EACH
def test_a_cell_tagged_with_a_claim_says_one_thing_of_it(path):
    faults = []
    for number, cell in code(path):
        labels = [label for _, label in claims.tagged(tags(cell))]
        faults += [(number, one) for one in labels if labels.count(one) > 1]
    refuse(path, faults, "a cell proves, checks or illustrates a claim: choose one")


def shows(cell):
    """Does a cell put out anything that can be read?"""
    return any(
        text(o.get("text", "")).strip() or {"text/plain", "text/latex"} & set(o.get("data", ()))
        for o in cell["outputs"]
        if not any(kind.startswith("image/") for kind in o.get("data", ()))
    )


@EACH
def test_a_cell_that_checks_says_in_its_output_which_cases(path):
    faults = [
        n for n, cell in code(path)
        if any(verb == "checks" for verb, _ in claims.tagged(tags(cell))) and not shows(cell)
    ]  # fmt: skip
    refuse(path, faults, "a check of finitely many cases names them in its output")


#: What makes a case of something random, or a comparison one of rounded numbers.
SAMPLED = {"rng", "random", "default_rng", "allclose", "isclose", "approx", "< 1e-…"}
#: Cells that prove although such a name occurs in them, by notebook and cell id, and why.
SAMPLED_YET_PROVES = {}


def names(tree):
    """Every name, attribute, import and argument that a piece of code mentions."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "module"):
            if isinstance(named := getattr(node, field, None), str):
                yield from named.split(".")


def rounds(tree):
    """Does a piece of code compare with a small number such as 1e-12?"""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 1e-3
        for comparison in ast.walk(tree)
        if isinstance(comparison, ast.Compare)
        for node in ast.walk(comparison)
    )


def stored(node):
    """Is this a name that an assignment binds?"""
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def taken(tree):
    """The names that a piece of code takes from elsewhere: read in it, and not bound in it."""
    found = list(ast.walk(tree))
    bound = {node.id for node in found if stored(node)}
    bound |= {node.arg for node in found if isinstance(node, ast.arg)}
    return {node.id for node in found if isinstance(node, ast.Name)} - bound


def parsed(source):
    """A cell's syntax tree; lines for IPython alone are left out."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return ast.parse("\n".join(kept))


def sampled(path):
    """The cells that prove, with the names that speak against it, its own or its helpers'.

    A helper is a function or a value that an earlier cell of the notebook defines last; what it
    mentions counts as the cell's, and so on.
    """
    helpers, found = {}, []
    for number, cell in code(path):
        tree = parsed(text(cell["source"]))
        proves = [label for verb, label in claims.tagged(tags(cell)) if verb == "proves"]
        if proves:
            reached, rest, met = {"< 1e-…"} if rounds(tree) else set(), [tree], set()
            while rest:
                part = rest.pop()
                reached |= set(names(part))
                used = {name for name in taken(part) if name in helpers} - met
                rest += [helpers[name] for name in used]
                met |= used
            if reached & SAMPLED:
                found.append((cell["id"], number, proves, sorted(reached & SAMPLED)))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                helpers[node.name] = node
            elif isinstance(node, ast.Assign):
                bound = [one.id for one in ast.walk(node) if stored(one)]
                helpers |= dict.fromkeys(bound, node.value)
    return found


@EACH
def test_a_cell_that_proves_neither_draws_nor_rounds(path):
    """Random cases and comparisons within a tolerance check or illustrate."""
    faults = [
        (number, *rest)
        for cell, number, *rest in sampled(path)
        if (path.stem, cell) not in SAMPLED_YET_PROVES
    ]
    refuse(path, faults, "is that for all cases? tag it `checks:` or `illustrates:`")


def test_every_exception_to_that_is_one_and_has_a_reason():
    found = {(path.stem, cell) for path in NOTEBOOKS for cell, *_ in sampled(path)}
    assert set(SAMPLED_YET_PROVES) <= found
    assert all(len(reason.split()) > 3 for reason in SAMPLED_YET_PROVES.values())


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (["x = 1  # rng, random, allclose\nprint('random')"], []),
        (["rng = np.random.default_rng(0)"], ["default_rng", "random", "rng"]),
        (["assert np.allclose(a, b)"], ["allclose"]),
        (["assert math.isclose(a, b)"], ["isclose"]),
        (["assert abs(a - b) < 1e-12"], ["< 1e-…"]),
        (["h = 1e-30"], []),
        (["def draw(rng):\n    return rng.normal()", "draw(3)"], ["rng"]),
        (["def f():\n    return g()\ndef g():\n    return isclose(0, 0)", "f()"], ["isclose"]),
        (["case, n = make(rng), 3", "print(case)"], ["rng"]),
        (["case = make(rng)", "case = 3", "print(case)"], []),
        (["case = make(rng)", "for case in (1, 2):\n    print(case)"], []),
        (["draw = lambda: random()", "draw()"], ["random"]),
        (["def draw(rng):\n    return rng", "%timeit rng\nother()"], []),
    ],
)
def test_sampling_is_noticed(tmp_path, sources, told):
    *before, last = sources
    cells = [*map(tiny.cell, before), tiny.cell(last, "proves:eq-x")]
    page = tiny.save(tmp_path / "page.ipynb", *cells)
    assert [names for _, _, _, names in sampled(page)] == ([told] if told else [])
