# Each target makes the environment it needs: .venv, filled from requirements.lock.
# Written for GNU make 3.81 and newer (3.81 is the one macOS has).

VENV  := .venv
PY    := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Another Python for a new .venv: make book PYTHON=/path/to/python3.12
PYTHON     ?=
# More words for the programs: make test TESTFLAGS='-k kernel', make lab LABFLAGS=--no-browser
TESTFLAGS  ?=
LABFLAGS   ?=
BENCH      ?=

# These hold whatever a person typed. $(value) keeps make, and the quoted environment
# variable keeps the shell, from expanding or executing any of it.
override CHAPTER := $(value CHAPTER)
override PARAMS  := $(value PARAMS)
override PYTHON  := $(value PYTHON)
override STUDY   := $(value STUDY)
export CHAPTER PARAMS PYTHON STUDY

# The Pythons that pyproject.toml takes
SUPPORTED := import re, sys; wanted = re.search("requires-python.*", open("pyproject.toml").read()); \
    low, high = [(int(a), int(b)) for a, b in re.findall("([0-9]+)[.]([0-9]+)", wanted.group())]; \
    sys.exit(not low <= sys.version_info < high)
# Companions that torch pins for itself; left out, so that a CPU-only torch stays that.
TORCH_COMPANIONS := ^(nvidia-|cuda-|triton=)

# A double click on a .py opens it as a notebook, in this environment's JupyterLab only.
LAB_SETTINGS := $(VENV)/share/jupyter/lab/settings
DOUBLE_CLICK := {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"python": "Jupytext Notebook"}}}

# What pip would do on one core; a package's templates and tests for other Pythons may fail.
COMPILE := import compileall, sysconfig; \
    compileall.compile_dir(sysconfig.get_path("purelib"), quiet=2, workers=0)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book pdf test chapter lab paper data bench peers lint lock clean distclean named venv

help:  ## list the targets
	@echo 'Usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

book: $(STAMP)  ## execute what changed, build the site, print its path
	@$(PY) -m smoothrelu book

pdf: book  ## the whole book as _build/book.pdf (needs Chromium or Chrome)
	@$(PY) -m smoothrelu pdf

test: $(STAMP)  ## run the tests (TESTFLAGS='-k kernel' picks some)
	@OMP_NUM_THREADS="$${OMP_NUM_THREADS:-1}" $(PY) -m pytest --numprocesses=auto --maxprocesses=4 \
	    --tb=short --durations=10 \
	    --junitxml=.pytest_cache/report.xml $(TESTFLAGS)

chapter: named $(STAMP)  ## one chapter anew: CHAPTER=02_initialization PARAMS='temperatures=[0.3]; seeds=[0]'
	@$(PY) -m smoothrelu chapter --params="$$PARAMS" -- "$$CHAPTER"

lab: $(STAMP)  ## open the notebooks in JupyterLab, paired by jupytext (the .py is what git keeps)
	@mkdir -p $(LAB_SETTINGS)
	@echo '$(DOUBLE_CLICK)' > $(LAB_SETTINGS)/overrides.json
	@SMOOTHRELU_STORE="$(CURDIR)/data/runs" $(PY) -m jupyterlab $(LABFLAGS)

paper: $(STAMP)  ## compute the committed tables of the long runs anew, hours: STUDY='mnist_warm ntk_mnist' picks some
	@SMOOTHRELU_STORE="$(CURDIR)/data/runs" $(PY) -m smoothrelu studies run $$STUDY

data: $(STAMP)  ## fetch the full MNIST and CIFAR-10 into data/full, every file checked
	@$(PY) -m smoothrelu data

bench: $(STAMP) peers  ## our work beside its peers, half an hour on a quiet machine (BENCH='step eager' picks some)
	@$(PY) -m smoothrelu bench $(BENCH)

peers: .peers/.installed  ## an environment for neural-tangents and JAX (Python 3.11; 2.6 GB)

.peers/.installed:
	@rm -rf .peers
	@python3.11 -m venv .peers || { echo 'neural-tangents needs Python 3.11 as python3.11' >&2; exit 1; }
	@.peers/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["peers"], sep="\n")' > .peers/wanted.txt
	@.peers/bin/pip install --disable-pip-version-check -r .peers/wanted.txt
	@touch $@

lint: $(STAMP)  ## check the style with ruff
	@$(PY) -m ruff check --output-format=concise .

lock: $(STAMP)  ## write requirements.lock anew, keeping versions (LOCKFLAGS=--upgrade raises them)
	@$(PY) -m pip install --quiet uv
	@cp requirements.lock .lock.pins
	@$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 \
	    --extra book --extra test --extra lab --annotation-style line --quiet --no-header \
	    $(LOCKFLAGS) --output-file .lock.pins >/dev/null
	@{ sed -n '/^#/p;/^#/!q' requirements.lock; grep -Ev '$(TORCH_COMPANIONS)' .lock.pins; } > .lock.new
	@cmp -s .lock.new requirements.lock || cp .lock.new requirements.lock; rm -f .lock.new .lock.pins

clean:  ## remove what was built; data/ keeps what was computed or fetched
	rm -rf _build book/chapters .snakemake .pytest_cache .ruff_cache .hypothesis

distclean: clean  ## remove the environment too
	rm -rf $(VENV) .peers _pairs smoothrelu.egg-info build

named:
	@if [ -z "$$CHAPTER" ]; then \
	    echo "Which chapter? Example: make chapter CHAPTER=02_initialization PARAMS='temperatures=[0.3]'"; \
	    echo 'Chapters:'; for f in notebooks/[0-9]*.py; do echo "  $$(basename "$$f" .py)"; done; \
	    exit 2; \
	fi >&2

# The stamp is last, so an interrupted install is taken up again by the next command.
$(STAMP): requirements.lock pyproject.toml | venv
	@rm -f $@
	@echo "Installing requirements.lock into $(VENV) (once; torch is the large part) ..."
	@$(PY) -m pip install --disable-pip-version-check --no-compile -r requirements.lock
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@$(PY) -m pip check
	@$(PY) -c '$(COMPILE)'
	@touch $@

# Runs every time (it costs a bare start of Python): .venv may have lost its Python since.
venv:
	@if [ ! -e $(VENV) ]; then \
	    for p in "$${PYTHON:-python3}" $${PYTHON:+""} python3.13 python3.12 python3.11 python; do \
	        [ -n "$$p" ] || break; \
	        "$$p" -c '$(SUPPORTED)' 2>/dev/null && { found=$$p; break; }; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No Python 3.11, 3.12 or 3.13 found$${PYTHON:+ as \"$$PYTHON\"}."; \
	        echo 'Install one, or name it: make book PYTHON=/path/to/python3.12'; exit 1; \
	    fi >&2; \
	    echo "Creating $(VENV) with $$("$$found" --version) ..."; \
	    "$$found" -m venv $(VENV) || { rm -rf $(VENV); \
	        echo 'Python could not make a virtual environment. On Debian and Ubuntu:' \
	             'apt install python3-venv' >&2; exit 1; }; \
	fi
	@$(PY) -S -c '$(SUPPORTED)' || { \
	    echo '$(PY) is broken or is not Python 3.11, 3.12 or 3.13.'; \
	    echo 'Remedy: make distclean, then the same command again.'; exit 1; } >&2
	@[ -e $(STAMP) ] || $(PY) -c 'import pip' 2>/dev/null || $(PY) -m ensurepip
