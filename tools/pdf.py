"""The book and the two write-ups as PDFs: python tools/pdf.py [--cover FILE]

They come to _build/pdf. The pages are written as LaTeX by Sphinx (_ext/pdf_pages.py), XeLaTeX sets
them, and the log is read: a line that is more than 3 pt too wide, a letter without a glyph or a
reference into the void fails. The title page of a write-up is filled in from book/cover.yml. Of
the system nothing is installed; what is missing is named.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import surroundings
import yaml
from chapters import ROOT, BookError
from sphinx.util.texescape import escape, init

LATEX, PDF = ROOT / "_build" / "latex", ROOT / "_build" / "pdf"
COVER = ROOT / "book" / "cover.yml"
WIDEST = 3.0  # points by which a line may be too wide
PASSES = 4  # at most; two as a rule
FIELDS = ("author", "student_number", "course", "lecturer", "date", "declaration")
#: What a title page says, in each language.
WORDS = {
    "en": {
        "task": "Yêu cầu 1: the algorithm that finds the forecasting equation of a time series, "
                "and its complexity",
        "author": "Author", "student_number": "Student number", "course": "Course",
        "lecturer": "Lecturer", "date": "Date", "declaration": "Declaration",
        "version": "Version {} of the book and of the package rnn_lit",
        "licence": "Text and figures: CC BY 4.0. Code: MIT.",
    },
    "vi": {
        "task": "Yêu cầu 1: Thuật toán tìm phương trình dự báo theo chuỗi thời gian và đánh giá "
                "độ phức tạp thuật toán này",
        "author": "Người thực hiện", "student_number": "Mã số sinh viên", "course": "Môn học",
        "lecturer": "Giảng viên", "date": "Ngày nộp", "declaration": "Lời cam đoan",
        "version": "Phiên bản {} của cuốn sách và của gói rnn_lit",
        "licence": "Văn bản và hình: CC BY 4.0. Mã nguồn: MIT.",
    },
}  # fmt: skip
#: What the book's title page says of its words "folded cell".
FOLDED = (
    "Cells that are folded on the book's pages are not printed here. Their code is in the "
    "notebooks of the chapters; where a line names a file, it is that file of the package."
)
#: Polyglossia's name of a language, with its words for figures and tables.
LANGUAGES = {"vi": ("vietnamese", "Hình~", "Bảng~")}
#: Programs, and TeX's files of the packages below: what is asked for, and where it comes from.
PROGRAMS = {"xelatex": "texlive-xetex", "kpsewhich": "texlive-binaries"}
FILES = {
    "polyglossia.sty": "texlive-xetex", "newunicodechar.sty": "texlive-latex-extra",
    "adjustbox.sty": "texlive-latex-extra", "gloss-vietnamese.ldf": "texlive-latex-recommended",
    "tabulary.sty": "texlive-latex-extra", "lmroman10-regular.otf": "lmodern",
}  # fmt: skip
PACKAGES = re.sub(
    r"#.*", "", (ROOT / ".ci" / "tex-packages").read_text(encoding="utf-8")
).split()  # fmt: skip
DEJAVU = "DejaVuSansMono.ttf"
#: Letters that all fonts have, and those of Vietnamese, which code alone may lack.
PLAIN = re.compile(r"[\x00-\u017f\u2010-\u201f\u2026\u2060\u20ab\u2212]")
VIETNAMESE = re.compile(r"[\u01a0\u01a1\u01af\u01b0\u1e00-\u1eff]")


# What is there.


def missing(which=shutil.which, run=None):
    """What the machine lacks, in words."""
    found = [f"{name} ({package})" for name, package in PROGRAMS.items() if not which(name)]
    if found:
        return found
    run = run or _told
    for name, package in FILES.items():
        if not run("kpsewhich", name):
            found.append(f"{name} ({package})")
    if DEJAVU not in run("fc-list", ":", "file") and not run("kpsewhich", DEJAVU):
        found.append(f"{DEJAVU} (fonts-dejavu-core)")
    return found


def _told(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


# The title page.


def fields(path=COVER):
    """What is filled in: {field: text, empty for a line to fill in}; a field may be left out."""
    try:
        read = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise BookError(f"{path} cannot be read: {error}") from None
    if not isinstance(read, dict) or set(read) - set(FIELDS):
        raise BookError(f"{path} may name {', '.join(FIELDS)}, each with a text, and nothing else")
    for name, value in read.items():
        if isinstance(value, (dict, list)):
            raise BookError(f"{path}: {name} should be a text on one line, and is {value!r}")
    return {name: " ".join(str(read[name] or "").split()) for name in FIELDS if name in read}


def version(path=ROOT / "CITATION.cff"):
    """The version that the book is cited by."""
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["version"])


def cover(title, filled, language):
    """The title page of a write-up, as LaTeX."""
    words, rows = WORDS[language], []
    for name, value in filled.items():
        said = tex(value) if value else r"\coverline"
        rows.append(f"\\coverfield{{{tex(words[name])}}}{{{said}}}")
    table = ""
    if rows:
        table = (
            "\\begin{tabular}{@{}l>{\\raggedright\\arraybackslash}p{9.5cm}@{}}\n"
            + "\n".join(rows) + "\n\\end{tabular}\\par\n"
        )  # fmt: skip
    return (
        "\\vspace*{.5cm}\\begin{center}\n"
        f"{{\\LARGE\\bfseries {tex(title)}\\par}}\\vspace{{1.5ex}}\n"
        f"\\parbox{{.8\\linewidth}}{{\\centering\\large {tex(words['task'])}}}\\par\n"
        f"\\vspace{{4ex}}{table}"
        f"\\vspace{{2ex}}{{\\small {tex(words['version'].format(version()))}\\\\\n"
        f"{tex(words['licence'])}\\par}}\n\\end{{center}}\n"
    )


def book_cover(title, day):
    """The title page of the book."""
    words = WORDS["en"]
    return (
        "\\renewcommand{\\contentsname}{Contents}%\n"  # Sphinx takes the first part's name
        "\\begin{titlepage}\\centering\\vspace*{5cm}\n"
        f"{{\\Huge\\bfseries {tex(title)}\\par}}\\vspace{{2cm}}\n"
        f"{{\\large {tex(words['version'].format(version()))}\\par}}\\vspace{{1ex}}\n"
        f"{tex(day)}\\par\\vfill {{\\small {tex(FOLDED)}\\par}}\\vspace{{2ex}}\n"
        f"{tex(words['licence'])}\\par\n\\end{{titlepage}}\n"
    )


def tex(text):
    """A text with the letters that mean something to TeX made harmless."""
    init()
    return escape(text, "xelatex")


# What goes beside each document.


def letters(source):
    """For each letter that the text's fonts may lack, where else it is to be had."""
    code = "".join(re.findall(r"(?s)\\begin\{sphinxVerbatim\}.*?\\end\{sphinxVerbatim\}", source))
    kept = {one for one in source if VIETNAMESE.match(one) and one not in code}
    found = sorted(
        {one for one in source if not PLAIN.match(one) and one.isprintable()} - kept
    )  # fmt: skip
    return "".join(f"\\newunicodechar{{{one}}}{{\\fallback{{{ord(one):04X}}}}}\n" for one in found)


def language_setup(language):
    """For a document in another language: what its preamble says, and what its first page."""
    if language not in LANGUAGES:
        return "", ""
    name, figure, table = LANGUAGES[language]
    return f"\\setotherlanguage{{{name}}}\n", (
        f"\\selectlanguage{{{name}}}%\n"
        f"\\renewcommand{{\\figurename}}{{{figure}}}\\renewcommand{{\\tablename}}{{{table}}}%\n"
    )


# The log.


def faults(log):
    """What a log complains of that a reader would see."""
    found = []
    for line in log.splitlines():
        wide = re.match(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)", line)
        if wide and float(wide[1]) > WIDEST:
            found.append(line)
        elif "Missing character" in line or re.search(r"LaTeX Warning: .* undefined", line):
            found.append(line)
        elif line.startswith("! ") or "multiply defined" in line:
            found.append(line)
    return list(dict.fromkeys(found))


def again(log):
    """Does the log ask for another pass?"""
    return bool(re.search(r"Rerun to get|Rerun LaTeX|may have changed|No file .*\.toc", log))


# The whole.


def sphinx():
    """The pages as LaTeX, with a warning taken for an error."""
    command = [
        sys.executable, str(Path(sys.executable).parent / "jupyter-book"), "build", str(ROOT),
        "--builder", "latex", "--all", "-W", "-n", "--keep-going", "--quiet",
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise BookError("the pages could not be written as LaTeX")


def typeset(name):
    """Set one document, in as many passes as it asks for."""
    command = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    log = LATEX / f"{name}.log"
    # No styles of the user's, and a log whose lines are whole.
    told = {k: v for k, v in os.environ.items() if not k.startswith(("TEX", "BIBINPUTS"))}
    told |= {"max_print_line": "10000", "TEXMFHOME": str(LATEX / "texmf")}
    for kind in ("aux", "toc", "out"):  # a run that was stopped may have left half of one
        (LATEX / f"{name}.{kind}").unlink(missing_ok=True)
    for count in range(1, PASSES + 1):
        done = subprocess.run(command, cwd=LATEX, env=told, capture_output=True, check=False)
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        if done.returncode:
            end = "\n".join(text.splitlines()[-40:])
            raise BookError(f"XeLaTeX stopped in {name}.tex:\n{end}")
        if count >= 2 and not again(text):
            return text
    return text


def day():
    """The day of the last commit, or today: the same PDF for the same commit."""
    told = surroundings.git("log", "-1", "--format=%ct", folder=ROOT)
    seconds = told.stdout.decode().strip() if told and not told.returncode else ""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or seconds or time.time())
    os.environ.update(SOURCE_DATE_EPOCH=str(seconds), FORCE_SOURCE_DATE="1")
    return datetime.fromtimestamp(seconds, UTC)


def settings():
    """The project's title, its write-ups and their languages, from _config.yml."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    own = config["sphinx"]["config"]
    return config["title"], own["pdf_write_ups"], own["page_languages"]


def title_of(source):
    """The title of a document that Sphinx has written."""
    return re.search(r"^\\title\{(.*)\}$", source, re.MULTILINE)[1]


def prepare(filled):
    """Write what each document needs beside it; returns the documents' names."""
    title, write_ups, languages = settings()
    date, names = day(), ["book"]
    said = f"{date.day} {date:%B %Y}"
    (LATEX / "book.cover").write_text(book_cover(title, said), encoding="utf-8")
    for page in write_ups:
        name, language = page.rsplit("/", 1)[-1], languages.get(page, "en")
        if not (LATEX / f"{name}.tex").exists():
            raise BookError(f"Sphinx has not written {name}.tex: is {page} in _toc.yml?")
        source = (LATEX / f"{name}.tex").read_text(encoding="utf-8")
        # A paper has no frames that a figure could run into, so its figures may move.
        moving = source.replace(r"\begin{figure}[H]", r"\begin{figure}[!htbp]")
        (LATEX / f"{name}.tex").write_text(moving, encoding="utf-8")
        preamble, first = language_setup(language)
        head = first + cover("TITLE", filled, language).replace("TITLE", title_of(source))
        (LATEX / f"{name}.cover").write_text(head, encoding="utf-8")
        (LATEX / f"{name}.short").write_text("% no table of contents\n", encoding="utf-8")
        (LATEX / f"{name}.language").write_text(preamble, encoding="utf-8")
        names.append(name)
    for name in names:
        source = "".join(
            path.read_text(encoding="utf-8")
            for path in (LATEX / f"{name}.tex", LATEX / f"{name}.cover")
        )
        (LATEX / f"{name}.letters").write_text(letters(source), encoding="utf-8")
    return names


def pages(log):
    """How many pages a log counts."""
    found = re.search(r"Output written on [^(]*\((\d+)\s+pages", log)
    return int(found[1]) if found else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cover", type=Path, default=COVER, help="what the title page says")
    parser.add_argument("--only", metavar="NAME", help="set one document; none is written anew")
    options = parser.parse_args(arguments)
    try:
        filled = fields(options.cover)
        if lacking := missing():
            raise BookError(
                f"no PDF was made, since this is missing: {', '.join(lacking)}.\n"
                f"On Debian: apt-get install --no-install-recommends {' '.join(PACKAGES)}"
            )
        if not options.only:
            shutil.rmtree(PDF, ignore_errors=True)
            sphinx()
        names, told = prepare(filled), []
        PDF.mkdir(parents=True, exist_ok=True)
        for name in [options.only] if options.only else reversed(names):
            log = typeset(name)
            told += [f"{name}: {one}" for one in faults(log)]
            shutil.copyfile(LATEX / f"{name}.pdf", PDF / f"{name}.pdf")
            print(f"_build/pdf/{name}.pdf: {pages(log)} pages")
        if told:
            raise BookError("\n".join(told))
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
