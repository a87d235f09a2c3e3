"""Every reference of the book leads its reader somewhere: a DOI, an address or an ISBN."""

import re
from urllib.parse import urlsplit

import pytest
from chapters import ROOT

database = pytest.importorskip("pybtex.database")
ENTRIES = database.parse_file(ROOT / "book" / "references.bib").entries
# Printed works of which no lasting address is known for certain.
NOWHERE = {"weigend1990", "lapedesfarber1987", "oseledets1968", "cauchy1847", "albertini1993"}
# A registrant's number after "10.", a slash, and an own part of printable letters.
DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/[!-~]+")
PLACES = ("doi", "url", "isbn")


def isbn_holds(text):
    """Is the last digit the one that the others ask for?"""
    digits = [10 if one == "X" else int(one) for one in text.replace("-", "")]
    if len(digits) == 10:
        return sum((10 - place) * one for place, one in enumerate(digits)) % 11 == 0
    return len(digits) == 13 and sum(one * (1, 3)[n % 2] for n, one in enumerate(digits)) % 10 == 0


def faults(key, fields):
    """What is wrong with where a reference leads to, in words."""
    found = [name for name in PLACES if name in fields]
    if (not found) != (key in NOWHERE):
        yield f"{key} leads nowhere" if not found else f"{key} leads to {found}, and is excused"
    if "doi" in fields and not DOI.fullmatch(fields["doi"]):
        yield f"{key}: {fields['doi']!r} is no DOI"
    if "url" in fields:
        parts = urlsplit(fields["url"])
        if parts.scheme != "https" or not parts.netloc or "doi.org" in parts.netloc:
            yield f"{key}: {fields['url']!r} is no address that begins with https://, or is a DOI"
    if "isbn" in fields and not isbn_holds(fields["isbn"]):
        yield f"{key}: {fields['isbn']!r} is no ISBN"


def test_every_reference_leads_somewhere():
    told = [fault for key, entry in ENTRIES.items() for fault in faults(key, entry.fields)]
    assert not told, "\n".join(told)
    assert NOWHERE <= set(ENTRIES)


def test_no_place_is_given_twice():
    places = [entry.fields[name] for entry in ENTRIES.values() for name in PLACES
              if name in entry.fields]  # fmt: skip
    assert len(places) == len(set(places)) > 60


@pytest.mark.parametrize(
    ("key", "fields", "told"),
    [
        ("elman1990", {"doi": "10.1207/s15516709cog1402_1"}, None),
        ("brier1950", {"doi": "10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2"}, None),
        ("moore1966", {"isbn": "0-13-476853-1"}, None),
        ("elman1990", {}, "leads nowhere"),
        ("cauchy1847", {"url": "https://example.org"}, "is excused"),
        ("elman1990", {"doi": "https://doi.org/10.1207/s15516709cog1402_1"}, "is no DOI"),
        ("elman1990", {"doi": "10.1207/s15516709 cog1402_1"}, "is no DOI"),
        ("elman1990", {"doi": "1207/s15516709cog1402_1"}, "is no DOI"),
        ("elman1990", {"url": "http://example.org"}, "is no address"),
        ("elman1990", {"url": "https://doi.org/10.1207/s15516709cog1402_1"}, "is a DOI"),
        ("moore1966", {"isbn": "0-13-476853-2"}, "is no ISBN"),
        ("geron2019", {"isbn": "978-1-492-03264-8"}, "is no ISBN"),
    ],
)  # fmt: skip
def test_a_fault_is_found(key, fields, told):
    found = list(faults(key, fields))
    assert (not found) if told is None else any(told in one for one in found)
