"""Numbers in the PDFs are those of the pages; what a PDF does not hold is named and linked."""

from again import original
from chapter_refs import name as chapter_name
from docutils import nodes
from pdf_base import ALIGNED, WORDS, Transform, latex, number, tex
from sphinx import addnodes
from sphinx.builders.latex.nodes import math_reference


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
            said = tex(formula)
            if not ALIGNED.match(said):
                said = f"\\begin{{split}}{said}\\end{{split}}"
            said = (
                f"\\begin{{equation}}\\tag{{{its}}}\\label{{equation:{page}:{label}}}\n"
                f"{said}\n\\end{{equation}}\n"
            )
            formula.replace_self(nodes.math_block("", said, nowrap=True))


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
                tongue = self.page_language(self.home(link))
                if tongue != "en" and link.get("reftype") == "numref":
                    mark = f"\\detokenize{{{page}:{anchor}}}"
                    word = WORDS[tongue]["figure"]
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
