# Everything needs only Python 3.11 or newer; the rest comes from package registries.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8080
# Each process that tests has a Neo4j server of its own; where one is given, they would be in each other's way.
JOBS ?= $(if $(NEO4J_TEST_URI),0,auto)

PAGES := knockon/server/static/pages.css
WEB := $(wildcard web/*.*)

.PHONY: help install install-dev pages demo test laws lint fuzz bench clean

help:
	@echo "make demo    set up, load the sample estate, serve it on this machine (PORT=8080)"
	@echo "make test    set up and run all tests, with a real Neo4j server"
	@echo "make laws    hours: the laws of the impact engine and of the model, at 5,000 random examples each instead of 300"
	@echo "make lint    formatting, types, layers"
	@echo "make pages   the pages for a browser, which demo and test build too"
	@echo "make fuzz    an hour of random requests and queries against running services on both stores"
	@echo "make bench   the benchmarks"

install: .venv/installed $(PAGES)
install-dev: .venv/installed-dev web/node_modules/with-tools
pages: $(PAGES)

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

# libraries for browsers come from npm, which the machine has or a package brings; they are not in git
$(PAGES): $(WEB) | .venv/installed
	@echo "== Building the pages for a browser: fetching their libraries (some 15 MB)"
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --constraint constraints.txt --group pages
	@$(BIN)/python web/build.py

web/node_modules/with-tools: $(WEB) | .venv/installed-dev
	@echo "== Building the pages for a browser, and fetching what their tests need (some 90 MB, with a browser)"
	@$(BIN)/python web/build.py --tools
	@touch $@

demo: .venv/installed $(PAGES)
	@$(BIN)/knockon demo --port $(PORT)

lint: .venv/installed-dev
	@echo "== Checking format, rules, types and layers"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint web/node_modules/with-tools
	@echo "== Running all tests (the Neo4j ones start real servers; the first time one is fetched)"
	@$(BIN)/pytest -n $(JOBS) --maxprocesses 4 --dist worksteal

laws: .venv/installed-dev
	@$(BIN)/pytest -n $(JOBS) --maxprocesses 4 --dist worksteal --hypothesis-profile=thorough tests/impact tests/schema

fuzz: install-dev
	@KNOCKON_FUZZ=50 $(BIN)/pytest -p no:xdist tests/conformance/test_fuzz.py

bench: .venv/installed-dev
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	@for each in benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

clean:
	rm -rf .venv build dist web/node_modules knockon/server/static
