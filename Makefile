# Everything needs only Python 3.11 or newer; the rest comes from package registries.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8080
# Each process that tests has a Neo4j server of its own; where one is given, they would be in each other's way.
JOBS ?= $(if $(NEO4J_TEST_URI),0,auto)

.PHONY: help install install-dev demo test lint bench clean

help:
	@echo "make demo    set up, load the sample estate, serve it on this machine (PORT=8080)"
	@echo "make test    set up and run all tests, with a real Neo4j server"
	@echo "make lint    formatting, types, layers"
	@echo "make bench   the benchmarks"

install: .venv/installed
install-dev: .venv/installed-dev

.venv/installed: pyproject.toml constraints.txt
	@echo "== Setting up .venv: fetching knockon's dependencies (some 150 MB the first time)"
	@$(PYTHON) -c 'import sys; sys.exit("knockon needs Python 3.11 or newer; set PYTHON=...") if sys.version_info < (3, 11) else 0'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "== Setting up .venv: fetching the tools that the tests need"
	@$(BIN)/python -m pip install --constraint constraints.txt --editable . --group dev
	@touch $@

demo: .venv/installed
	@$(BIN)/knockon demo --port $(PORT)

lint: .venv/installed-dev
	@echo "== Checking format, rules, types and layers"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint
	@echo "== Running all tests (the Neo4j ones start real servers; the first time one is fetched)"
	@$(BIN)/pytest -n $(JOBS) --maxprocesses 4 --dist worksteal

bench: .venv/installed-dev
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	@for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

clean:
	rm -rf .venv build dist
