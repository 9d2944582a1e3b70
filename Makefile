# What a person types. Everything is set up on first use, in .venv, with the versions in constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Litestar imports pydantic where it finds it: what is measured has an environment without, as its users have.
BENCH := $(VENV)/bench
PEERS := $(VENV)/peers
UV := $(shell command -v uv 2>/dev/null)

# pip reads the pins for its build environments from the environment only.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests and modules are compiled once, also where the environment says otherwise: all processes of a run load them.
unexport PYTHONDONTWRITEBYTECODE

ifeq ($(UV),)
INSTALL = $(@D)/bin/python -m pip install --quiet
MAKE_VENV := $(PYTHON) -m venv
else
INSTALL = $(UV) pip install --quiet --python $(@D)/bin/python --constraints constraints.txt --build-constraints constraints.txt
MAKE_VENV := $(UV) venv --quiet --allow-existing --python $(PYTHON)
endif

.PHONY: serve check test test-fallback wheels soak crash fuzz openapi clients lint format bench bench-peers clean

serve: $(VENV)/.installed
	$(BIN)/leads serve

# For everyday work: no database but the memory.
check: lint
	$(PYTEST) --quiet --numprocesses 2 tests/unit tests/contracts \
	  -k "not sqlite and not postgres and not application_machine and not all_databases"

# More workers than most machines have cores: many tests wait for processes and time-outs.
test: $(VENV)/.installed-dev
	$(PYTEST) --numprocesses 3 --dist worksteal
	$(MAKE) test-fallback TESTS='-k "Sqlite and not Journal or search_index" tests/contracts/test_database.py \
	  tests/contracts/test_lead_store.py tests/contracts/test_follow_up_store.py tests/contracts/test_reports.py \
	  tests/integration/test_search_index.py'

# With the standard library's sqlite3, as on machines for which there is no wheel of pysqlite3; all tests by default.
test-fallback: TESTS ?= --numprocesses auto --dist worksteal
test-fallback: $(VENV)/.installed-dev
	PYTHONPATH=$(CURDIR)/tests/without_pysqlite3 $(PYTEST) -m "not wal and not soak" $(TESTS)

# Whether every dependency has a wheel for each machine that is supported.
wheels: $(VENV)/.installed-dev
	$(BIN)/python tests/wheels.py

# What is too long for every day: use cases on each database, and 5,000 new examples of each property.
soak: $(VENV)/.installed-dev
	HYPOTHESIS_PROFILE=soak $(PYTEST) --numprocesses auto --dist worksteal -m "soak or hypothesis"

crash: $(VENV)/.installed-dev
	CRASHES=200 CRASH_SEED=$${CRASH_SEED:-$$(date +%s)} $(PYTEST) --numprocesses auto --dist worksteal -rP tests/e2e/test_crashes.py tests/e2e/test_repeats.py

fuzz: $(VENV)/.installed-dev
	FUZZ_EXAMPLES=500 $(PYTEST) --numprocesses auto --dist worksteal tests/e2e/test_schemathesis.py

openapi: $(VENV)/.installed-dev
	OPENAPI_WRITE=1 $(PYTEST) -q tests/http/test_openapi_file.py

# Whether the types that openapi-typescript makes compile. Needs npm and its registry: no part of `make test`.
clients: NPM := build/clients/node_modules/.bin
clients:
	@command -v npm >/dev/null || { echo 'make clients needs npm and a network.' >&2; exit 1; }
	npm install --silent --no-audit --no-fund --prefix build/clients openapi-typescript@7.13.0 typescript@5.9.3
	$(NPM)/openapi-typescript docs/openapi.json --output build/clients/api.ts
	$(NPM)/tsc --noEmit --strict --exactOptionalPropertyTypes tests/clients.ts

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks

bench-peers: $(BENCH)/.installed $(PEERS)/.installed
	$(BENCH)/bin/python -m benchmarks peers

clean:
	rm -rf $(VENV) dist build

$(BIN)/python $(BENCH)/bin/python $(PEERS)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leads needs Python 3.11 or newer; say make PYTHON=...")'
	$(MAKE_VENV) $(@D:/bin=)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(BENCH)/.installed: | $(BENCH)/bin/python
$(PEERS)/.installed: | $(PEERS)/bin/python
$(BENCH)/.installed $(PEERS)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[$(@D:$(VENV)/%=%)]'
	@touch $@
