# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
CORES ?= 2
TEST_CORES ?= 3# at once: a third of their time they wait for the database or a process
LIVE_TESTS ?= 3# at once: they wait for processes more than they work
DATA ?= proofgrid-data
MODEL ?= digits
SYSTEM ?= ezkl
FAST := tests/rules tests/primitives tests/simulation/test_parts.py tests/wire tests/telemetry
KIND ?= not exhaustive and not thorough# of the tests
TESTS ?= tests --ignore=tests/acceptance/scenarios

.DEFAULT_GOAL := help
.PHONY: help demo tutorial documents site site-serve man engines engine-wheels http-check gaps pictures fast test thorough test-zkvm test-wraps test-wheels test-pages test-watch test-core kills typescript fuzz drills scenarios check format bench bench-check proto protos schema db coverage dead mutants house lock wheels wheel release bill contracts clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  make %-11s  %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## run a whole network on this machine and prove a neural network's answer (MODEL=lenet: LeNet-5; SYSTEM=groth16|plonk|noir|miden: factors; ALL=1: every system at once; CHAIN=1: with stake on a chain; STAY=1: and leave its pages to your browser)
	$(BIN)/proofgrid demo $(if $(CHAIN),--chain,$(if $(ALL),--all,--model $(MODEL) --system $(SYSTEM)) $(if $(STAY),--open --stay))

tutorial: $(STAMP) ## run docs/tutorial.md from the first command to the last in a bare environment (needs curl, jq; some minutes)
	$(BIN)/python -m tools.blocks --fresh --free-ports docs/tutorial.md

documents: $(STAMP) ## run every command of the tutorial and of the how-tos, on networks of their own (needs curl, jq; minutes)
	DOCUMENT_TESTS=1 $(PYTEST) tests/acceptance/test_documents_as_they_stand.py

site: .site/venv/.installed $(STAMP) ## make the documentation as a site, site/index.html (its tools get an environment of their own)
	$(BIN)/python -m tools.site .site
	NO_MKDOCS_2_WARNING=1 .site/venv/bin/mkdocs build --quiet --clean -f .site/mkdocs.yml
	cp -R .site/docs/. site/

site-serve: site ## and show it at http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8000

.site/venv/.installed: docs/site-requirements.txt
	$(PYTHON) -m venv .site/venv
	.site/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r docs/site-requirements.txt
	@touch $@

man: $(STAMP) ## write the man page of every command into dist/man; wheels take them along
	$(BIN)/python -m tools.man dist/man

fast: $(STAMP) ## run the tests of rules, primitives and wire, without the exhaustive searches (under a minute)
	$(PYTEST) -q -n $(CORES) -m "not exhaustive" $(FAST)

engines: $(STAMP) ## build the engines of proof systems that are programs of ours (Go, Node.js; pip brings those where there are none)
	@command -v go >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r src/proofgrid/engines/go-requirements.txt
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r src/proofgrid/engines/node-requirements.txt
	$(BIN)/proofgrid systems --build

test: $(STAMP) ## run the tests: real database, real processes, real proofs
	@$(MAKE) --no-print-directory engines || echo "not every engine could be built: the tests of the others are skipped" >&2
	$(PYTEST) -m "$(KIND)" -n $(TEST_CORES) --dist loadfile tests --ignore=tests/acceptance
	$(PYTEST) -m "$(KIND)" -n $(LIVE_TESTS) --dist loadfile tests/acceptance --ignore=tests/acceptance/scenarios

thorough: KIND := exhaustive or thorough
thorough: test ## run the tests that `make test` leaves out: searches, kills, chains that misbehave, the same again in other forms (CI runs them)

stalled: $(STAMP) ## run the tests while their processes stand still for seconds now and then, as on a busy machine (SEED=1; TESTS=tests/roles)
	$(BIN)/python -m tools.stalls --seed $(or $(SEED),1) $(PYTEST) -q -m "$(KIND)" -n $(TEST_CORES) --dist loadfile $(or $(TESTS),tests --ignore=tests/acceptance)

test-zkvm: $(STAMP) ## build the engines that take long (Rust: ten minutes of processor time) and run their tests
	$(BIN)/proofgrid systems --build miden sp1
	$(PYTEST) tests/proofs/systems/miden tests/proofs/systems/sp1 tests/acceptance/test_miden_steps.py

test-wraps: $(STAMP) ## one proof of PARTS (default 2) real proofs on a network, the demo of every system, and one proof on a chain; a setup takes a minute of processor time a part, and ten for the chain's (WRAP_KEYS=FOLDER keeps them)
	WRAP_PARTS=$(or $(PARTS),2) $(PYTEST) tests/acceptance/test_real_one_proof.py tests/acceptance/test_one_proof_delivered.py tests/acceptance/test_demo_all.py tests/proofs/systems/groth16/test_wrapping_on_bn254.py tests/chain/test_one_proof_on_chain.py

test-wheels: $(STAMP) wheel ## install proofgrid and the engines' wheels of dist/ into a bare environment and prove there, without Go, Rust and Node.js
	ENGINE_WHEELS=dist $(PYTEST) tests/acceptance/test_bare_machine.py

test-watch: $(STAMP) ## ask a real Prometheus every query of dashboards and alerts (apt-get install prometheus prometheus-alertmanager)
	@for one in prometheus promtool amtool; do command -v $$one >/dev/null || { echo "$$one is missing: apt-get install prometheus prometheus-alertmanager" >&2; exit 1; }; done
	$(PYTEST) tests/watch

test-core: $(STAMP) ## run the tests of chain and anchor on a newer core of EigenLayer (CORE=v1.13.0, v1.8.1 or a folder of artifacts; three minutes)
	PROOFGRID_EIGENLAYER_CORE=$(or $(CORE),v1.13.0) $(PYTEST) -n $(CORES) tests/chain tests/anchor

kills: $(STAMP) ## kill the anchor at KILLS places (default 200) of a slash, of a payout and of a delivery, by chance: nothing is taken or paid twice (half an hour)
	ANCHOR_KILLS=$(or $(KILLS),200) $(PYTEST) -n $(CORES) tests/anchor -k killed -o timeout=7200

fuzz: $(STAMP) ## give a parser inputs that reach ever more of it (TARGET=record MINUTES=30; without TARGET: which there are; needs Linux on x86-64)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/fuzz/fuzz-requirements.txt
	$(BIN)/python -m tests.fuzz $(TARGET) --minutes $(or $(MINUTES),30)

drills: $(STAMP) ## cause each incident for real in a network of its own, and hold its act against five seconds
	$(BIN)/proofgrid admin drill --all --at-once $(or $(AT_ONCE),1)

http-check: $(STAMP) ## schemathesis asks the HTTP door all that its document promises, for FOR seconds (default 300)
	HTTP_CHECK_SECONDS=$(or $(FOR),300) $(PYTEST) tests/acceptance/test_http_door.py -k no_answer

gaps: $(STAMP) ## kill a gateway behind each event of a task in turn: who follows it over HTTP gets each event once and in order (a minute)
	EVERY_GAP=1 $(PYTEST) tests/acceptance/test_http_door.py -k any_event

pictures: $(STAMP) ## take every page in a real browser, wide and as on a phone, light and dark, into pictures/, and the four of the README (Debian's chromium, npm)
	npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent
	mkdir -p pictures
	PICTURES=pictures BROWSER="$$(command -v chromium)" $(PYTEST) -rs tests/browser/test_pictures.py

test-pages: $(STAMP) ## look at every page in a real browser: stories, accessibility, phone width (Debian's chromium, npm; about two minutes)
	@command -v chromium >/dev/null || echo "there is no chromium here (apt install chromium): its tests are skipped" >&2
	npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent
	BROWSER="$$(command -v chromium)" $(PYTEST) -rs tests/browser

typescript: ## check, test and pack the client in TypeScript (Node.js 20, npm)
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent check && npm test --silent && npm run --silent build && npm pack --silent --ignore-scripts

scenarios: $(STAMP) ## break everything on purpose: one failure per file, real processes (about 15 minutes)
	$(PYTEST) tests/acceptance/scenarios

check: $(STAMP) ## format, lint, types, the import map, the form of documents, the house's measures
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.prose
	$(BIN)/python -m tools.measure_house --quiet
	$(BIN)/python -m tools.supply check

format: $(STAMP) ## put code and documents into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .
	$(BIN)/python -m tools.prose --fix

bench: $(STAMP) ## measured ratios against something named in the same run
	$(BIN)/python -m benchmarks

bench-check: $(STAMP) ## did a watched ratio lose more than 15% since it was written down? (on an idle machine)
	$(BIN)/python -m benchmarks --check

proto: $(STAMP) ## regenerate src/proofgrid/wire/v1 from proto/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -I proto --python_out=src --grpc_python_out=src --mypy_out=src --mypy_grpc_out=src proto/proofgrid/wire/v1/*.proto

schema: $(STAMP) ## write src/proofgrid/store/schema.sql anew out of what the migrations make
	$(BIN)/python -m tests.store.schema_text

protos: ## does proto/ break what the last release said? (needs npm; BASE=<git ref>)
	tools/protos.sh

db: $(STAMP) ## psql on the embedded database of a gateway's data directory (DATA=folder)
	$(BIN)/python -m tools.db $(DATA)

coverage: $(STAMP) ## which lines do the tests run, child processes included? (TESTS=...; the page is htmlcov/index.html)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/coverage html --quiet

dead: $(STAMP) ## what does nobody use? (what only looks unused is named in pyproject.toml)
	$(BIN)/vulture

mutants: $(STAMP) ## which small changes of the rules does no test notice? (hours; RULES="proofgrid.rules.ledger.*" for a part)
	rm -rf mutants
	$(BIN)/mutmut run --max-children $(CORES) $(RULES)
	$(BIN)/mutmut results

house: $(STAMP) ## how long are files and functions, and how much is untyped?
	$(BIN)/python -m tools.measure_house

lock: ## pin every dependency again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group dev --extra chain --extra plots --extra traces --extra pkcs11 -o requirements.lock pyproject.toml build-requirements.in

wheels: $(STAMP) ## is there a wheel of all that users install, for every Python and machine? (asks the index)
	$(BIN)/python -m tools.wheels

engine-wheels: $(STAMP) ## build dist/proofgrid_engine_….whl: engines for every machine, so that users need no compiler (ENGINES="gnark noir" MACHINE=linux for some)
	@command -v go >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r src/proofgrid/engines/go-requirements.txt
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r src/proofgrid/engines/node-requirements.txt
	@! command -v cargo >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r tools/zig-requirements.txt
	$(BIN)/python -m tools.engine_wheels $(ENGINES) --machine "$(MACHINE)" --out dist

contracts: ## compile contracts/src again (needs Node.js); what comes out is committed
	cd contracts && npm ci --ignore-scripts --no-audit --no-fund --silent && node compile.js ../src/proofgrid/chain/artifacts

bill: $(STAMP) ## write dist/proofgrid.cdx.json: the bill of materials of what users install (CycloneDX)
	$(BIN)/python -m tools.supply bill dist/proofgrid.cdx.json

wheel: $(STAMP) man ## build dist/proofgrid-….whl
	$(BIN)/python -m hatchling build -t wheel

release: $(STAMP) ## check version, changelog and wheel: a bare environment runs its demo from another folder
	tools/release_check.sh

clean: ## remove the environment, caches and what was built
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* htmlcov dist .site site
