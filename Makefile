# Two commands matter: `make run` (set up, then run the Romanian scenario) and `make test` (set up, then test).
# Works with BSD make, GNU make 3.81 and later. ARGS passes options on: make run ARGS="--policy random".

PYTHON ?= python3
VENV ?= .venv
CONFIG ?= configs/romania.yaml
ARGS ?=
BIN = $(VENV)/bin

help:
	@echo "make run     set up and run $(CONFIG) (ARGS=... passes options)"
	@echo "make test    set up and run the tests, side by side on up to 4 cores"
	@echo "make lint    formatting, lint, types, import layers"
	@echo "make bench   throughput of one world"
	@echo "make validate  measure everything of docs/validation.md anew, and make the page"
	@echo "make clean   remove the virtual environment and caches (results in runs/ stay)"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "no virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $(VENV)/.installed

$(VENV)/.installed-test: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(VENV)/.installed-test

$(VENV)/.installed-dev: $(VENV)/.installed-test
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.installed-dev

run: $(VENV)/.installed
	@$(BIN)/python -m recsim run $(CONFIG) $(ARGS)

test: $(VENV)/.installed-test
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed
	@$(BIN)/python benchmarks/throughput.py $(ARGS)

validate: $(VENV)/.installed
	@$(BIN)/python -m experiments.validation $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run test lint bench validate clean
