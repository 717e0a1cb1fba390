# Wenzheng 问政. `make` shows what there is; ARGS are passed on: make demo ARGS="--exit --json out.json"
.DEFAULT_GOAL := help
ARGS ?=
BIN := .venv/bin

.PHONY: help deploy-lint deploy-test demo up test unit lint format bench fault breaks schemas docs chart translations image lock clean ready ready-for-tests

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
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

unit: ready-for-tests ## run the tests of pure rules alone
	$(BIN)/pytest tests/unit $(ARGS)

fault: ## kill, cut off and poison parts under load; nothing may be lost or doubled
	@bin/ensure fault
	$(BIN)/python -m tests.fault $(ARGS)

breaks: ready-for-tests ## break each promise of docs/delivery.md by a small change; the tests that show it must fail
	$(BIN)/python -m tests.breaks $(ARGS)

deploy-lint: ## hold the Helm chart against schemas, policies, its table of edges, alerts and a real ingress controller
	@bin/ensure deploy
	$(BIN)/pytest -q tests/deploy --ignore-glob='*_built.py' --ignore-glob='*_runs.py' --ignore-glob='*_live.py' $(ARGS)

deploy-test: ## prove the deployment on a real cluster (KUBECONFIG or CLUSTER); ARGS="--only ladder" needs none
	@bin/ensure deploy
	$(BIN)/python -m tests.deploy $(ARGS)

bench: ## measure against a ceiling and the peers, print a table; ARGS="hop --json FILE" runs one bench
	@bin/ensure bench
	$(BIN)/python -m tests.bench $(ARGS)

image: ## build the image of each service with buildah; ARGS="--archive FOLDER" also writes them to files
	@bin/ensure image
	deploy/build $(ARGS)

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

chart: ready-for-tests ## write what the Helm chart holds of the code, its schema and its table of values
	$(BIN)/python -m tests.deploy.making

translations: ready-for-tests ## check that every text has its Chinese
	$(BIN)/pytest -q tests/unit -k "i18n or words or translat" $(ARGS)

lock: ready-for-tests ## write requirements/*.txt and package-lock.json anew; ARGS=--upgrade takes the newest
	bin/lock $(ARGS)

clean: ## remove what was made here: environment, caches, the demonstration; the data of `make up` stays
	rm -rf .venv node_modules var/demo build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
