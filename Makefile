# Two commands matter: `make run` (set up, then run the Romanian scenario) and `make test` (set up, then test).
# Works with BSD make, GNU make 3.81 and later. ARGS passes options on: make run ARGS="--policy random".

PYTHON ?= python3
VENV ?= .venv
TRECS_VENV ?= .venv-trecs
CONFIG ?= configs/romania.yaml
ARGS ?=
BIN = $(VENV)/bin

help:
	@echo "make run     set up and run $(CONFIG) (ARGS=... passes options)"
	@echo "make test    set up and run the tests, side by side on up to 4 cores"
	@echo "make test-slow  the tests that kill, soak or build large worlds, and properties on new examples; some minutes more"
	@echo "make lint    formatting, lint, types, import layers"
	@echo "make bench   all speed claims in one table, under ten minutes (ARGS=--quick: two; ARGS='--out docs' keeps it)"
	@echo "make bench-peers  the same with t-recs, in an environment of its own ($(TRECS_VENV))"
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

test-slow: $(VENV)/.installed-test
	@HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "slow or hypothesis" $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed
	@TRECS_PYTHON=$(TRECS_VENV)/bin/python $(BIN)/python -m benchmarks $(ARGS)

# t-recs needs an older NumPy. If it cannot be had, its rows say so and everything else is measured all the same.
bench-peers: $(VENV)/.installed
	@test -e $(TRECS_VENV)/.installed || { $(PYTHON) -m venv $(TRECS_VENV) \
	  && $(TRECS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers/requirements-trecs.txt \
	  && $(TRECS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps trecs==0.2.1 \
	  && touch $(TRECS_VENV)/.installed; } || echo "t-recs could not be installed; its rows will say so"
	@$(MAKE) bench

validate: $(VENV)/.installed
	@$(BIN)/python -m experiments.validation $(ARGS)

clean:
	rm -rf $(VENV) $(TRECS_VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run test test-slow lint bench bench-peers validate clean
