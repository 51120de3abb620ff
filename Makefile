# make run: start the dashboard. make test: run every test; make test-fast: those of daily work.
# make fuzz: run the property tests with many new examples. make lint: check style and types.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-fast fuzz lint benchmark

run: $(VENV)/.run-requirements
	$(BIN)/python -m medrecog_core dashboard

test: $(VENV)/.dev-requirements
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder

test-fast: $(VENV)/.dev-requirements
	$(BIN)/python -m pytest -m "not slow and not browser" --numprocesses=2 --dist=loadfile

fuzz: $(VENV)/.dev-requirements
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz --timeout=1800

lint: $(VENV)/.dev-requirements
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(VENV)/.run-requirements
	$(BIN)/python benchmarks/extraction.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "medrecog needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-requirements: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.dev-requirements: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/.run-requirements
