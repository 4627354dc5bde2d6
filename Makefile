# Two commands: `make demo` and `make test`. Each makes the virtual environment it needs; both can be run again and again.
PYTHON ?= python3
VENV ?= .venv
PHOTOS ?=
export PHOTOS
COLAB_VENV ?= .venv-colab
LAB3_VENV ?= .venv-lab3
# Tests run side by side, those of a file in one process; kept bytecode spares the processes they start compiling.
PYTEST = -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-colab test-lab3 environments lint screenshots clean

help:
	@echo "make demo                 duplicates, outliers, clusters and quality of sample pictures, as a notebook and a report"
	@echo "make demo PHOTOS=folder   the same of your own pictures"
	@echo "make test                 lint, types, import contracts, tests, notebooks"
	@echo "make test-lab3            the live gallery and map in JupyterLab 3 with ipywidgets 7"
	@echo "make screenshots          every view, light and dark, into build/screenshots, and the README's pictures"

# One environment for users and one for developers, each up to date when its stamp is newer than pyproject.toml.
$(VENV)/demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fastdup_nb needs Python 3.11 or newer; set PYTHON=python3.12, for example")'
	@echo "Making the environment and installing (a few minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[sample]' ipykernel jupyterlab nbclient nbformat
	@touch $@

$(VENV)/dev: $(VENV)/demo
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/demo
	@$(VENV)/bin/python tools/demo.py

test: $(VENV)/dev lint
	$(VENV)/bin/python $(PYTEST)

lint: $(VENV)/dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

screenshots: $(VENV)/dev
	$(VENV)/bin/python -m tools.screenshots

# The same tests on the versions that Google Colab has installed (those with wheels for this Python).
$(COLAB_VENV)/colab: pyproject.toml tests/colab-constraints.txt
	@$(PYTHON) -m venv $(COLAB_VENV)
	@$(COLAB_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/colab-constraints.txt -e '.[test]'
	@touch $@

test-colab: $(COLAB_VENV)/colab
	$(COLAB_VENV)/bin/python $(PYTEST) -m 'not browser'

environments: $(VENV)/dev $(COLAB_VENV)/colab

# The live gallery in JupyterLab 3 with ipywidgets 7, in the browser.
$(LAB3_VENV)/lab3: pyproject.toml tests/lab3-constraints.txt
	@$(PYTHON) -m venv $(LAB3_VENV)
	@$(LAB3_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/lab3-constraints.txt -e '.[test]' \
		axe-playwright-python jupyterlab playwright
	@touch $@

test-lab3: $(LAB3_VENV)/lab3
	$(LAB3_VENV)/bin/python -m pytest tests/test_lab_gallery.py tests/test_lab_map.py

clean:
	rm -rf $(VENV) $(COLAB_VENV) $(LAB3_VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
