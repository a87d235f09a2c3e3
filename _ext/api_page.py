"""The API page: docstrings name equations by their labels, and the page links them.

A docstring says ``eq-forward``, with or without a role around it; ``help(forward)`` shows it as
it stands.
The fields of a NamedTuple are described in its docstring; Python's own "Alias for field number 0"
is left out. Of a default that the module has a name for, such as ``tanh``, a signature shows the
name. What is said of a variable is prose, also where it has a colon.
"""

import re
import sys

KINDS = "eq|def|thm|lem|fig|ch|app"
LABEL = re.compile(rf"(?<![\w`<-])(?P<label>(?P<kind>{KINDS})-[a-z][\w-]*\w)(?![\w`>-])")
COLON = "\ue000"  # stands for one until napoleon has read the line
MARKED = re.compile(r"\{[\w:]+\}`([\w-]+)`")
ROLE = {"eq": "eq", "def": "eq", "fig": "numref", "ch": "ref", "app": "ref"}
ROLE |= {"thm": "prf:ref", "lem": "prf:ref"}


def link_labels(app, what, name, obj, options, lines):
    def role(match):
        return f":{ROLE[match['kind']]}:`{match['label']}`"

    lines[:] = [LABEL.sub(role, MARKED.sub(r"\1", line.replace(COLON, ":"))) for line in lines]


def keep_prose(app, what, name, obj, options, lines):
    """Before napoleon, which takes what stands before a colon for the variable's type."""
    if what == "data" and lines:
        lines[0] = lines[0].replace(":", COLON)


def name_defaults(app, what, name, obj, options, signature, returned):
    """The signature of a NamedTuple; of its own, Python has the values and not what was written."""
    if what != "class" or not getattr(obj, "_field_defaults", None):
        return None
    module = vars(sys.modules[obj.__module__])

    def said(value):
        names = [one for one, its in module.items() if its is value and not one.startswith("_")]
        return names[0] if names and "<" in repr(value) else repr(value)

    fields = [
        f"{field}={said(obj._field_defaults[field])}" if field in obj._field_defaults else field
        for field in obj._fields
    ]
    return f"({', '.join(fields)})", None


def skip_fields(app, what, name, obj, skip, options):
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field") else None


def setup(app):
    app.connect("autodoc-process-docstring", keep_prose, priority=100)
    app.connect("autodoc-process-docstring", link_labels)
    app.connect("autodoc-process-signature", name_defaults)
    app.connect("autodoc-skip-member", skip_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
