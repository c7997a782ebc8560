# Everything happens in .venv, made here with the standard library's venv and pip.
# The stamps say which set of packages it holds; a change of the project's metadata renews them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint format slow bench clean

demo: $(VENV)/base
	$(BIN)/backhand train examples/penguins.csv --target species --output penguins.safetensors

test: $(VENV)/test
	$(BIN)/python -m pytest --numprocesses 2

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

slow: $(VENV)/test
	$(BIN)/python -m pytest -m slow

# Half an hour; tables on the terminal, every figure in build/.
bench: $(VENV)/bench
	@mkdir -p build
	$(BIN)/python benchmarks/steps.py --json build/steps.json
	$(BIN)/python benchmarks/jobs.py --json build/jobs.json

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis penguins.safetensors penguins.py penguins.onnx

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Backhand needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once, about a minute)"
	$(PIP) --editable '.[fast,tables]'
	@touch $@

$(VENV)/test: $(VENV)/base
	@echo "Adding what the tests need, torch among it (once, one to two minutes)"
	$(PIP) --editable '.[test,lint]'
	@touch $@

$(VENV)/bench: $(VENV)/base
	@echo "Adding the libraries to compare with, torch and JAX (once, one to two minutes)"
	$(PIP) --editable '.[bench]'
	@touch $@
