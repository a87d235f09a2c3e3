"""The entry for a bibliography, made from CITATION.cff: python tools/cite.py [--write]

Prints it; with ``--write`` it goes into Appendix D, between the marks of its code block. A test
compares the two, so CITATION.cff is the one place where a name, a title or a version is changed.
"""

import argparse
import re
import sys
import textwrap
from pathlib import Path

import yaml
from chapters import ROOT, BookError, write

CITED = Path("CITATION.cff")
PAGE = Path("book", "D-references.md")
KEY = "rnn_forecasting_equation"
WHOLE = {"break_long_words": False, "break_on_hyphens": False}
BLOCK = re.compile(r"(?<=^```bibtex\n)@.*?(?=^```$)", re.MULTILINE | re.DOTALL)


def person(author):
    """An author as BibTeX has it; a group's name is kept whole."""
    if "name" in author:
        return f"{{{author['name']}}}"
    return f"{author['family-names']}, {author['given-names']}"


def entry(text):
    """The BibTeX entry of what the text of a CITATION.cff prefers to be cited."""
    cited = yaml.safe_load(text)
    preferred = cited["preferred-citation"]
    year, month, _ = str(cited["date-released"]).split("-")
    fields = {
        "author": " and ".join(map(person, preferred["authors"])),
        "title": f"{{{preferred['title']}}}",
        "year": year,
        "month": str(int(month)),
        "note": f"Version {cited['version']}. {preferred['notes']}",
        "url": preferred.get("url", cited.get("url", "")),
    }
    lines = [f"  {name:6} = {{{value}}}," for name, value in fields.items() if value]
    lines = [textwrap.fill(line, 79, subsequent_indent=12 * " ", **WHOLE) for line in lines]
    return "\n".join([f"@misc{{{KEY},", *lines, "}"]) + "\n"


def shown(page):
    """The entry that a page shows."""
    found = BLOCK.findall(page)
    if len(found) != 1:
        raise BookError(f"{PAGE} has {len(found)} blocks of BibTeX, wanted one")
    return found[0]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the entry into Appendix D")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    made = entry((options.root / CITED).read_text(encoding="utf-8"))
    if not options.write:
        print(made, end="")
        return 0
    try:
        page = (options.root / PAGE).read_text(encoding="utf-8")
        write(options.root / PAGE, page.replace(shown(page), made))
    except BookError as error:
        print(f"cite: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
