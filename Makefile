# Wenzheng 问政. `make` shows what there is; ARGS are passed on: make demo ARGS="--exit --json out.json"
.DEFAULT_GOAL := help
ARGS ?=
BIN := .venv/bin

.PHONY: help demo up test unit lint format bench fault schemas docs translations lock clean ready ready-for-tests

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ready:
	@bin/ensure demo

ready-for-tests:
	@bin/ensure test

demo: ready ## carry about 60 petitions all the way, then stay up to be looked at
	$(BIN)/wenzheng demo --input examples/petitions.jsonl $(ARGS)

up: ready ## run everything on this machine; Ctrl-C stops it
	$(BIN)/wenzheng up $(ARGS)

test: ready-for-tests ## run all tests on real parts: broker, databases, search server, browser
	$(BIN)/pytest $(ARGS)

unit: ready-for-tests ## run the tests of pure rules alone
	$(BIN)/pytest tests/unit $(ARGS)

fault: ## kill, cut off and poison parts under load; nothing may be lost or doubled
	@bin/ensure fault
	$(BIN)/python -m tests.fault $(ARGS)

bench: ## measure against a ceiling and the peers, print a table; ARGS="hop --json FILE" runs one bench
	@bin/ensure bench
	$(BIN)/python -m tests.bench $(ARGS)

lint: ready-for-tests ## check style, format, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: ready-for-tests ## put code into the one format
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

schemas: ready-for-tests ## store schema and example of new events; what is stored is never changed
	$(BIN)/python -m tests.contract.schemas

docs: ready ## write the references of events and metrics from the code
	$(BIN)/wenzheng contracts export docs/reference
	$(BIN)/wenzheng metrics docs/reference/metrics.md

translations: ready-for-tests ## check that every text has its Chinese
	$(BIN)/pytest -q tests/unit -k "i18n or words or translat" $(ARGS)

lock: ready-for-tests ## write requirements/*.txt and package-lock.json anew; ARGS=--upgrade takes the newest
	bin/lock $(ARGS)

clean: ## remove what was made here: environment, caches, the demonstration; the data of `make up` stays
	rm -rf .venv node_modules var/demo build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
