r"""The pages as PDFs: the whole book, and each write-up as a paper with a title page (`make pdf`).

Only the LaTeX builder is touched. Numbers of equations are those of the pages; what the pages fold
is left out; a docstring keeps its first line. In the book the captions of the table of contents
become parts and the appendices get their letters. A write-up is a document by itself: what it
refers to elsewhere is named, and linked if BOOK_URL says where the pages are.
"""

import ast
import re
from html.parser import HTMLParser

from again import original
from chapter_refs import name as chapter_name
from docutils import nodes
from sphinx import addnodes
from sphinx.builders.latex.nodes import math_reference
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import clean_astext
from sphinx.util.texescape import escape
from sphinx_proof.nodes import proof_node

BOOK = "book"  # the file of the whole book; a write-up's is called like its page
WORDS = {
    "en": {"theorem": "Theorem", "lemma": "Lemma", "algorithm": "Algorithm", "figure": "Fig."},
    "vi": {"theorem": "Định lý", "lemma": "Bổ đề", "algorithm": "Thuật toán", "figure": "Hình"},
}
ROMAN = re.compile(r"^[IVXL]+\.\s+")
# Sphinx numbers by \arabic{chapter}; an appendix has a letter, as on the pages.
APPENDIX = "\\appendix\n\\setcounter{secnumdepth}{0}\n" + "".join(
    f"\\renewcommand{{\\the{name}}}{{\\thechapter.\\arabic{{{name}}}}}\n"
    for name in ("equation", "figure", "table")
)
UNSEEN = re.compile(r"\\(left|right|[Bb]ig+[lr]?|mathsf|mathrm|operatorname)\b")
ROWS = 12  # a longer table may break over pages
TOGETHER = 14  # a shorter listing of a write-up does not
#: Letters of a column that had better not be broken, and of one that asks for no more room.
SHORT, LONG = 26, 60
#: About how many letters a line of a table holds, in each size of type.
SIZES = {"small": 84, "footnotesize": 94, "scriptsize": 108}


def latex(text):
    return nodes.raw("", text, format="latex")


class Transform(SphinxPostTransform):
    """One that knows whose document it works on."""

    builders = ("latex",)

    @property
    def root(self):
        return self.document.get("docname")

    @property
    def write_up(self):
        return self.root in self.config.pdf_write_ups

    @property
    def tongue(self):
        return self.config.page_languages.get(self.root, "en") if self.write_up else "en"

    def home(self, node):
        """The page that a node came from."""
        while node is not None:
            if "docname" in getattr(node, "attributes", ()):
                return node["docname"]
            node = node.parent
        return self.root

    def page_language(self, page):
        return self.config.page_languages.get(page, "en")


class Tables(Transform):
    """A table that pandas made is set as a table, and not as the text that it also printed."""

    default_priority = 2  # before MyST-NB chooses among the kinds of an output

    def run(self, **kwargs):
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            for kind in bundle.children:
                if kind.get("mime_type") == "text/html" and "<table" in kind.astext():
                    rows = table_rows(kind.astext())
                    bundle.replace_self(table(rows))
                    break


class _Rows(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def table_rows(text):
    """The entries of a table in HTML, row by row, the header first."""
    parser = _Rows()
    parser.feed(text)
    return [[entry.strip() for entry in row] for row in parser.rows]


def table(rows):
    """A table node; the first row is its header."""
    group = nodes.tgroup(cols=len(rows[0]))
    group += [nodes.colspec(colwidth=1) for _ in rows[0]]
    group += [nodes.thead("", _row(rows[0])), nodes.tbody("", *map(_row, rows[1:]))]
    return nodes.table("", group, classes=["pandas"])


def _row(entries):
    cells = [nodes.entry("", nodes.paragraph("", entry)) for entry in entries]
    return nodes.row("", *cells)


class Cells(Transform):
    """Folded code is left out, and a docstring keeps its first line."""

    default_priority = 3

    def run(self, **kwargs):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code":
                continue
            if "tag_hide-cell" in cell["classes"]:
                cell.parent.remove(cell)
                continue
            for part in list(cell.children):
                if part.get("nb_element") != "cell_code_source":
                    continue
                if "tag_hide-input" in cell["classes"]:
                    cell.remove(part)
                elif any(name.startswith("tag_export:") for name in cell["classes"]):
                    for block in part.findall(nodes.literal_block):
                        text = first_lines(block.astext())
                        block.rawsource = text
                        block.children = [nodes.Text(text)]


def first_lines(source):
    """Code whose docstrings of several lines are cut after their first."""
    lines = source.split("\n")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a line for IPython
        return source
    for node in ast.walk(tree):
        if not isinstance(node, kinds) or ast.get_docstring(node, clean=False) is None:
            continue
        first, last = node.body[0].lineno, node.body[0].end_lineno
        if last > first:
            quotes = '"""' if '"""' in lines[first - 1] else "'''"
            lines[first - 1] = lines[first - 1].rstrip() + quotes
            lines[first:last] = [None] * (last - first)
    return "\n".join(line for line in lines if line is not None)


class Structure(Transform):
    """The book: the front page as a chapter without a number, parts, appendices."""

    default_priority = 3

    def run(self, **kwargs):
        files = list(self.document.findall(addnodes.start_of_file))
        for file in files:
            if file["docname"] in self.config.pdf_write_ups:  # they are documents by themselves
                file.parent.remove(file)
        if self.write_up:
            return
        self._front()
        captions = {}
        for toctree in self.env.get_doctree(self.root).findall(addnodes.toctree):
            entries = [page for _, page in toctree["entries"]]
            if toctree.get("caption") and entries:
                chapters = toctree.get("numbered") and toctree.get("style") != "alphaupper"
                captions[entries[0]] = toctree["caption"], bool(chapters)
        begun = False
        for file in list(self.document.findall(addnodes.start_of_file)):
            caption, numbered = captions.get(file["docname"], ("", True))
            if not caption:
                continue
            said = escape(ROMAN.sub("", caption), "xelatex")
            code = "" if begun else "\\setcounter{secnumdepth}{1}\n"
            if "appendi" in caption.lower():
                code += APPENDIX + f"\\bookpart{{{said}}}\n"
            elif numbered:
                code += f"\\part{{{said}}}\n"
            else:
                code += f"\\setcounter{{secnumdepth}}{{-1}}\n\\bookpart{{{said}}}\n"
            begun = True
            file.parent.insert(file.parent.index(file), latex("\n" + code))

    def _front(self):
        """Everything before the first chapter becomes one chapter."""
        top = next(iter(self.document.findall(nodes.section)))
        moved = [
            child for child in top.children
            if not isinstance(child, nodes.title)
            and next(iter(child.findall(addnodes.start_of_file)), None) is None
        ]  # fmt: skip
        for child in moved:
            top.remove(child)
        # It takes over the page's names, under which links and statements look for it.
        names = [clean_astext(self.env.titles[self.root]).lower()]
        front = nodes.section(ids=top["ids"], names=names, docname=self.root)
        top["ids"], top["names"] = ["book"], ["book"]
        front += nodes.title("", self.config.pdf_front_title)
        front += moved
        top.insert(1, front)
        top.insert(1, latex("\n\\setcounter{secnumdepth}{-1}\n"))


class Paper(Transform):
    """A write-up: its abstract on the title page, and at its end the works that it cites."""

    default_priority = 3

    def run(self, **kwargs):
        if not self.write_up:
            return
        found = {name: section for section in self.document.findall(nodes.section)
                 for name in section["ids"]}  # fmt: skip
        title = next(iter(self.document.findall(nodes.title)))
        title.children = [nodes.Text(clean_astext(title))]  # without a mark of its language
        ending = "" if self.tongue == "en" else f"-{self.tongue}"
        abstract = self._section(found, f"write-up-abstract{ending}")
        title = escape(clean_astext(abstract[0]), "xelatex")
        place = abstract.parent.index(abstract)
        # A line that leads to the other language's page has its place on the page only.
        abstract.parent[1 : place + 1] = [
            latex(f"\n\\begin{{bookabstract}}{{{title}}}\n"),
            *abstract.children[1:],
            latex("\n\\end{bookabstract}\n"),
        ]
        keys = {
            key for cite in self.document.findall(addnodes.pending_xref)
            if cite.get("refdomain") == "cite" for key in cite["reftarget"].split(",")
        }  # fmt: skip
        references = self._section(found, f"write-up-references{ending}")
        heading = escape(clean_astext(references[0]), "xelatex")
        references.replace_self(references := nodes.container())
        references += latex(f"\n\\renewcommand{{\\refname}}{{{heading}}}\n")
        references += nodes.container("", classes=["cited-works"], keys=sorted(keys))
        source = next(
            page for page in self.env.found_docs if page.endswith(self.config.pdf_references)
        )
        references += [
            one.deepcopy() for one in self.env.get_doctree(source).findall()
            if type(one).__name__ == "bibliography"
        ]  # fmt: skip

        for mark in list(self.document.findall(nodes.raw)):
            if re.match(r"<span lang=", mark.astext()) and mark.parent is not None:
                self._other(mark)

    def _other(self, mark):
        """Take out a link to the page in another language, with what is said before it."""
        parent, begin = mark.parent, mark.parent.index(mark)
        for end in range(begin + 1, len(parent)):
            if isinstance(parent[end], nodes.raw) and parent[end].astext() == "</span>":
                inside = parent[begin:end]
                if any(isinstance(one, addnodes.pending_xref) for one in inside):
                    del parent[begin : end + 1]
                return

    def _section(self, found, name):
        if name not in found:
            raise ValueError(f"{self.root} has no section ({name})=, which its PDF needs")
        return found[name]


def number(env, page, kind, ids):
    """A number as the pages show it, an empty text where there is none."""
    found = env.toc_fignumbers.get(page, {}).get(kind, {}).get(ids, ())
    return ".".join(map(str, found))


class Numbers(Transform):
    """Formulas and figures have the numbers that they have on their pages."""

    default_priority = 4

    def run(self, **kwargs):
        for figure in list(self.document.findall(nodes.figure)):
            its = [number(self.env, self.home(figure), "figure", one) for one in figure["ids"]]
            if any(its) and not self.write_up:
                its = next(filter(None, its))
                place = figure.parent.index(figure)
                figure.parent.insert(place, latex(f"\n\\renewcommand{{\\thefigure}}{{{its}}}\n"))
        for formula in list(self.document.findall(nodes.math_block)):
            label = formula.get("label")
            if not label:
                continue
            page = self.home(formula)
            its = number(self.env, page, "displaymath", nodes.make_id(f"equation-{label}"))
            tex = "\n".join(line for line in formula.astext().splitlines() if line.strip())
            if not re.match(r"\s*\\begin\{(align|gather|multline)\*?\}", tex):
                tex = f"\\begin{{split}}{tex}\\end{{split}}"
            tex = (
                f"\\begin{{equation}}\\tag{{{its}}}\\label{{equation:{page}:{label}}}\n"
                f"{tex}\n\\end{{equation}}\n"
            )
            formula.replace_self(nodes.math_block("", tex, nowrap=True))


class Outside(Transform):
    """What a document refers to and does not hold: named, and linked where that is possible."""

    default_priority = 6  # chapters have their names, and nothing is resolved yet

    def run(self, **kwargs):
        here = {self.root} | {f["docname"] for f in self.document.findall(addnodes.start_of_file)}
        equations = self.env.get_domain("math").equations
        for link in list(self.document.findall(math_reference)) + list(
            self.document.findall(addnodes.pending_xref)
        ):
            found = self._found(link, equations)
            if found is None:
                continue
            page, anchor, said = found
            if page in here and not isinstance(link, math_reference):
                if self.tongue != "en" and link.get("reftype") == "numref":
                    mark = f"\\detokenize{{{page}:{anchor}}}"
                    word = WORDS[self.tongue]["figure"]
                    link.replace_self(latex(f"\\hyperref[{mark}]{{{word}~\\ref{{{mark}}}}}"))
                continue
            if isinstance(link, math_reference):
                again = self._again(link["target"])
                if again:
                    link["docname"], link["target"] = self.root, again
                    continue
                if page in here:
                    continue
            base = self.config.html_baseurl
            text = nodes.Text(said)
            if base:
                uri = f"{base}{page}.html#{anchor}"
                link.replace_self(nodes.reference("", "", text, refuri=uri, internal=False))
            else:
                link.replace_self(nodes.inline("", "", text))

    def _again(self, label):
        """The label under which a write-up shows a formula of another page."""
        if not self.write_up:
            return None
        for one, (page, _) in self.env.get_domain("math").equations.items():
            language = self.page_language(page)
            if page == self.root and original(one, None if language == "en" else language) == label:
                return one
        return None

    def _found(self, link, equations):
        """The page that a link leads to, the anchor there, and what the link says."""
        if isinstance(link, math_reference):
            label, page = link["target"], link["docname"]
            anchor = nodes.make_id(f"equation-{label}")
            return page, anchor, f"({number(self.env, page, 'displaymath', anchor)})"
        target, kind = link.get("reftarget"), link.get("reftype")
        if link.get("refdomain") == "prf":
            proof = self.env.proof_list.get(target)
            if proof is None:
                return None
            words = WORDS[self.tongue]
            said = link.astext() if link.get("refexplicit") else " ".join((
                words.get(proof["realtype"], proof["realtype"].title()),
                number(self.env, proof["docname"], proof["countertype"], target),
            )).strip()  # fmt: skip
            return proof["docname"], target, said
        standard = self.env.get_domain("std")
        if link.get("refdomain") != "std" or kind not in ("ref", "numref"):
            return None
        page, anchor, title = (*standard.anonlabels.get(target, (None, None)), "")
        if page is None:
            return None
        if kind == "ref":
            said = link.astext() if link.get("refexplicit") or link.astext() != target else ""
            title = standard.labels.get(target, ("", "", ""))[2]
            return page, anchor, said or title or target
        section = self.env.toc_secnumbers.get(page, {}).get("", ())
        its = number(self.env, page, "figure", anchor) or ".".join(map(str, section))
        wanted = link.astext()
        if "{number}" in wanted or "%s" in wanted:
            return page, anchor, wanted.replace("{number}", its).replace("%s", its)
        if not number(self.env, page, "figure", anchor):
            return page, anchor, chapter_name(its, page, self.tongue)
        return page, anchor, f"{WORDS[self.tongue]['figure']} {its}"


class Works(Transform):
    """Of the copied list of references, those that the write-up cites."""

    default_priority = 890  # the entries are written, and the links to them resolved

    def run(self, **kwargs):
        for mark in list(self.document.findall(nodes.container)):
            if "cited-works" not in mark["classes"]:
                continue
            cited = self.env.get_domain("cite").citations
            wanted = {one.citation_id for one in cited if one.key in mark["keys"]}
            mark.parent.remove(mark)
            for entry in list(self.document.findall(nodes.citation)):
                if not wanted & set(entry["ids"]):
                    entry.parent.remove(entry)
                # What another document, written before, has left in the entry.
                entry.children = entry.children[:2]


class Shapes(Transform):
    """Long and wide tables, and the notes over cells, in a form that LaTeX can set."""

    default_priority = 8

    def run(self, **kwargs):
        for one in list(self.document.findall(nodes.table)):
            _shape(one)
        for proof in list(self.document.findall(proof_node)):
            self._proof(proof)
        for link in list(self.document.findall(nodes.reference)):
            if "to-solution" in link["classes"]:  # a button on the page
                link.parent.remove(link)
        for box in list(self.document.findall(nodes.admonition)):
            # Before an exercise and its solution _ext/exercises.py has put a target.
            if box["ids"] and not {"exercise", "solution"} & set(box["classes"]):
                page = self.home(box)
                labels = "".join(_label(page, one) for one in box["ids"])
                box.parent.insert(box.parent.index(box), latex(f"\n{labels}\n"))
        if self.write_up:
            self._listings()
        for entry in self.document.findall(nodes.entry):
            if not entry.astext().strip() and not next(iter(entry.findall(nodes.image)), None):
                entry.children = [latex("\\mbox{}")]  # or it would take two lines
        for note in list(self.document.findall(nodes.paragraph)):
            if "cell-note" in note["classes"]:
                self._note(note)

    def _listings(self):
        """A short listing stays in one piece, and with the line that announces it."""
        before = None
        for block in list(self.document.findall(nodes.TextElement)):
            if isinstance(block, nodes.literal_block):
                lines = block.astext().count("\n") + 2
                if lines < TOGETHER:
                    announced = before is not None and before.astext().endswith(":")
                    first = before if announced else block
                    first.parent.insert(first.parent.index(first), latex(_room(lines + 2)))
            if isinstance(block, nodes.paragraph):
                before = block

    def _proof(self, proof):
        """A proof is text like other text, with a mark at its end."""
        box = proof[0]
        first = box[0][0]
        box[0][0:1] = [nodes.emphasis("", "Proof."), nodes.Text(first.removeprefix("Proof."))]
        place, parent = proof.parent.index(proof), proof.parent
        parent[place : place + 1] = [
            latex("\n\\begin{bookproof}\n"),
            *box.children,
            nodes.math_block("", "\\end{bookproof}\n", nowrap=True),  # without an empty line
        ]

    def _note(self, note):
        """LaTeX writes no label for a paragraph: {ref}`… <proof-eq-…>` would lead nowhere."""
        note["classes"].remove("cell-note")
        page = self.home(note)
        labels = "".join(_label(page, name) for name in note["ids"])
        note["ids"] = []
        parent, place = note.parent, note.parent.index(note)
        after = parent[place + 1] if place + 1 < len(parent) else None
        if not isinstance(after, nodes.container) or not after.children:
            # Its cell is folded on the page and left out here; only the label is wanted.
            parent[place] = latex(f"\n{labels}\n") if labels else latex("\n")
            return
        note.insert(0, latex(labels))
        parent.insert(place, latex("\n\\begin{cellnote}\n"))
        parent.insert(place + 2, latex("\n\\end{cellnote}\n"))


def _room(lines):
    """A new page, unless so many lines have room on this one."""
    return f"\n\\needspace{{{lines}\\baselineskip}}\n"


def _label(page, name):
    return f"\\phantomsection\\label{{\\detokenize{{{page}:{name}}}}}"


def _shape(one):
    """Widths for a table that is long or wide, by its longest words and lines."""
    rows = list(one.findall(nodes.row))
    columns = list(one.findall(nodes.colspec))
    lines = [[said(row[at]) for row in rows if at < len(row)] for at in range(len(columns))]
    whole = [max((len(line) for line in column), default=0) for column in lines]
    words = [
        max((len(word) for line in column for word in line.split()), default=0) for column in lines
    ]
    long = len(rows) > ROWS
    if not long and sum(whole) + 2 * len(whole) <= SIZES["small"]:
        return
    if long:
        one["classes"].append("longtable")
    one["classes"].append("colwidths-given")
    wanted = sum(words) + 2 * len(words)
    size = next((name for name, room in SIZES.items() if wanted <= room), "tiny")
    widths = shares(whole, words, max(SIZES.get(size, wanted), wanted))
    for column, width in zip(columns, widths, strict=True):
        column["colwidth"] = width
    parent, place = one.parent, one.parent.index(one)
    parent.insert(place, latex(f"\n\\begin{{widetable}}{{{size}}}\n"))
    parent.insert(place + 2, latex("\n\\end{widetable}\n"))


def shares(whole, words, room):
    """Widths of columns whose longest lines and words are given, in a line of so many letters.

    A column has room for its longest word; then the short ones get their whole lines, and what is
    left goes to the long ones, in proportion to what they lack.
    """
    widths = [word + 2 for word in words]
    spare = room - sum(widths)
    for at in sorted(range(len(whole)), key=whole.__getitem__):
        lacks = whole[at] - words[at]
        if whole[at] <= SHORT and lacks <= spare:
            widths[at] += lacks
            spare -= lacks
    # A line that is longer than these breaks anyway, and asks for no more than they do.
    lacking = [max(min(line, LONG) + 2 - width, 0)
               for line, width in zip(whole, widths, strict=True)]  # fmt: skip
    total = sum(lacking) or 1
    return [
        round(10 * (width + max(spare, 0) * lack / total))
        for width, lack in zip(widths, lacking, strict=True)
    ]


def said(entry):
    """About the letters that an entry takes in print."""
    text = []
    for node in entry.findall():
        if isinstance(node, nodes.math):
            text.append(drawn(node.astext()))
        elif isinstance(node, nodes.Text) and not isinstance(node.parent, nodes.math):
            text.append(str(node))
    return "".join(text)


def drawn(tex):
    """Letters that are about as wide as a formula; it may be broken at signs outside brackets."""
    tex = re.sub(r"\\[A-Za-z]+", "x", UNSEEN.sub("", tex))
    depth, letters = 0, []
    for letter in re.sub(r"[{}^_\\\s]", "", tex):
        depth += (letter in "([") - (letter in ")]")
        if letter in "+-=<>":
            letters.append(f"xx{letter}x" if depth else f"{letter} ")
        else:
            letters.append(letter)
    return "".join(letters)


class Outputs(Transform):
    """A formula that a cell has printed shrinks to the line instead of running off it."""

    default_priority = 900

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math_block)):
            if not formula.get("nowrap"):
                tex = "\n".join(line for line in formula.astext().splitlines() if line.strip())
                if not re.match(r"\s*\\begin\{(align|gather|multline)\*?\}", tex):
                    tex = f"\\fitted{{{tex}}}\n"
                    formula.replace_self(nodes.math_block("", tex, nowrap=True))


def documents(app, env):
    """The LaTeX documents; Jupyter Book refuses more than one in its own settings."""
    if app.builder.name != "latex":
        return []
    config = app.config
    title, author = (escape(one, "xelatex") for one in (config.html_title, config.author))
    found = [(config.root_doc, f"{BOOK}.tex", title, author, "manual")]
    for page in config.pdf_write_ups:
        if page in env.found_docs:
            title = escape(clean_astext(env.titles[page]), "xelatex")
            found.append((page, f"{page.rsplit('/', 1)[-1]}.tex", title, author, "howto"))
    config.latex_documents = found
    return []


def setup(app):
    app.add_config_value("pdf_write_ups", [], "env", types=[list])
    app.add_config_value("pdf_references", "D-references", "env", types=[str])
    app.add_config_value("pdf_front_title", "The book in brief", "env", types=[str])
    app.connect("env-updated", documents)
    for one in (Tables, Cells, Structure, Paper, Numbers, Outside, Works, Shapes, Outputs):
        app.add_post_transform(one)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
