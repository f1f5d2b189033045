# The ways into the project. `make demo` shows it, `make test` proves it, `make up` runs it.
#
# Cargo always builds the whole workspace: building one package alone selects other features of the shared
# dependencies and compiles them a second time.

.DEFAULT_GOAL := help
.PHONY: help tools data ui build lint test test-rust test-python test-browser fuzz screenshots demo up \
	sqlx sqlx-check openapi bench soak clean

PYTHON := .tools/venv/bin/python
# A user's own database and messages are none of the tests' business.
unexport DATABASE_URL NATS_URL

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 20

tools: ## Fetch what Rust does not bring: Postgres, nats-server and Python packages, into .tools/.
	@tests/tools/install.sh

data: tools ## Build the sample repositories and tokenizers in .tools/data/.
	@$(PYTHON) tests/tools/sample_data.py

ui: tools ## Build the web pages that the gateway serves, where there is Node.
	@tests/tools/ui.sh build

build: ui ## Build every program, for debugging.
	cargo build --workspace --bins --locked

lint: ui ## Check the format and every lint, and the web pages with their own tests.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@tests/tools/ui.sh check

test: tools data lint sqlx-check test-rust test-python test-browser fuzz ## Run every test.

test-rust: tools data build
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --workspace --locked && cargo test --workspace --doc --locked; \
	else cargo test --workspace --locked --no-fail-fast; fi

test-python: tools data build
	@$(PYTHON) -m pytest -p no:cacheprovider tests/python
	@$(PYTHON) -m pytest -p no:cacheprovider libs/python/tests

test-browser: tools data build ## Run the whole story in a browser, against real services.
	@tests/tools/browser.sh test

fuzz: tools ## Try what reads a stranger's files and answers with nonsense, a minute for each kind.
	@tests/fuzz/run.sh 60

screenshots: tools data build ## Take a picture of every screen.
	@tests/tools/browser.sh screenshots

demo: tools data ui ## Run the main job end to end on private ports, with figures.
	@tests/demo/run.sh

up: tools build ## Run everything on the default ports until Ctrl-C.
	@exec target/debug/tokenmill up

openapi: ## Write services/gateway/openapi.json and the types of the web pages anew after a change of the contract.
	@rm -f target/tmp/openapi.json
	@cargo test --quiet --workspace --locked --test gateway the_document >/dev/null || \
		cp target/tmp/openapi.json services/gateway/openapi.json
	@tests/tools/ui.sh api

sqlx: tools ## Write services/catalog/.sqlx anew after a change of a query or a migration.
	@tests/tools/with_postgres.sh tests/tools/sqlx_prepare.sh

sqlx-check: target/sqlx-checked ## Check services/catalog/.sqlx against a real Postgres.

target/sqlx-checked: $(shell find services/catalog/src services/catalog/migrations services/catalog/.sqlx -type f) | tools
	@tests/tools/with_postgres.sh tests/tools/sqlx_prepare.sh --check
	@touch $@

bench: tools data ## Measure, each figure beside its peer in one run.
	@tests/bench/run.sh

soak: tools data ## Run the scenarios and faults of tests/e2e twenty times over.
	@tests/soak/run.sh

clean: ## Remove what was built; .tools/ stays.
	cargo clean
