r"""A formula that stands on another page too: ``$$ … $$ (again-eq-telescope)``.

It has to be the formula ``eq-telescope`` to the letter, white space and a final full stop or comma
apart, or the build fails; and it bears that formula's number. On a page in another language the
label ends in the language's tag, ``again-eq-telescope-vi``, and its words, in ``\text{…}``, may be
others. The notebook shows the formula in any program, which a reference to it would not.
"""

import re

from by_page import ByPage
from docutils import nodes
from sphinx.errors import ExtensionError

PREFIX = "again-"
#: The formulas of each page that have a label: {page: {label: TeX}}.
FORMULAS = ByPage("again_formulas")


def original(label, language=None):
    """The label of the formula that a label repeats; None for any other label."""
    if not label.startswith(PREFIX):
        return None
    label = label.removeprefix(PREFIX)
    return label.removesuffix(f"-{language}") if language else label


def same(tex, words=True):
    """A formula without what may differ where it is repeated."""
    tex = tex if words else re.sub(r"\\text\{[^{}]*\}", r"\\text{…}", tex)
    tex = re.sub(r"\s+", " ", tex).strip()
    return re.sub(r"(?:\s|\\,|~)*[.,;:]?\s*((?:\\end\{\w+\}\s*)*)$", r"\1", tex)


def collect(app, doctree):
    found = {n["label"]: n.astext() for n in doctree.findall(nodes.math_block) if n.get("label")}
    FORMULAS(app.env)[app.env.docname] = found


def faults(formulas, languages):
    """What is not repeated as it stands, in words; of {page: {label: TeX}}."""
    known = {
        label: tex for found in formulas.values() for label, tex in found.items()
        if not label.startswith(PREFIX)
    }  # fmt: skip
    told = []
    for page, found in formulas.items():
        language = languages.get(page)
        for label, tex in found.items():
            wanted = original(label, language)
            if wanted is None:
                continue
            if wanted not in known:
                told.append(f"{page} repeats {wanted}, but no page has a formula of that label")
            elif same(tex, not language) != same(known[wanted], not language):
                told.append(
                    f"{page} repeats {wanted} as\n  {same(tex)}\nbut there it is\n"
                    f"  {same(known[wanted])}"
                )
    return told


def number(app, env):
    """Give each repeated formula the number of the one it repeats."""
    languages = app.config.page_languages
    if told := faults(FORMULAS(env), languages):
        raise ExtensionError("\n".join(told))
    numbers = env.toc_fignumbers
    for page, found in FORMULAS(env).items():
        for label in found:
            wanted = original(label, languages.get(page))
            if wanted is None:
                continue
            home = env.get_domain("math").equations[wanted][0]
            its = numbers.get(home, {}).get("displaymath", {}).get(f"equation-{wanted}")
            if its:
                numbers[page]["displaymath"][nodes.make_id(f"equation-{label}")] = its
    return []


def setup(app):
    app.connect("doctree-read", collect)
    FORMULAS.connect(app)
    app.connect("env-get-updated", number, priority=900)  # when every formula has its number
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
