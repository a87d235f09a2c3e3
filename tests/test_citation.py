"""CITATION.cff is valid, agrees with the project, and the page shows the entry made from it."""

import copy
import re
import tomllib

import cite
import pytest
import yaml
from chapters import ROOT, BookError

TEXT = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
CITED = yaml.safe_load(TEXT)
PAGE = (ROOT / cite.PAGE).read_text(encoding="utf-8")
#: Of the Citation File Format 1.2.0, schema-guide.md: what must be there, and what else may be (of
#: a reference, the part that books and programs use).
REQUIRED = {"authors", "cff-version", "message", "title"}
ALLOWED = REQUIRED | set(
    """
abstract commit contact date-released doi identifiers keywords license license-url
preferred-citation references repository repository-artifact repository-code type url version
""".split()
)
OF_REFERENCE = {"authors", "title", "type"}
IN_REFERENCE = OF_REFERENCE | set(
    """
abstract conference contact date-published date-released doi edition editors institution isbn
keywords languages license month notes number publisher repository repository-code status url
version year
""".split()
)
TYPES = "article book generic manual pamphlet report software thesis unpublished website".split()
ENTITY = {"name", "address", "alias", "city", "country", "email", "orcid", "website"}
PERSON = {"family-names", "given-names", "affiliation", "alias", "email", "orcid", "website"}
FORMS = {
    "date-released": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
    "license": r"MIT|CC-BY-4\.0",
    "url": r"https?://\S+",
    "repository-code": r"https?://\S+",
    "doi": r"10\.\d{4,9}/\S+",
    "year": r"\d{4}",
    "month": r"[1-9]|1[0-2]",
}


def invalid(cited):
    """What the format does not allow, each in a few words."""
    found = [f"no {key}" for key in REQUIRED - set(cited)]
    found += [f"{key}?" for key in set(cited) - ALLOWED]
    if cited.get("cff-version") != "1.2.0":
        found.append("cff-version")
    if cited.get("type", "software") not in ("software", "dataset"):
        found.append("type")
    parts = [cited, *cited.get("references", []), cited.get("preferred-citation", {})]
    for part in parts[1:]:
        if part:
            found += [f"a reference without {key}" for key in OF_REFERENCE - set(part)]
            found += [f"{key}? in a reference" for key in set(part) - IN_REFERENCE]
            found += ["type of a reference"] if part.get("type") not in TYPES else []
    for part in parts:
        for key, form in FORMS.items():
            if key in part and not re.fullmatch(form, str(part[key])):
                found.append(f"{key} {part[key]!r}")
        for key in ("keywords", "languages"):
            values = part.get(key, [])
            if len(set(values)) < len(values) or not all(isinstance(v, str) for v in values):
                found.append(key)
        if any(not re.fullmatch("[a-z]{2,3}", one) for one in part.get("languages", [])):
            found.append("languages")
        for author in part.get("authors", []):
            if not set(author) <= (ENTITY if "name" in author else PERSON):
                found.append(f"author {author}")
    return found


def test_it_is_valid():
    assert not invalid(CITED)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("message"), "no message"),
        (lambda c: c.update(licence="MIT"), "licence?"),
        (lambda c: c.update({"date-released": "26.11.2026"}), "date-released '26.11.2026'"),
        (lambda c: c["preferred-citation"].pop("type"), "a reference without type"),
        (lambda c: c["preferred-citation"].update(day=1), "day? in a reference"),
        (lambda c: c["references"][0].update(type="paper"), "type of a reference"),
        (lambda c: c["keywords"].append("time series"), "keywords"),
        (lambda c: c["authors"].append({"names": "A"}), "author {'names': 'A'}"),
        (lambda c: c.update(license="MIT-like"), "license 'MIT-like'"),
    ],
)
def test_what_is_invalid_is_told(change, told):
    changed = copy.deepcopy(CITED)
    change(changed)
    assert told in invalid(changed)


def test_it_agrees_with_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    preferred = CITED["preferred-citation"]
    assert CITED["version"] == preferred["version"] == project["version"]
    released = CITED["date-released"]
    assert preferred["date-released"] == released
    assert (preferred["year"], preferred["month"]) == (released.year, released.month)
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
    assert CITED["title"] == preferred["title"] == title
    assert CITED["authors"] == preferred["authors"] == project["authors"]
    # Both licences, each for its part: the package's is the project's, the text's the other.
    assert CITED["license"] == project["license"] == "MIT"
    assert preferred["license"] == "CC-BY-4.0"
    assert "CC BY 4.0" in (ROOT / "LICENSE-text").read_text("utf-8")
    assert "MIT" in CITED["abstract"] and "CC BY 4.0" in CITED["abstract"]
    (source,) = CITED["references"]
    assert source["authors"][0]["family-names"] == "Nguyễn"


def test_the_page_shows_the_entry_that_is_made_from_it():
    assert cite.shown(PAGE) == cite.entry(TEXT), "run `python tools/cite.py --write`"
    assert cite.entry(TEXT.replace("version: 0.2.0", "version: 0.3.0")) != cite.shown(PAGE)


def test_the_entry_is_bibtex_with_these_fields():
    read = pytest.importorskip("pybtex.database").parse_string(cite.entry(TEXT), "bibtex")
    (one,) = read.entries.values()
    fields = {name: " ".join(value.strip("{}").split()) for name, value in one.fields.items()}
    assert fields["title"] == CITED["title"] and fields["year"] == str(CITED["date-released"])[:4]
    assert f"Version {CITED['version']}. " in fields["note"] and "Nguyễn" in fields["note"]
    (author,) = one.persons["author"]
    assert str(author).strip("{}") == "The rnn_lit contributors" and "url" not in fields


def test_authors_and_an_address_come_from_the_file():
    changed = copy.deepcopy(CITED)
    person = {"family-names": "Nguyễn", "given-names": "An"}
    changed["preferred-citation"]["authors"].append(person)
    changed["url"] = "https://example.org"
    made = cite.entry(yaml.safe_dump(changed, allow_unicode=True))
    assert "{The rnn_lit contributors} and Nguyễn, An}" in made
    assert "url    = {https://example.org}" in made


def test_it_is_written_into_the_page(tmp_path, capsys):
    (tmp_path / "book").mkdir()
    (tmp_path / "CITATION.cff").write_text(TEXT.replace("0.2.0", "9.9"), "utf-8")
    (tmp_path / cite.PAGE).write_text("a\n```bibtex\n@old\n```\nb\n", "utf-8")
    assert cite.main(["--write", "--root", str(tmp_path)]) != 2
    page = (tmp_path / cite.PAGE).read_text("utf-8")
    assert page.startswith("a\n```bibtex\n@misc{") and page.endswith("}\n```\nb\n")
    assert "Version 9.9." in page and "@old" not in page
    with pytest.raises(BookError, match="has 0 blocks of BibTeX, wanted one"):
        cite.shown("no block")
