# The verbs of this repository. CI runs the same ones. `make` alone lists them.
SHELL := /bin/sh
BIN := .venv/bin
ROOMS := agent alerts api core knowledge_base mcp_server simulator tools

.DEFAULT_GOAL := help
.PHONY: help demo serve test check services bench embeddings score soak lock clean ready ready-test

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ready ## Set up, then run everything against a simulated cluster (no key, no cluster)
	@exec $(BIN)/firstmate demo $(ARGS)

serve: ready ## Set up, then serve with your own settings (see README)
	@exec $(BIN)/firstmate serve $(ARGS)

test: check ## Set up, then lint, types, import rules and every test (two at a time)
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: ready-test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy $(ROOMS) tests

services: ## Install the optional servers that tests can use (Debian, root)
	@sh deploy/services.sh

bench: ready-test ## Measure the figures that matter on this machine
	@$(BIN)/python -m tests.bench

score: ready-test ## Score the engine on bundles, then play every scenario (ARGS="--casebook-only --only PATTERN --seed N --keep")
	@$(BIN)/python -m tests.evaluation $(ARGS)

embeddings: ready-test ## Install the optional embedding model that tests can use (1.5 GB with its torch)
	@sh deploy/embeddings.sh

soak: ready-test ## Long kill-and-recover runs (the short form is in `make test`)
	@$(BIN)/pytest --soak -m soak $(ARGS)

lock: ready-test ## Resolve the dependencies anew into requirements/*.txt
	@sh deploy/lock.sh

clean: ## Remove what set-up and runs have made
	@rm -rf .venv .var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info build dist

ready:
	@sh deploy/setup.sh run

ready-test:
	@sh deploy/setup.sh dev
