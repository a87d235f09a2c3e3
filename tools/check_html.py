"""Check the built pages as files: python tools/check_html.py [_build/html]

Sphinx warns of what it cannot resolve; this finds what it lets through: an address that a page
would fetch, a picture without a description, source text left as it was, an empty page, a link
to a place that is not there, a name of a place that a page has twice, a number that two of the
book's equations, figures or theorems have, a formula repeated under another number.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chapters import ROOT, pages

MATHJAX = Path("_static", "mathjax", "tex-svg-full.js")
FEWEST_WORDS = 10
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)
#: Source that MyST should have turned into something else.
RAW = re.compile(r"\{[a-z]+(?::[a-z]+)?\}`|^\s*:::|\$\$|^\s*```|\[\]\(#|<unknown>", re.MULTILINE)
#: What a formula leaves in the text if it was not closed. Docstrings may write a_{t-1} in letters.
TEX = re.compile(r"\$|[_^]\{")
#: Elements whose address the browser fetches by itself, and the attribute that holds it.
FETCHED = {
    "script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src",
    "video": "src", "audio": "src", "object": "data", "embed": "src",
}  # fmt: skip
#: Relations of a <link> that only name another page.
NAMED_ONLY = {"canonical", "next", "prev", "index", "search", "author", "copyright", "license"}
VOID = {"img", "br", "hr", "input", "link", "meta", "source", "wbr", "area", "base", "col", "embed"}
UNREAD = {"script", "style", "pre", "code", "svg", "math"}
#: Where the page writes the number of an equation, a figure, a theorem.
NUMBERED = {"eqno", "caption-number"}
#: A formula that stands elsewhere too, with that one's number (_ext/again.py).
REPEATED = "equation-again-"


class Page(HTMLParser):
    """What one page fetches, shows, links to and says."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.fetched = []
        self.alts = []
        self.links = []
        self.ids = set()
        self.twice = []  # ids that were there before
        self.numbers = []  # (3.12), Fig. 3.1, Theorem 3.2
        self.formulas = {}  # the numbers of the equations, by their ids
        self.number_next = False
        self.last_id = ""  # of the element before
        self.title = ""
        self.sends_on = False  # a page that only names another address
        self.body = []
        self.prose = []  # the same without docstrings
        self.open = []  # (element, is it in the article, is it no prose, is it a docstring)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if given.get("id"):
            if given["id"] in self.ids:
                self.twice.append(given["id"])
            self.ids.add(given["id"])
        numbered = NUMBERED & set((given.get("class") or "").split())
        self.number_next = bool(numbered)
        if not numbered:
            self.last_id = given.get("id") or ""
        address = given.get(FETCHED.get(tag, ""), "")
        relation = set((given.get("rel") or "").split())
        if address and not (tag == "link" and relation & NAMED_ONLY):
            self.fetched.append(address)
        if tag == "meta" and (given.get("http-equiv") or "").lower() == "refresh":
            self.sends_on = True
        if tag == "img":
            self.alts.append((given.get("src", ""), given.get("alt")))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag not in VOID:
            inside = bool(self.open and self.open[-1][1]) or tag == "article"
            # A formula is TeX until the browser has drawn it.
            skip = tag in UNREAD or "math" in (given.get("class") or "").split()
            unread = bool(self.open and self.open[-1][2]) or skip
            python = tag == "dl" and "py" in (given.get("class") or "").split()
            docstring = bool(self.open and self.open[-1][3]) or python
            self.open.append((tag, inside, unread, docstring))

    def handle_endtag(self, tag):
        while self.open and tag in [one[0] for one in self.open]:
            if self.open.pop()[0] == tag:
                break

    def handle_data(self, data):
        if self.number_next and data.strip():
            if self.last_id.startswith("equation-"):
                self.formulas[self.last_id] = data.strip()
            if not self.last_id.startswith(REPEATED):
                self.numbers.append(data.strip())
            self.number_next = False
        if self.open and self.open[-1][0] == "title":
            self.title += data
        elif self.open and self.open[-1][1] and not self.open[-1][2]:
            self.body.append(data)
            if not self.open[-1][3]:
                self.prose.append(data)

    @property
    def text(self):
        return "".join(self.body)


def faults(folder, expected):
    """Everything wrong with the pages of a folder, as (page, what)."""
    found = []
    if not (folder / MATHJAX).is_file():
        found.append((MATHJAX.as_posix(), "is missing: formulas would stay TeX"))
    read = {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))
            if "_static" not in path.parts}  # fmt: skip
    for path in expected:
        if folder / path not in read:
            found.append((path, "was not built"))
    for path, page in read.items():
        name = path.relative_to(folder).as_posix()
        chapter = Path(name) in expected
        found += [(name, what) for what in _page_faults(page, chapter)]
        found += [(name, f"links to {link}, which is not there")
                  for link in page.links if not _reached(link, path, read)]  # fmt: skip
    found += _clashes({path.relative_to(folder).as_posix(): page for path, page in read.items()})
    return found, len(read)


def _clashes(read):
    """What has the number of something before it."""
    first = {}
    for name, page in read.items():
        for number in page.numbers:
            if number in first:
                yield name, f"numbers something {number}, as {first[number]} does"
            first.setdefault(number, name)
    formulas = {place: number for page in read.values() for place, number in page.formulas.items()}
    for name, page in read.items():
        for place, number in page.formulas.items():
            # On a page in another language the label ends in the language's tag.
            its = place.replace(REPEATED, "equation-", 1)
            its = its if its in formulas else re.sub(r"-[a-z]{2}$", "", its)
            if place.startswith(REPEATED) and formulas.get(its) != number:
                yield name, f"repeats {its}, number {formulas.get(its)}, as {number}"


def _page_faults(page, chapter):
    for address in page.fetched:
        if urlsplit(address).netloc:
            yield f"fetches {address}"
    for source, alt in page.alts:
        if alt is None or FILE_NAME.search(alt) or (not alt and "_images" in source):
            yield f"shows {source} with the description {alt!r}"
    for place in page.twice:
        yield f"has two places called {place!r}"
    if not page.title.strip() and not page.sends_on:
        yield "has no title"
    if chapter:
        words = len(page.text.split())
        if words < FEWEST_WORDS:
            yield f"is empty: {words} words"
        for text, pattern in ((page.text, RAW), ("".join(page.prose), TEX)):
            for match in pattern.finditer(text):
                near = text[max(0, match.start() - 30) : match.end() + 40]
                yield f"shows source text: {' '.join(near.split())!r}"


def _reached(link, path, read):
    """Does a link inside the book lead to a file, and to a place in it, that are there?"""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or link.startswith("#") and len(link) == 1:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return False
    page = read.get(target)
    return not (parts.fragment and page) or unquote(parts.fragment) in page.ids


def main(arguments):
    folder = Path(arguments[0] if arguments else ROOT / "_build" / "html").resolve()
    if not folder.is_dir():
        print(f"check_html: {folder} is not there: run `make book`", file=sys.stderr)
        return 2
    expected = [page.relative_to(ROOT).with_suffix(".html") for page in pages()]
    found, count = faults(folder, expected)
    for name, what in found:
        print(f"{name}: {what}")
    print(f"{count} pages read, {len(found)} faults found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
