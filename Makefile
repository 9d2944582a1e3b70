# Commands for development. The first use installs everything into .venv, with the versions in constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Litestar imports pydantic if it is installed. Benchmarks run in an environment without it, like an installation.
BENCH := $(VENV)/bench
PEERS := $(VENV)/peers
UV := $(shell command -v uv 2>/dev/null)

# pip reads the constraints of its build environments only from environment variables.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Always write bytecode: all processes of a test run load the same modules.
unexport PYTHONDONTWRITEBYTECODE

ifeq ($(UV),)
INSTALL = $(@D)/bin/python -m pip install --quiet
MAKE_VENV := $(PYTHON) -m venv
else
INSTALL = $(UV) pip install --quiet --python $(@D)/bin/python --constraints constraints.txt --build-constraints constraints.txt
MAKE_VENV := $(UV) venv --quiet --allow-existing --python $(PYTHON)
endif

.PHONY: serve check test test-fallback wheels soak crash fuzz mutate attack browser openapi messages requirements swagger-ui clients lint format bench bench-peers clean

serve: $(VENV)/.installed
	$(BIN)/leads serve

# Quick checks for everyday work: lint, and the tests that need no database.
check: lint
	$(PYTEST) --quiet --numprocesses 2 tests/unit tests/contracts \
	  -k "not sqlite and not postgres and not application_machine and not all_databases"

# All tests. More workers than cores, because many tests wait for processes and time-outs.
test: $(VENV)/.installed-dev
	$(PYTEST) --numprocesses 4 --dist worksteal
	$(MAKE) test-fallback TESTS='-k "Sqlite and not Journal or search_index" tests/contracts/test_database.py \
	  tests/contracts/test_lead_store.py tests/contracts/test_follow_up_store.py tests/contracts/test_submission_store.py \
	  tests/contracts/test_reports.py \
	  tests/integration/test_search_index.py'

# The tests with the sqlite3 of the standard library, for machines without a wheel of pysqlite3.
test-fallback: TESTS ?= --numprocesses auto --dist worksteal
test-fallback: $(VENV)/.installed-dev
	PYTHONPATH=$(CURDIR)/tests/without_pysqlite3 $(PYTEST) -m "not wal and not matrix and not browser and not attack" $(TESTS)

# Check that each dependency has a wheel for each supported machine.
wheels: $(VENV)/.installed-dev
	$(BIN)/python tests/wheels.py

# Send steady traffic to both databases at once, with faults. The tables and the picture are in build/soak.
soak: SOAK_MINUTES ?= 30
soak: SOAK_RATE ?= 40
soak: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks.soak --minutes $(SOAK_MINUTES) --rate $(SOAK_RATE)

# Kill the service 200 times, at other moments in each run. CRASH_SEED=... repeats a run.
crash: $(VENV)/.installed-dev
	CRASHES=200 CRASH_SEED=$${CRASH_SEED:-$$(date +%s)} $(PYTEST) --timeout 0 --numprocesses auto --dist worksteal -rP tests/e2e/test_crashes.py tests/e2e/test_digest_crashes.py tests/e2e/test_repeats.py

# Search with random input: generated requests to all endpoints, 5,000 new examples of each property, and use cases on
# each database.
fuzz: $(VENV)/.installed-dev
	FUZZ_EXAMPLES=500 $(PYTEST) --timeout 0 --numprocesses auto --dist worksteal tests/e2e/test_schemathesis.py
	HYPOTHESIS_PROFILE=fuzz $(PYTEST) --timeout 0 --numprocesses auto --dist worksteal -m "matrix or hypothesis"

# Attack the installed wheel on both databases, and print what each attack has cost. Nothing else should run meanwhile.
attack: $(VENV)/.installed-dev
	ATTACK=1 $(PYTEST) --timeout 0 -m "" tests/attack

# Put small faults into leads_domain, one at a time. Fails if the quick tests find fewer than 95 % of them.
mutate: $(VENV)/.installed-dev
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/python tests/mutate.py

# Fill in forms of a website in Chromium. The pictures are in build/browser.
browser: $(VENV)/.installed-dev
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || apt-get install --yes chromium || $(BIN)/playwright install chromium
	$(PYTEST) -m browser tests/browser

# Write docs/openapi.json.
openapi: $(VENV)/.installed-dev
	OPENAPI_WRITE=1 $(PYTEST) -q tests/http/test_openapi_file.py

# List every text that people can see, for review.
messages: $(VENV)/.installed-dev
	@$(BIN)/python tests/messages.py

# Write requirements.txt: what an installation contains, with the hashes of all platforms.
requirements:
	@test -n "$(UV)" || { echo 'make requirements needs uv and a network. Install uv first.' >&2; exit 1; }
	echo hatchling | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command 'make requirements' --constraints constraints.txt \
	  --extra apprise --extra postgres --output-file requirements.txt pyproject.toml -

# Replace the files of Swagger UI by those of another version.
swagger-ui: FOLDER := src/leads_adapters/http/static/swagger-ui
swagger-ui:
	@test -n "$(SWAGGER_UI)" || { echo 'Name the version: make swagger-ui SWAGGER_UI=5.35.0. It needs npm and a network.' >&2; exit 1; }
	mkdir -p build
	cd build && npm pack --silent swagger-ui-dist@$(SWAGGER_UI)
	tar --extract --file build/swagger-ui-dist-$(SWAGGER_UI).tgz --directory $(FOLDER) --strip-components 1 \
	  $$(cd $(FOLDER) && ls | sed '/SHA256SUMS/d; s|^|package/|')
	cd $(FOLDER) && ls | sed /SHA256SUMS/d | xargs sha256sum > SHA256SUMS
	sed -i '1i# Files of the npm package swagger-ui-dist $(SWAGGER_UI) (Apache-2.0), unchanged. Renew them: make swagger-ui' $(FOLDER)/SHA256SUMS

# Check that the types of openapi-typescript compile. Not a part of `make test`: it needs npm and a network.
clients: NPM := build/clients/node_modules/.bin
clients:
	@command -v npm >/dev/null || { echo 'make clients needs npm and a network. Install npm first.' >&2; exit 1; }
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
	rm -rf $(VENV) dist build mutants

$(BIN)/python $(BENCH)/bin/python $(PEERS)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leads needs Python 3.11 or newer. Run make PYTHON=/path/to/python3.11")'
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
