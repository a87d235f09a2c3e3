"""The Vietnamese pages, from the English ones and catalogues: python tools/translate.py

A catalogue, book/locale/vi/LC_MESSAGES/NAME.po, holds each message of book/NAME and its
translation, and is the one place where the Vietnamese words stand. This renews the catalogues
from the English pages and writes the pages book/vi-NAME that _toc.yml lists. A message whose
English has changed keeps its old translation, marked `fuzzy` (stale): until someone has looked at
it, the page shows the English words. In a figure or a formula nothing could say that a word is
English, so there each has to be translated.

--check         write nothing; say what is stale, and fail if anything is to be renewed or lost
--start NAME    begin the catalogue of another page
--edition DIR   write the sources of the whole book in Vietnamese, English where there is none

Babel, which reads and writes the catalogues, comes with Sphinx.
"""

import argparse
import base64
import io
import re
import shutil
import sys
from copy import deepcopy
from pathlib import Path

import figures
import nbformat
import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from chapters import ROOT, BookError, pages, write
from messages import VIETNAMESE, computed, fill, lost, render, restored
from messages import messages as found_in

LANGUAGE = "vi"
FOLDER = Path("book", "locale", LANGUAGE, "LC_MESSAGES")
TOC = "toc"  # the catalogue of the book's title and of the captions in _toc.yml
IN_DRAWING = "in a figure or a formula"
HEADER = """\
# The Vietnamese of book/{}. Renewed by `make translate`, which keeps what is translated.
# A message marked fuzzy has a new English text: mend the translation and take the mark away.
# ⟨0⟩, ⟨1⟩, … stand for numbers that cells compute."""
#: Header lines that would change with the day and the machine.
DATED = re.compile(r'^"(?:POT-Creation|PO-Revision)-Date:.*\n|^"(?:Generated-By|Project-Id'
                   r'|Report-Msgid|Last-Translator|Language-Team).*\n', re.M)  # fmt: skip
#: On a page of the English book these are named in the page's language, without a number.
NAMES = {
    "algorithm": "Thuật toán", "theorem": "Định lý", "lemma": "Bổ đề", "corollary": "Hệ quả",
    "definition": "Định nghĩa", "proof": "Chứng minh", "example": "Ví dụ", "remark": "Nhận xét",
    "proposition": "Mệnh đề",
}  # fmt: skip
PROOF = re.compile(r"^(:{3,})\{prf:(\w+)\}[ \t]*(.*)\n((?::[\w-]+:.*\n)*)", re.MULTILINE)
LABEL = re.compile(
    r"^(?P<a>\()(?P<x>[\w-]+)(?P<b>\)=[ \t]*)$|(?P<c>\$\$[ \t]*\()(?P<y>[\w-]+)(?P<d>\)[ \t]*)$"
    r"|^(?P<e>[ \t]*:(?:label|name):[ \t]*)(?P<z>[\w-]+)(?P<f>[ \t]*)$",
    re.MULTILINE,
)
REFERENCE = re.compile(r"\{(ref|numref|eq|prf:ref)\}`(?:([^`<]*)<)?([\w-]+)>?`")


# Pages.


def original(name, root=ROOT):
    """The English page of a name."""
    for path in pages(root):
        if path.stem == name:
            return path
    raise BookError(f"_toc.yml lists no page {name}")


def texts(path, plain=()):
    """The Markdown texts of a page, with ⟨0⟩, ⟨1⟩, … for numbers that a cell has put out.

    What is one of the messages `plain` is left as it is.
    """
    return _texts(_source(path), plain)


def _source(path):
    """A page's text, or the cells of a notebook."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return nbformat.read(path, as_version=4).cells


def _texts(page, plain):
    if isinstance(page, str):
        return [page]
    found = []
    for cell in page:
        if cell.cell_type == "markdown":
            found.append(cell.source)
        elif cell.cell_type == "code":
            found += [restored(*computed(one), plain) for one in _shown(cell)]
            mystnb = cell.metadata.get("mystnb", {})
            found += [text for _, _, text in _described(mystnb)]
    return found


def _shown(cell):
    """The texts that a code cell puts out as Markdown."""
    return ["".join(o.data["text/markdown"]) for o in cell.outputs if _markdown(o)]


def _markdown(output):
    return "text/markdown" in output.get("data", ())


def _unseen(cell):
    """Is the page without the cell's code?"""
    return bool({"remove-input", "remove-cell"} & set(cell.metadata.get("tags", ())))


def _described(mystnb):
    """Caption and description of a cell's picture, each with its place in the metadata."""
    for part, key in (("figure", "caption"), ("image", "alt")):
        if text := mystnb.get(part, {}).get(key):
            yield part, key, text


def labels(path):
    """The labels that a page gives."""
    found = {m[k] for text in texts(path) for m in LABEL.finditer(text) for k in "xyz" if m[k]}
    if path.suffix == ".ipynb":
        for cell in nbformat.read(path, as_version=4).cells:
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            found |= {figure["name"]} if "name" in figure else set()
    return found


# Catalogues.


def catalogues(root=ROOT):
    """The names of the pages that have one."""
    found = sorted(path.stem for path in (root / FOLDER).glob("*.po"))
    return [name for name in found if name != TOC]


def read(name, root=ROOT):
    """A catalogue; an empty one if there is none."""
    path = root / FOLDER / f"{name}.po"
    if not path.exists():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def in_order(root=ROOT):
    """The names of the pages that have a catalogue, in the order of the book."""
    there = catalogues(root)
    return [path.stem for path in pages(root) if path.stem in there]


def ids(root=ROOT):
    """The messages of each catalogue, in order: those that no catalogue before it has."""
    found, earlier = {}, set()
    for name in in_order(root):
        path = original(name, root)
        page, drawn = _source(path), _figures_words(path, root)
        new = dict.fromkeys([*_ids(page, earlier), *drawn])
        found[name] = [one for one in new if one not in earlier]
        earlier.update(_ids(page), drawn)
    book, toc = (_yaml(root / file) for file in ("_config.yml", "_toc.yml"))
    titles = [book["title"], *(one["caption"] for one in toc["parts"])]
    return found | {TOC: [one for one in titles if not VIETNAMESE.search(one)]}


def _ids(page, plain=()):
    """The messages of a page, each once."""
    found = [one.id for text in _texts(page, plain) for one in found_in(text)]
    return list(dict.fromkeys(one for one in found if one))


def _figures_words(path, root):
    drawn = [figures.read(figure, root) for figure in figures.pictures(path)]
    return [word for one in drawn if one for word in one.words]


def drawn_words(name, root=ROOT):
    """The messages of a page that stand in its figures and formulas."""
    path = original(name, root)
    found = [one.id for text in texts(path) for one in found_in(text) if one.formula]
    return list(dict.fromkeys(found + _figures_words(path, root)))


def known(root=ROOT):
    """All that the catalogues of pages translate: {message: translation}."""
    found = {}
    for name in in_order(root):
        found |= said(read(name, root))
    return found


def renewed(root=ROOT):
    """The catalogues, {name: catalogue}, for the pages as they are now.

    What has changed is marked fuzzy.
    """
    found = {}
    for name, messages in ids(root).items():
        catalogue, template = read(name, root), Catalog(locale=LANGUAGE)
        drawn = () if name == TOC else drawn_words(name, root)
        for one in messages:
            template.add(one, auto_comments=[IN_DRAWING] if one in drawn else ())
        catalogue.update(template)
        catalogue.obsolete.clear()
        found[name] = catalogue
    return found


def written(name, catalogue):
    """A catalogue as a text that is the same on every day."""
    page = TOC if name == TOC else name
    catalogue.header_comment = HEADER.format(f"../_{page}.yml" if name == TOC else page)
    catalogue.fuzzy = False
    for message in catalogue:
        message.flags &= {"fuzzy"}  # and no guess at a format, such as python-brace-format
    file = io.BytesIO()
    write_po(file, catalogue, width=100, ignore_obsolete=True)
    return DATED.sub("", file.getvalue().decode("utf-8"))


def said(catalogue):
    """What is translated and not stale: {message: translation}."""
    return {m.id: m.string for m in catalogue if m.id and m.string and not m.fuzzy}


def stale(catalogue):
    """The messages whose English has changed since they were translated."""
    return [m for m in catalogue if m.id and m.fuzzy]


# Translated pages.


class Page:
    """Writes one page in Vietnamese: of the English book, or of an edition of its own."""

    def __init__(self, translations, *, own_labels=frozenset(), pictures=None, edition=False):
        self.translations = translations
        self.own = own_labels  # those that get "-vi" here, since the English page has them too
        self.pictures = pictures or {}  # {which English picture: base64 of the one for it}
        self.edition = edition

    def say(self, message):
        translation = self.translations.get(message.id)
        if self.edition or message.formula:
            return translation or message.id
        if translation and not message.heading:
            return translation
        language = LANGUAGE if translation else "en"
        return f'<span lang="{language}">{translation or message.id}</span>'

    def text(self, source):
        """A Markdown text."""
        source = render(source, self.say)
        if self.edition:
            return source
        source = PROOF.sub(self._named, source)
        source = LABEL.sub(self._label, source)
        return REFERENCE.sub(self._reference, source)

    def output(self, source):
        """What a cell has put out as Markdown, with its numbers."""
        source, numbers = computed(source)
        return fill(self.text(restored(source, numbers, self.translations)), numbers)

    def _named(self, match):
        fence, kind, title, options = match.groups()
        name = NAMES[kind] + (f": {title}" if title else "")
        return f"{fence}{{admonition}} {name}\n{options.replace(':label:', ':name:')}"

    def _label(self, match):
        for before, label, after in ("axb", "cyd", "ezf"):
            if match[label] in self.own:
                named = _again(match[label]) if label == "y" else match[label]
                return f"{match[before]}{named}-{LANGUAGE}{match[after]}"
        return match.group()

    def _reference(self, match):
        role, title, label = match.groups()
        if label not in self.own:
            return match.group()
        if role == "prf:ref":  # an admonition here, without a title that a link could take
            role, title = "ref", title or NAMES.get("algorithm").lower()
        label = f"{_again(label) if role == 'eq' else label}-{LANGUAGE}"
        inside = f"{title.rstrip()} <{label}>" if title else label
        return f"{{{role}}}`{inside}`"

    def notebook(self, english):
        """A notebook with its texts translated; what cells put out as text becomes text.

        Code that is not seen goes with them, unless a later cell that stays may need it.
        """
        translated, translated.cells = deepcopy(english), []
        kept = [n for n, cell in enumerate(english.cells) if cell.cell_type == "code"
                and not (_unseen(cell) and len(_shown(cell)) == len(cell.outputs))]  # fmt: skip
        for number, cell in enumerate(deepcopy(english.cells)):
            if cell.cell_type == "markdown":
                cell.source = self.text(cell.source)
            if cell.cell_type != "code" or number <= max(kept, default=-1):
                translated.cells.append(cell)
            if cell.cell_type == "code":
                translated.cells += self._code(cell)
        return translated

    def _code(self, cell):
        """Translate what stands around a cell's picture; the texts that the cell puts out."""
        mystnb = cell.metadata.get("mystnb", {})
        for part, key, text in _described(mystnb):
            mystnb[part][key] = self.translations.get(text, text)
        if mystnb.get("figure", {}).get("name") in self.own and not self.edition:
            mystnb["figure"]["name"] += f"-{LANGUAGE}"
        for output in cell.outputs:  # 0,5 also in a formula
            if "text/latex" in output.get("data", ()):
                tex = "".join(output.data["text/latex"])
                output.data["text/latex"] = re.sub(r"(?<=\d)\.(?=\d)", "{,}", tex)
            if figures.PNG in output.get("data", ()):
                english = figures.digest(base64.b64decode("".join(output.data[figures.PNG])))
                output.data[figures.PNG] = self.pictures.get(english, output.data[figures.PNG])
        shown, text = _shown(cell), []
        # Code and outputs are those of the English page, which are tested there.
        tags = list(dict.fromkeys([*cell.metadata.get("tags", []), "nbval-skip"]))
        if len(shown) < len(cell.outputs):
            for output in filter(_markdown, cell.outputs):
                output.data["text/markdown"] = self.output("".join(output.data["text/markdown"]))
        elif shown:
            source = "\n\n".join(self.output(one) for one in shown)
            text.append(nbformat.v4.new_markdown_cell(source, id=f"{cell.id}-{LANGUAGE}"))
            cell.outputs = []
            if _unseen(cell):
                tags.append("remove-cell")
                cell.source += ";"  # run, it shows no English text
        cell.metadata["tags"] = tags
        return text


def _again(label):
    """The label of a formula that repeats another page's, and has its number (_ext/again.py)."""
    return label if label.startswith("again-") else f"again-{label}"


def _language_link(source, english):
    """A page's text with a link to the English page under its title."""
    label = re.search(r"^\(([\w-]+)\)=", english, re.MULTILINE)[1]
    title = re.search(r"^# (.*)$", english, re.MULTILINE)[1]
    link = f'<span lang="en">*In English: {{ref}}`{title} <{label}>`.*</span>'
    return re.sub(r"^# .*$", lambda m: f"{m.group()}\n\n{link}", source, count=1, flags=re.M)


def translated(root=ROOT):
    """The pages book/vi-NAME of the English book: the path of each from the root, and its text."""
    paths = [original(name, root) for name in beside(root)]
    own = frozenset().union(*map(labels, paths))
    page = Page(known(root), own_labels=own, pictures=redrawn(root))
    for path in paths:
        yield Path("book", f"{LANGUAGE}-{path.name}"), _translated(path, page)


def _translated(path, page):
    if path.suffix == ".md":
        english = path.read_text(encoding="utf-8")
        note = f"% Written by `make translate` from {path.name} and its catalogue.\n\n"
        return note + _language_link(page.text(english), english)
    english = nbformat.read(path, as_version=4)
    notebook = page.notebook(english)
    first = notebook.cells[0]
    first.source = _language_link(first.source, english.cells[0].source)
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def redrawn(root=ROOT):
    """The figures that there are in Vietnamese: {which English picture: base64}."""
    there = [figures.read(name, root) for name in figures.drawn(root)]
    return {one.english: base64.b64encode(one.png).decode("ascii") for one in there if one}


def shown(root=ROOT):
    """The English pictures of the pages that stand beside in Vietnamese: {name: picture}."""
    return {
        figure: png for name in beside(root)
        for figure, png in figures.pictures(original(name, root)).items()
    }  # fmt: skip


def beside(root=ROOT):
    """The pages that stand in Vietnamese in the English book."""
    there = {path.stem for path in _listed(root)}
    return [name for name in in_order(root) if f"{LANGUAGE}-{name}" in there]


def _listed(root):
    toc = _yaml(root / "_toc.yml")
    return [Path(one["file"]) for part in toc["parts"] for one in part["chapters"]]


# The whole edition.


def edition(folder, root=ROOT):
    """Write the sources of the book in Vietnamese into an empty or a new folder."""
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise BookError(f"{folder} is not empty")
    for part in ("_ext", "_static", "_templates", "book", "src", "tools", "CHANGELOG.md"):
        if (root / part).is_dir():
            shutil.copytree(
                root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif (root / part).exists():
            shutil.copy(root / part, folder / part)
    captions = said(read(TOC, root))
    toc, config = _yaml(root / "_toc.yml"), _yaml(root / "_config.yml")
    twice = {f"book/{LANGUAGE}-{name}" for name in catalogues(root)}
    for part in toc["parts"]:
        part["caption"] = captions.get(part["caption"], part["caption"])
        part["chapters"] = [one for one in part["chapters"] if one["file"] not in twice]
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    title, own = config["title"], config["sphinx"]["config"]
    config["title"] = captions.get(title, title)
    logo = own.get("html_theme_options", {}).get("logo", {})
    if logo.get("text") == title:
        logo["text"] = config["title"]
    own.update(language=LANGUAGE, page_languages={})
    for name, value in own.items():  # settings that name pages, as {page: …} or [page, …]
        if isinstance(value, dict):
            own[name] = {one: value[one] for one in value if one not in twice}
        elif isinstance(value, list):
            own[name] = [one for one in value if str(one) not in twice]
    translations, instead = known(root), redrawn(root)
    kept = [*(one["file"] for part in toc["parts"] for one in part["chapters"]), toc["root"]]
    for name in kept:
        path = original(Path(name).stem, root)
        page = Page(translations, pictures=instead, edition=True)
        target = folder / path.relative_to(root)
        if path.stem.startswith(f"{LANGUAGE}-"):
            continue  # Vietnamese as it is
        if path.suffix == ".md":
            target.write_text(page.text(path.read_text("utf-8")), encoding="utf-8")
        else:
            nbformat.write(page.notebook(nbformat.read(path, as_version=4)), target)
    for file, content in (("_toc.yml", toc), ("_config.yml", config)):
        (folder / file).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False),
                                   encoding="utf-8")  # fmt: skip


def _yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# The command.


def faults(root=ROOT):
    """What is to be renewed or was lost: it fails the tests."""
    told = []
    for name, catalogue in renewed(root).items():
        path = FOLDER / f"{name}.po"
        if (root / path).read_text("utf-8") != written(name, catalogue):
            new = said(read(name, root)).keys() - said(catalogue).keys()
            told.append(f"{path}: the English has changed, run `make translate`"
                        + "".join(f"\n  stale: {one[:90]}" for one in sorted(new)))  # fmt: skip
        for one, string in said(catalogue).items():
            told += [f"{path}: {what}\n  in: {one[:90]}" for what in lost(one, string)]
    translations, english = known(root), shown(root)
    for name, png in english.items():
        if fault := figures.fault(name, png, translations, root):
            told.append(f"{figures.FOLDER}/{name}.png: {fault}, run `make translate`")
    for name in sorted(set(figures.drawn(root)) - set(english)):
        told.append(f"{figures.FOLDER}/{name}.png: no Vietnamese page shows it")
    for name in beside(root):
        told += [f"{FOLDER / name}.po: not translated, in a figure or a formula: {one}"
                 for one in drawn_words(name, root) if one not in translations]  # fmt: skip
    for path, text in translated(root):
        if not (root / path).exists() or (root / path).read_text("utf-8") != text:
            name = path.stem.removeprefix(f"{LANGUAGE}-")
            told.append(f"{path}: is not what {name} and its catalogue say, run `make translate`")
    return told


def notes(root=ROOT):
    """What the Vietnamese pages show in English: a note, and no fault."""
    told = []
    for name in [*in_order(root), TOC]:
        catalogue = read(name, root)
        told += [f"{name}: stale: {m.id[:90]}" for m in stale(catalogue)]
        told += [f"{name}: not translated: {m.id[:90]}" for m in catalogue if m.id and not m.string]
    return told


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--check", action="store_true", help="write nothing, tell what is to be done")
    does.add_argument("--start", metavar="NAME", help="begin the catalogue of a page")
    does.add_argument("--edition", metavar="DIR", help="write the sources of the whole edition")
    given = parser.parse_args(arguments)
    root = given.root.resolve()
    try:
        if given.edition:
            edition(given.edition, root)
            return 0
        if given.check:
            told = faults(root)
            print("\n".join([*told, *notes(root), f"{len(told)} faults in the translation"]))
            return 1 if told else 0
        if given.start:
            original(given.start, root)
            write(root / FOLDER / f"{given.start}.po", "")
        translations = known(root)
        for name, png in shown(root).items():
            if figures.fault(name, png, translations, root):
                print(f"drawing {name}", flush=True)
                figures.draw(name, png, translations, root)
        for name, catalogue in renewed(root).items():
            write(root / FOLDER / f"{name}.po", written(name, catalogue))
        for path, text in translated(root):
            write(root / path, text)
        print("\n".join([*notes(root), "the Vietnamese pages are written"]))
    except BookError as error:
        print(f"translate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
