"""Text as messages: what of a Markdown page is translated, and how it is put back.

A message is a paragraph, a heading, a cell of a table, a caption, a title or a description of a
picture, as it stands in the source, on one line; in a formula on lines of its own, the words in a
\\text{…}. The rest of such a formula, code, labels and quotations from the Vietnamese source are no
messages: every language has them as they are.
"""

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath", "substitution"}
PARSER = create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)

#: Directives whose body is text; of the others (`math`, `bibliography`, …) nothing is translated.
TEXT = re.compile(r"prf:\w+|admonition|note|tip|warning|important|seealso|figure|table|dropdown")
#: Those of them whose argument is a title.
TITLED = re.compile(r"prf:\w+|admonition|table|dropdown")
DIRECTIVE = re.compile(r"\{([\w:-]+)\}[ \t]*(.*)")
OPTION = re.compile(r"^:[\w-]+:.*\n", re.MULTILINE)
ALT = re.compile(r"^:alt:[ \t]*(.+)$", re.MULTILINE)
#: On an English page: a link to the Vietnamese one, and the translation after a quotation.
OTHER = re.compile(r'\s*<span lang="vi">.*?</span>', re.DOTALL)
GLOSS = re.compile(r"^\([^()]*(\([^()]*\)[^()]*)*\)\s*")
VIETNAMESE = re.compile("[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")

#: Words in a formula.
SPOKEN = re.compile(r"(?<=\\text\{)\s*([^{}]*?)\s*(?=\})")
FORMULA = re.compile(r"(?<!\\)\$\$?[^$]+\$\$?")
CODE = re.compile(r"(?<![`}])`(?!`)(?:[^`\n]|\n(?!\n))+`")
ROLE = re.compile(r"\{([\w:]+)\}`(?:([^`<]*)<([^`>]+)>|([^`]+))`")
NAME = re.compile(rf"{ROLE.pattern}|{CODE.pattern}")
FENCE = re.compile(r"^```.*?^```[ \t]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)|(https?://[^\s)>]+)")
FILLED = re.compile("⟨\\d+⟩")
NUMBER = re.compile(r"[A-Z]?\d+(?:[.,]\d+)*|(?<!\w)\.\d+")
#: A number that a cell has put out; in a formula one digit alone is part of the formula.
COMPUTED = re.compile(
    r"(?<![\w⟨^.,])(?<!\w\()(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|\.\d+)(?![\w⟩]|[.,]\d)"
)
WORD = re.compile(r"[^\W\d_]{2,}")


class Message(NamedTuple):
    """A piece of a text: where it stands, what it says, and what its further lines begin with."""

    start: int
    end: int
    id: str  # empty: nothing of it is left for a reader of the other language
    prefix: str
    heading: bool
    formula: bool = False
    numbers: tuple[str, ...] = ()  # the page's ⟨12⟩ for the message's own ⟨0⟩, and so on


@cache  # a page is read for its own catalogue and for those of later pages
def messages(text, start=0):
    """The messages of a Markdown text, in order."""
    found, quoted, after_quotation, heading = [], 0, False, False
    first = [0]
    for line in text.splitlines(keepends=True):
        first.append(first[-1] + len(line))
    cursor = 0
    for token in PARSER.parse(text):
        if token.type == "inline" and token.content.strip():
            top = max(cursor, first[token.map[0]])
            begin, cursor, prefix = _place(text, token.content, top)
            said = _id(token.content)
            if quoted:
                said = None if VIETNAMESE.search(said) else said
                if said and quoted > 1 and re.fullmatch(r"\*[^*]+\*", said):
                    said = ""
                quoted += 1
            elif after_quotation:
                said = GLOSS.sub("", said)
            if said is not None and (not said or words(said)):
                found.append(_message(start + begin, start + cursor, said, prefix, heading))
        elif token.type in ("math_block", "math_block_label", "amsmath") and not quoted:
            found += _spoken(text, first[token.map[0]], first[token.map[1]], start)
        elif token.type in ("colon_fence", "fence"):
            directive = DIRECTIVE.match(token.info.strip())
            lines = slice(first[token.map[0]], first[token.map[1]])
            if directive and directive[1] == "math" and not quoted:
                found += _spoken(text, lines.start, lines.stop, start)
            elif directive and TEXT.fullmatch(directive[1]):
                found += _directive(text[lines], start + lines.start, *directive.groups())
        quoted += token.type == "blockquote_open"
        if token.type == "blockquote_close":
            quoted = 0
        if token.type not in ("paragraph_open", "inline"):
            after_quotation = token.type == "blockquote_close"
        heading = token.type == "heading_open"
    return tuple(found)


def _spoken(text, begin, end, start):
    """The words in the formula that stands there."""
    for part in SPOKEN.finditer(text, begin, end):
        if words(part[1]):
            yield _message(start + part.start(1), start + part.end(1), part[1], formula=True)


def _message(start, end, said, prefix="", heading=False, formula=False):
    """A message whose computed numbers are its own ⟨0⟩, ⟨1⟩, …"""
    numbers = tuple(dict.fromkeys(FILLED.findall(said)))
    said = FILLED.sub(lambda match: f"⟨{numbers.index(match.group())}⟩", said)
    return Message(start, end, said, prefix, heading, formula, numbers)


def _place(text, content, cursor):
    """Where a token's lines begin and end in the text, and what its further lines begin with."""
    begin, prefix = None, ""
    for line in content.split("\n"):
        at = text.index(line.strip(), cursor)
        if begin is None:
            begin = at
            before = text[text.rfind("\n", 0, at) + 1 : at]
            prefix = re.sub(r"[^>\s]", " ", before)
        cursor = at + len(line.strip())
    return begin, cursor, prefix


def _directive(block, start, name, title):
    """The messages of a directive: its title, its picture's description, its body."""
    opening = block.index("\n") + 1
    if title and TITLED.fullmatch(name) and words(title):
        at = block.index(title)
        yield _message(start + at, start + at + len(title), _id(title))
    body = opening
    while option := OPTION.match(block, body):
        alt = ALT.match(option.group())
        if alt:
            yield _message(start + body + alt.start(1), start + body + alt.end(1), alt[1])
        body = option.end()
    closing = block.rstrip("\n").rfind("\n") + 1
    yield from messages(block[body:closing], start + body)


def _id(content):
    """A text on one line, its hard breaks kept, without a link to the Vietnamese page."""
    return re.sub(r"(\\\n)?[ \t]*\n?[ \t]*", _joined, OTHER.sub("", content)).strip()


def _joined(space):
    return "\\\n" if space[1] else " " if space.group() else ""


def words(text):
    """Is there anything to translate besides formulas, code and bare references?"""
    text = FORMULA.sub(" ", ROLE.sub(lambda role: f" {role[2] or ''} ", text))
    return bool(WORD.search(CODE.sub(" ", FILLED.sub(" ", text))))


def render(text, say):
    """The text with each message as `say` has it."""
    parts, at = [], 0
    for one in messages(text):
        said = say(one).replace("\n", "\n" + one.prefix) if one.id else ""
        said = FILLED.sub(lambda match, of=one.numbers: of[int(match.group()[1:-1])], said)
        between = text[at : one.start]
        if not one.id and ">" in one.prefix:  # with the empty lines of the quotation before it
            between = re.sub(r"(\n>[ ]*)+$", "", between)
        parts += [between, said]
        at = one.end
    return "".join([*parts, text[at:]])


# Numbers that cells have computed.


def computed(text):
    """A cell's output with ⟨0⟩, ⟨1⟩, … in place of its numbers, and the numbers."""
    numbers = []

    def put(match):
        number = match.group()
        if at_formula[match.start()] and len(number) == 1 or at_name[match.start()]:
            return number
        numbers.append(number)
        return f"⟨{len(numbers) - 1}⟩"

    at_formula = _inside(text, FORMULA)
    at_name = [any(at) for at in zip(_inside(text, NAME), _inside(text, FENCE), strict=True)]
    return COMPUTED.sub(put, text), numbers


def restored(text, numbers, plain):
    """An output in which messages that other pages have as plain text are plain text too."""

    def say(one):
        own = [numbers[int(number[1:-1])] for number in one.numbers]
        said = FILLED.sub(lambda match: own[int(match.group()[1:-1])], one.id)
        return said if said in plain else one.id

    return render(text, say)


def _inside(text, pattern):
    """For each character, is it in a match?"""
    inside = [False] * (len(text) + 1)
    for match in pattern.finditer(text):
        inside[match.start() : match.end()] = [True] * len(match.group())
    return inside


def fill(text, numbers):
    """Put the numbers back, as Vietnamese writes them: 0,5 and 1.000."""
    inside = _inside(text, FORMULA)

    def put(match):
        number = numbers[int(match.group()[1:-1])]
        if re.fullmatch(r"\d{1,3}(,\d{3})+", number):
            return number.replace(",", ".")
        number = "0" + number if number.startswith(".") else number
        return number.replace(".", "{,}" if inside[match.start()] else ",")

    return FILLED.sub(put, text)


# What a translation may not lose.


def silent(formula):
    """A formula without its words, which each language has for itself."""
    return SPOKEN.sub("", formula)


def marks(text):
    """What a message and its translation share: {kind: how often which}."""
    roles = [f"{{{r[1]}}}`{r[3] or r[4]}`" for r in NAME.finditer(text) if r[1]]
    code = [name.group() for name in NAME.finditer(text) if not name[1]]
    outside = NAME.sub(" ", text)
    formulas = [silent(" ".join(one.split())) for one in FORMULA.findall(outside)]
    outside = FORMULA.sub(" ", outside)
    links = [one or other for one, other in LINK.findall(outside)]
    outside = FILLED.sub(" ", LINK.sub(" ", outside))
    # 0 is also a word, and a sentence may name a number twice.
    numbers = {re.sub(r"[.,]", "", one).lstrip("0") for one in NUMBER.findall(outside)} - {""}
    return {
        "formula": Counter(formulas), "role": Counter(roles), "code": Counter(code),
        "link": Counter(links), "computed number": Counter(FILLED.findall(text)),
        "number": Counter(numbers),
    }  # fmt: skip


def lost(english, translation):
    """What one of the two has and the other has not, in words."""
    if not translation:
        return []
    ours, theirs = marks(english), marks(translation)
    return [
        f"{kind} {one} {what}"
        for kind in ours
        for what, more in (("lost", ours[kind] - theirs[kind]), ("new", theirs[kind] - ours[kind]))
        for one in more.elements()
    ]
