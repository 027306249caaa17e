# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test scenarios check bench proto schema lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## run a whole network on this machine and prove a neural network's answer
	$(BIN)/proofgrid demo

test: $(STAMP) ## run every test but the scenarios: real database, real processes, real proofs
	$(BIN)/python -m pytest --ignore=tests/acceptance/scenarios

scenarios: $(STAMP) ## break everything on purpose: one failure per file, real processes (about 15 minutes)
	$(BIN)/python -m pytest tests/acceptance/scenarios

check: $(STAMP) ## format, lint, types and the import map
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## measured ratios against something named in the same run
	$(BIN)/python -m benchmarks

proto: $(STAMP) ## regenerate src/proofgrid/wire/v1 from proto/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=src --grpc_python_out=src --mypy_out=src --mypy_grpc_out=src proto/proofgrid/wire/v1/*.proto

schema: $(STAMP) ## write src/proofgrid/store/schema.sql anew out of what the migrations make
	$(BIN)/python -m tests.store.schema_text

lock: ## pin every dependency again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev --extra plots -o requirements.lock pyproject.toml build-requirements.in

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
