# everytoken: `make demo` shows it, `make test` proves it. Both set up all they need.
# Talk goes to stderr, so that `make demo ARGS="--exit --json" > out.json` holds the JSON alone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PAGE   := src/everytoken/server/static/index.html
UI_SRC := $(shell find ui -type f -not -path 'ui/node_modules/*' 2>/dev/null)

# The tests start some 300 Python processes: libraries that each of them compiled anew would be a third of the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help programs setup demo serve test e2e lint types format ui ui-test crash fuzz bench lock screens docs clean
.SILENT:

help: ## list the commands
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/uv:
	echo "· making $(VENV)" >&2
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: needs Python 3.11 or newer as '$(PYTHON)'. hint: make PYTHON=/path/to/python3.11 …" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) >&2 \
	  || { echo "make: could not make $(VENV). hint: is the venv module installed (Debian: apt install python3-venv) and this folder writable?" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv >&2 \
	  || { echo "make: could not install packages. hint: is a package index reachable from this machine?" >&2; exit 2; }

$(VENV)/.demo: $(BIN)/uv requirements/demo.lock pyproject.toml apps/eco2/pyproject.toml
	echo "· installing Python packages" >&2
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements/demo.lock >&2
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e . -e apps/eco2 >&2
	touch $@

$(VENV)/.dev: $(VENV)/.demo requirements/dev.lock
	echo "· installing development packages" >&2
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements/dev.lock >&2
	touch $@

ui/node_modules/.package-lock.json: ui/package-lock.json
	node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null \
	  || { echo "make: needs Node 20 or newer to build the page. hint: https://nodejs.org, or your system's package 'nodejs'" >&2; exit 2; }
	echo "· installing the page's packages" >&2
	cd ui && npm ci --no-audit --no-fund --loglevel=error >&2

$(PAGE): ui/node_modules/.package-lock.json $(UI_SRC)
	echo "· building the page" >&2
	cd ui && npm run --silent build >&2
	touch $@

ui: $(PAGE) ## build the page into the package

setup: $(VENV)/.dev $(PAGE) ## make .venv and install all that development needs

demo: $(VENV)/.demo $(PAGE) ## start everytoken and run the Eco² agent; ARGS="--exit --json" for one JSON object
	$(BIN)/everytoken demo $(ARGS)

serve: $(VENV)/.demo $(PAGE) ## start everytoken on http://127.0.0.1:8700
	$(BIN)/everytoken serve $(ARGS)

programs: ## Chromium, PostgreSQL and Prometheus, which the tests talk to
	sh tests/programs.sh

lint: $(VENV)/.dev ## ruff, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

types: $(VENV)/.dev ## strict types over src, apps and tests
	$(BIN)/mypy

format: $(VENV)/.dev ## rewrite to the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

ui-test: ui/node_modules/.package-lock.json ## lint, types and unit tests of the page
	cd ui && npm run --silent lint && npm test --silent

test: programs setup lint types ui-test ## everything: lint, types, unit, store, end-to-end and browser tests; ARGS="-k alerts" or a path for some
	$(BIN)/python -m tests.stages $(ARGS)

e2e: setup ## the end-to-end tests alone
	$(BIN)/pytest tests/e2e $(ARGS)

fuzz: $(VENV)/.dev ## look for inputs that break a reader of outside bytes: SECONDS_EACH=30 a reader, ten readers
	$(BIN)/uv pip install --quiet --target build/fuzz 'atheris>=2.3'
	PYTHONPATH=build/fuzz:. $(BIN)/python tests/fuzz/run_atheris.py

crash: $(VENV)/.dev ## kill -9 the server 200 times, comparing all it holds each time (ten minutes)
	$(BIN)/pytest tests/store/test_crash.py --kills 200 $(ARGS)

bench: setup ## ingest, query and client figures (takes minutes)
	for script in tests/bench/*.py; do echo "── $$script"; $(BIN)/python $$script || exit 1; done

screens: setup ## render every page to docs/screens
	$(BIN)/python tests/ui/screens.py

docs: $(VENV)/.dev ## build the documentation to site/, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	echo "· site/index.html" >&2

lock: $(BIN)/uv ## pin the dependencies again
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --extra demo --extra estimate pyproject.toml apps/eco2/pyproject.toml --no-emit-package everytoken -o requirements/demo.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --extra demo --extra estimate --group dev -c requirements/demo.lock pyproject.toml -o requirements/dev.lock

clean: ## remove what was built; data folders stay
	rm -rf $(VENV) ui/node_modules src/everytoken/server/static .mypy_cache .ruff_cache .pytest_cache .hypothesis site
