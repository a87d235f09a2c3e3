"""The API page: docstrings name equations by their labels, and the page links them.

A docstring says ``eq-forward``, with or without a role around it; ``help(forward)`` shows it as
it stands.
The fields of a NamedTuple are described in its docstring; Python's own "Alias for field number 0"
is left out.
"""

import re

KINDS = "eq|def|thm|lem|fig|ch|app"
LABEL = re.compile(rf"(?<![\w`<-])(?P<label>(?P<kind>{KINDS})-[a-z][\w-]*\w)(?![\w`>-])")
MARKED = re.compile(r"\{[\w:]+\}`([\w-]+)`")
ROLE = {"eq": "eq", "def": "eq", "fig": "numref", "ch": "ref", "app": "ref"}
ROLE |= {"thm": "prf:ref", "lem": "prf:ref"}


def link_labels(app, what, name, obj, options, lines):
    def role(match):
        return f":{ROLE[match['kind']]}:`{match['label']}`"

    lines[:] = [LABEL.sub(role, MARKED.sub(r"\1", line)) for line in lines]


def skip_fields(app, what, name, obj, skip, options):
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field") else None


def setup(app):
    app.connect("autodoc-process-docstring", link_labels)
    app.connect("autodoc-skip-member", skip_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
