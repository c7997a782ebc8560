# Everything is installed in .venv, which the standard library's venv and pip create here.
# Empty files in it (base, test, docs, …) record which packages it contains; make installs them again
# after a change of pyproject.toml or constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint format slow ray mlflow browser lesson examples docs package bench clean

demo: $(VENV)/base
	$(BIN)/backhand train examples/penguins.csv --target species --output penguins.safetensors

# Many tests start Python: compiled bytecode has to be kept, even where the environment says otherwise.
test: $(VENV)/test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --no-warn-unreachable --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --no-warn-unreachable --cache-dir .mypy_cache/darwin

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

slow: $(VENV)/test
	$(BIN)/python -m pytest -m slow

# Workers on a Ray cluster of three nodes, which is started on this machine.
ray: $(VENV)/ray
	$(BIN)/python -m pytest -m ray

# The callback, its example and scikit-learn's autologging, with MLflow itself and a database in a file.
mlflow: $(VENV)/mlflow
	$(BIN)/python -m pytest -m "slow or not slow" -k "mlflow or MLflow" tests/training/test_curves.py \
	  tests/estimator/test_ecosystem.py tests/test_doctests.py

# Pages and widgets in Debian's Chromium, JupyterLab and marimo; tests skip what is not there.
browser: $(VENV)/browser
	$(BIN)/python -m pytest -m slow tests/explanation tests/slow/test_explain_page.py tests/slow/test_notebooks.py

# The notebook of the lesson, and the same as a page to read: build/lesson.html.
lesson: $(VENV)/browser
	@mkdir -p build
	@echo "Running the notebook (about half a minute)"
	$(BIN)/python examples/lesson/make.py
	$(BIN)/python examples/lesson/build.py build/lesson.html

# Every script of examples/gallery, examples/many_machines.py, and every run.py of a folder in examples.
examples: $(VENV)/examples
	$(BIN)/python examples/run_all.py

# The documentation site: build/site/index.html. Warnings are errors; broken links within the site, and what
# a page would load from another host, are looked for at the end.
docs: $(VENV)/docs
	$(BIN)/python -m sphinx -b html -W --keep-going -n -q -d build/doctrees docs build/site
	$(BIN)/python docs/check_site.py build/site

# Builds wheel and sdist in build/dist, and checks them, the metadata and the workflows. Nothing is downloaded once
# $(VENV)/release is set up. actionlint is not among the packages, since its package downloads a program.
WORKFLOWS = $(wildcard .github/workflows/*.yml)
SCHEMA = $(BIN)/check-jsonschema --builtin-schema vendor
package: $(VENV)/release
	rm -rf build/dist
	$(BIN)/python -m build --no-isolation --outdir build/dist .
	$(BIN)/twine check --strict build/dist/*
	$(BIN)/check-wheel-contents build/dist/*.whl
	@echo "pyroma, but for the authors' address: there is none, issues and reports are made in the repository"
	$(BIN)/pyroma --min 10 --skip-tests AuthorEmail .
	$(BIN)/repo-review .
	$(SCHEMA).citation-file-format CITATION.cff
	test -z "$(WORKFLOWS)" || $(SCHEMA).github-workflows $(WORKFLOWS)
	test -z "$(WORKFLOWS)" || $(SCHEMA).dependabot .github/dependabot.yml
	test -z "$(WORKFLOWS)" || $(BIN)/zizmor --offline --persona pedantic .github
	$(BIN)/prek validate-config .pre-commit-config.yaml
	if command -v actionlint; then actionlint; else echo "actionlint is not installed: skipped"; fi

# Takes three quarters of an hour on two idle cores; prints tables, and writes every figure to build/, from
# which docs/performance/fill.py and draw.py renew docs/performance.md. A machine with one core has no
# steps-two.json.
DATA ?= ../shared/data
BENCHMARK = $(BIN)/python benchmarks
bench: $(VENV)/bench
	@mkdir -p build
	$(BENCHMARK)/steps.py --threads 1 --json build/steps.json
	-$(BENCHMARK)/steps.py --threads 2 --json build/steps-two.json
	$(BENCHMARK)/steps.py --threads 1 --precision bf16 --json build/steps-bf16.json
	$(BENCHMARK)/bf16.py --json build/bf16.json
	$(BENCHMARK)/parts.py --json build/parts.json
	$(BENCHMARK)/parts.py --precision bf16 --json build/parts-bf16.json
	$(BENCHMARK)/scaling.py --json build/scaling.json
	$(BENCHMARK)/predictions.py --json build/predictions.json
	$(BENCHMARK)/small_calls.py --json build/small_calls.json
	$(BENCHMARK)/predict_command.py build --json build/predict_command.json
	test ! -e $(DATA)/mnist_train.parquet || $(BENCHMARK)/precision.py --data $(DATA) --json build/precision.json
	$(BENCHMARK)/jobs.py --data $(DATA) --json build/jobs.json

clean:
	rm -rf $(VENV) build docs/gallery docs/reference/api docs/lesson-notebook.ipynb .mypy_cache .pytest_cache .ruff_cache .hypothesis penguins.safetensors penguins.py penguins.onnx

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Backhand needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (first run only, about a minute)"
	$(PIP) --editable '.[fast,tables]'
	@touch $@

$(VENV)/test: $(VENV)/base
	@echo "Installing the test dependencies, including PyTorch (first run only; docs/installation.md says how to avoid its CUDA build)"
	$(PIP) --editable '.[test,lint]'
	@touch $@

$(VENV)/ray: $(VENV)/test
	@echo "Installing Ray (first run only)"
	$(PIP) --editable '.[ray]'
	@touch $@

$(VENV)/mlflow: $(VENV)/test
	@echo "Installing MLflow without its server (first run only)"
	$(PIP) --editable '.[mlflow]' alembic sqlalchemy
	@touch $@

$(VENV)/browser: $(VENV)/test
	@echo "Installing what drives a browser, JupyterLab and marimo (first run only)"
	$(PIP) --editable '.[browser]'
	@touch $@

$(VENV)/examples: $(VENV)/base
	@echo "Installing what the examples use, including PyTorch and Ray (first run only; docs/installation.md says how to avoid the CUDA build)"
	$(PIP) --editable '.[examples,ray]'
	@touch $@

$(VENV)/docs: $(VENV)/base
	@echo "Installing Sphinx and what the examples need (first run only)"
	$(PIP) --editable '.[docs]'
	@touch $@

$(VENV)/release: $(VENV)/base
	@echo "Installing what builds and checks a release (first run only)"
	$(PIP) --editable '.[release]'
	@touch $@

$(VENV)/bench: $(VENV)/base
	@echo "Installing the libraries to compare with, PyTorch and JAX (first run only; docs/installation.md says how to avoid the CUDA build)"
	$(PIP) --editable '.[bench]'
	@touch $@
