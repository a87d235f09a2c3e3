"""Do the addresses outside the book still answer? python tools/links.py [_build/html]

Asks for each address that a built page links to, once. Of a DOI the register of DOIs is asked
whether it knows it, since publishers turn programs away. Who answers that a program may not look
(401, 403, 405, 429) is there; who says that the page is gone, or three times nothing, is not.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urldefrag, urlsplit
from urllib.request import Request, urlopen

from chapters import ROOT

DOI = "https://doi.org/"
REGISTER = "https://doi.org/api/handles/"
THERE = {401, 403, 405, 406, 429}  # whoever answers so has a page, but not for programs
TRIES = 3
PATIENCE = 30  # seconds
AGENT = "Mozilla/5.0 (compatible; link check of a book; once a week)"


class Links(HTMLParser):
    """The addresses outside that a page links to."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        address = dict(attributes).get("href") or ""
        if tag == "a" and urlsplit(address).scheme in ("http", "https"):
            self.found.add(urldefrag(address).url)


def collect(folder):
    """Each address, and the first page that links to it."""
    first = {}
    for path in sorted(folder.rglob("*.html")):
        if "_static" not in path.parts:
            for address in sorted(Links(path.read_text(encoding="utf-8")).found):
                first.setdefault(address, path.relative_to(folder).as_posix())
    return first


def fault(address, ask=urlopen, pause=5.0):
    """What is wrong with an address, or None."""
    doi = address.removeprefix(DOI) if address.startswith(DOI) else None
    target = REGISTER + quote(doi, safe="/") if doi else address
    said = "no answer"
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause * attempt)
        try:
            with ask(Request(target, headers={"User-Agent": AGENT}), timeout=PATIENCE) as answer:
                if doi and json.load(answer).get("responseCode") != 1:
                    return "the register does not know this DOI"
                return None
        except HTTPError as error:
            if error.code in THERE:
                return None
            said = f"answers {error.code}"
            if error.code in (404, 410):
                return "the register does not know this DOI" if doi else said
        except (URLError, OSError, ValueError) as error:
            said = f"no answer ({getattr(error, 'reason', error)})"
    return said


def main(arguments):
    folder = Path(arguments[0] if arguments else ROOT / "_build" / "html").resolve()
    if not folder.is_dir():
        print(f"links: {folder} is not there: run `make book`", file=sys.stderr)
        return 2
    first = collect(folder)
    with ThreadPoolExecutor(4) as pool:
        told = dict(zip(first, pool.map(fault, first)))
    for address, why in told.items():
        if why:
            print(f"{first[address]}: {address}: {why}")
    dead = sum(map(bool, told.values()))
    print(f"{len(first)} addresses asked, {dead} do not answer")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
