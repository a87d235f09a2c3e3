"""Exercises and their solutions: numbered with their chapter, and each leads to the other.

    :::{exercise}
    :label: ex-loss-2

    Show that …
    :::

    :::{solution} ex-loss-2
    :class: dropdown

    Since …
    :::

The page shows "Exercise 2.2" and "Solution of exercise 2.2". {ref}`ex-loss-2` reads "exercise 2.2",
with a text of its own as it is given; and where a page speaks of "exercise 2" in passing, meaning
its own, that is a link as well. What names no exercise fails the build. JupyterLab with
jupyterlab-myst knows directives of these names, so a notebook can be read there too.
"""

import re

from by_page import ByPage
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref, start_of_file
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

#: For each page, the labels of its exercises in their order.
KNOWN = ByPage("exercises")
LOGGER = logging.getLogger(__name__)
MENTION = re.compile(r"\b([Ee]xercise )(\d+)\b(?! of)")
UNREAD = (nodes.reference, pending_xref, nodes.literal, nodes.FixedTextElement, nodes.title)


class Box(SphinxDirective):
    """What both directives make: an admonition whose title is written when the book is read."""

    has_content = True
    option_spec = {"label": directives.unchanged_required, "class": directives.class_option}
    kind = ""

    def box(self, label, **attributes):
        box = nodes.admonition(
            "", nodes.title(), classes=[self.kind, *self.options.get("class", [])], ids=[label],
            **attributes,
        )  # fmt: skip
        self.set_source_info(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class Exercise(Box):
    kind = "exercise"

    def run(self):
        label = self.options.get("label")
        if not label:
            raise self.error("an exercise needs a :label:")
        if label in _labels(self.env):
            raise self.error(f"there are two exercises {label}")
        KNOWN(self.env).setdefault(self.env.docname, []).append(label)
        self.env.get_domain("std").note_hyperlink_target(label, self.env.docname, label, label)
        return self.box(label, exercise=label)


class Solution(Box):
    kind = "solution"
    required_arguments = 1

    def run(self):
        (label,) = self.arguments
        return self.box(f"{label}-solution", solution=label)


def _labels(env):
    return {label for labels in KNOWN(env).values() for label in labels}


def number(env, label):
    """The exercise's number, 2.2, or 2 on a page that has none; None if there is no such one."""
    for docname, labels in KNOWN(env).items():
        if label in labels:
            chapter = env.toc_secnumbers.get(docname, {}).get("") or ()
            return ".".join(map(str, (*chapter[:1], labels.index(label) + 1)))
    return None


def name_targets(app, env):
    """What {ref} says of an exercise, once chapters have their numbers."""
    standard, seen = env.get_domain("std"), set()
    for docname, labels in KNOWN(env).items():
        for label in labels:
            if label in seen:  # on pages that two processes have read
                LOGGER.warning("there are two exercises %s", label, location=docname)
            seen.add(label)
            standard.labels[label] = docname, label, f"exercise {number(env, label)}"
    return []


class Titles(SphinxPostTransform):
    """Write the titles, and link what speaks of an exercise of the same page."""

    default_priority = 6  # before references are resolved

    def run(self, **kwargs):
        boxes = list(self.document.findall(nodes.admonition))
        exercises = {box["exercise"]: box for box in boxes if "exercise" in box}
        solutions = {}
        for box in boxes:
            if "solution" not in box:
                continue
            label = box["solution"]
            if label not in exercises or label in solutions:
                why = "has a solution already" if label in solutions else "is not on this page"
                LOGGER.warning("a solution names %s, which %s", label, why, location=box)
            solutions.setdefault(label, box)
        for label, box in exercises.items():
            said = f"Exercise {number(self.env, label)}"
            box[0] += nodes.Text(said + (" " if label in solutions else ""))
            if label in solutions:
                box[0] += _link(f"{label}-solution", "solution", "to-solution")
            self._place(box)
        for label, box in solutions.items():
            said = f"exercise {number(self.env, label)}"
            box[0] += [nodes.Text("Solution of "), _link(label, said, "to-exercise")]
            self._place(box)
        self._mentions()

    def _place(self, box):
        """LaTeX knows no place by the name of a box, so a target stands before it."""
        if self.app.builder.format == "latex":
            # Its own name alone: where (another)= stands above, that is a target already.
            name = box.get("exercise") or f"{box['solution']}-solution"
            box.parent.insert(box.parent.index(box), nodes.target("", "", ids=[name]))

    def _page(self, node):
        """The page of a node; a document for LaTeX holds many."""
        while node is not None:
            if isinstance(node, start_of_file):
                return node["docname"]
            node = node.parent
        return self.env.docname

    def _mentions(self):
        """Only on pages with exercises: elsewhere the words speak of another chapter's."""
        for text in list(self.document.findall(nodes.Text)):
            if _inside(text, UNREAD) or not MENTION.search(text):
                continue
            labels = KNOWN(self.env).get(self._page(text), [])
            if not labels:
                continue
            parts, end = [], 0
            for match in MENTION.finditer(text):
                place = int(match[2])
                if not 1 <= place <= len(labels):
                    LOGGER.warning("there is no exercise %d on this page", place,
                                   location=text.parent)  # fmt: skip
                    continue
                parts += [nodes.Text(text[end : match.start()]),
                          _link(labels[place - 1], match[0])]  # fmt: skip
                end = match.end()
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def _link(label, text, *classes):
    return nodes.reference("", text, refid=label, internal=True, classes=list(classes))


def _inside(node, kinds):
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def setup(app):
    app.add_directive("exercise", Exercise)
    app.add_directive("solution", Solution)
    app.add_post_transform(Titles)
    KNOWN.connect(app)
    app.connect("env-get-updated", name_targets, priority=900)  # after chapters have numbers
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
