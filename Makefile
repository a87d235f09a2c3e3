# The book and its package. `make` alone lists what there is.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: FORCE help venv book pdf test check tangle run lab lint size lock study decide trial bench times browser hostile perturb mutants \
    fuzz coverage coq zip alone translate vi clean

# A recipe's `cd` goes where it says. What else the user's machine sets, tools/python.sh takes away.
unexport CDPATH
PY := sh tools/python.sh
READY := .venv/.installed
PAGES := _build/.complete
SOURCES := _config.yml _toc.yml $(wildcard _build/pdf/*.pdf book/* book/*/* _ext/* _static/* _templates/* \
    src/rnn_lit/*.py src/rnn_lit/*/*)
SOURCES += CHANGELOG.md

help:
	@echo "make book     build the pages: _build/html/index.html"
	@echo "make pdf      the book and the write-up as PDFs: _build/pdf (XeLaTeX must be there; book/cover.yml,"
	@echo "                or COVER=FILE, fills the title page); then make book links to them"
	@echo "make test     the package's tests, and every notebook run and compared with its stored outputs"
	@echo "                (TESTS=tests/test_loss.py for some)"
	@echo "make check    lint, test, book, the built pages, and the browser's checks"
	@echo
	@echo "make tangle   chapters -> package: write src/rnn_lit from the exported cells"
	@echo "make run      execute the chapters in place (CHAPTERS=book/01-forward.ipynb for one)"
	@echo "make lab      open the chapters in JupyterLab"
	@echo "make zip      what a reader downloads: the chapters and the package, in _build/book.zip"
	@echo "make lint     style, names, types, package against chapters, workflows"
	@echo "make size     words and visible cells of every chapter, and the limits that are passed"
	@echo "make browser  the built pages in a browser: formulas, width, print, keyboard, search, accessibility"
	@echo "make links    do the addresses outside the book still answer? (needs the network)"
	@echo "make mutants  change every function of chapters 1-4 and 6, one thing at a time: does its chapter go red?"
	@echo "                (PACKAGE=1: the package's functions, and its tests instead; hours, goes on where it"
	@echo "                was stopped; SAMPLE=25 for so many of each module, MODULES=\"_line loss\" for some)"
	@echo "make fuzz     3000 fits with random settings to random series (half an hour at most; FITS=300 for fewer)"
	@echo "make coverage which lines and branches of the package its tests run (ten minutes)"
	@echo "make study    the study of all configurations that chapter 10 reads (half an hour)"
	@echo "make decide   what else chapter 10 reads: a line beside networks, the equation refitted (minutes)"
	@echo "make trial    the forecasts and the intervals that chapter 11 reads (an hour and a half)"
	@echo "make bench    rnn_lit beside other libraries (a quarter of an hour)"
	@echo "make coq      compile the proofs of the theorem in Coq, and plant faults in them"
	@echo "make alone    each chapter by itself, in a new environment with the package (a quarter of an hour)"
	@echo "make times    how long the book itself takes (a quarter of an hour)"
	@echo "make perturb  outputs that hang on the machine (half an hour; CHAPTERS=… FACTORS=… for a part)"
	@echo "make translate  the Vietnamese pages, from the English ones and the catalogues in book/locale"
	@echo "make vi       the whole book in Vietnamese, as far as it is translated: _build/vi/_build/html"
	@echo "make lock     renew requirements.txt from pyproject.toml"
	@echo "make hostile  the commands on machines with settings that break other projects (half an hour)"
	@echo "make venv     only the environment (PYTHON=… chooses the interpreter)"
	@echo "make clean    remove what was built; .venv stays"

venv: $(READY)
	@echo "the environment in .venv is ready ($$($(PY) --version))"

# Looked at each time, so that a broken environment is mended; its time moves when it was installed.
$(READY): FORCE
	@sh tools/venv.sh

book: $(PAGES)
	@echo "the book is in _build/html/index.html"

# All pages every time: a page that is not rebuilt would not repeat its warnings. The mark is
# made last, so that a build with a warning is not taken for a finished one.
$(PAGES): $(READY) $(SOURCES)
	@echo "building the pages"
	@rm -f $@
	$(PY) .venv/bin/jupyter-book build . --all -W -n --keep-going --quiet
	@touch $@

pdf: $(READY)
	$(PY) tools/pdf.py $(if $(COVER),--cover "$(COVER)")

test: $(READY)
	$(PY) -m pytest --nbval -n auto --dist loadfile -rfEs $(TESTS)

# One after the other, also under `make -j`: each prints its own closing line.
check: $(READY)
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory book
	$(PY) tools/check_html.py _build/html
	@$(MAKE) --no-print-directory browser

tangle: $(READY)
	$(PY) tools/tangle.py

run: $(READY)
	$(PY) tools/run.py $(CHAPTERS)

lab: $(READY)
	@$(PY) -c "import jupyterlab, jupyterlab_myst" 2>/dev/null || \
	    .venv/bin/python -I tools/surroundings.py --pip .venv/bin/python -m pip install --quiet -e ".[lab]"
	.venv/bin/python -m jupyterlab book  # with the reader's own settings

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) tools/tangle.py --check
	$(PY) tools/translate.py --check
	$(PY) -m mypy
	@sh tools/lint_workflows.sh

size: $(READY)
	$(PY) tools/size.py

browser: $(PAGES)
	@sh tests/browser/run.sh _build/html

.PHONY: links
links: $(PAGES)
	$(PY) tools/links.py _build/html

study: $(READY)
	$(PY) tools/study.py

decide: $(READY)
	$(PY) tools/decide.py

# The first keeps each finished score, so a run that was stopped goes on.
trial: $(READY)
	$(PY) tools/trial.py test --record
	$(PY) tools/interval_trial.py

# Half an hour at most on two cores for the chapters, hours for the package; no part of `make test`.
mutants: $(READY)
	$(if $(PACKAGE),$(PY) -m pytest -q -m heavy tests/test_mutants_package.py)
	$(PY) tools/mutants.py $(if $(PACKAGE),--package $(MODULES) $(if $(SAMPLE),--sample $(SAMPLE)))

# Half an hour at most as well; it stops by itself.
fuzz: $(READY)
	$(PY) tools/fuzz.py $(if $(FITS),--fits $(FITS))

# The tests of the package and the tools, in processes that are all measured, and no notebook.
coverage: $(READY)
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -q -n auto --dist loadfile tests
	$(PY) -m coverage combine -q
	$(PY) -m coverage report

# These install packages, so they keep the user's settings of pip.
bench: $(READY)
	.venv/bin/python benchmarks/run.py

times: $(READY)
	.venv/bin/python benchmarks/book_times.py

alone: $(READY)
	.venv/bin/python tools/alone.py $(CHAPTERS)

hostile: $(READY)
	.venv/bin/python tools/hostile.py

perturb: $(READY)
	$(PY) tools/perturb.py --factors "$(FACTORS)" $(CHAPTERS)

coq: $(READY)
	$(PY) tools/coq.py

zip: $(READY)
	$(PY) tools/bundle.py

translate: $(READY)
	$(PY) tools/translate.py

vi: $(READY)
	@rm -rf _build/vi
	$(PY) tools/translate.py --edition _build/vi/source
	$(PY) .venv/bin/jupyter-book build _build/vi/source --path-output _build/vi --all -W -n \
	    --keep-going --quiet
	@echo "the Vietnamese edition is in _build/vi/_build/html/index.html"

lock:
	@sh tools/lock.sh

clean:
	rm -rf _build build src/*.egg-info .pytest_cache .ruff_cache .mypy_cache tests/browser/node_modules
