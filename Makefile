# Each target sets itself up; the heavy parts are kept in a per-user cache and made once.
PYTHON ?= python3
export PYTHON
SET_UP = $(PYTHON) -I tests/real/setup.py
RUN = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help set-up demo demo-headless test test-full benchmark lint format schemas docs clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

set-up:
	@$(SET_UP)

demo: set-up ## the main job on real Odoo and PostgreSQL; stays up until Ctrl-C
	@$(RUN) -m tests.real prepare
	@$(RUN) -m tests.system.demo

demo-headless: set-up ## the same without staying up
	@$(RUN) -m tests.real prepare
	@$(RUN) -m tests.system.demo --headless

test: lint ## the linters, then every test at sizes that fit 15 minutes
	@$(RUN) -m tests.real prepare
	@$(RUN) -m tests.run

test-full: set-up ## one long proof at full size: make test-full PART=guard
	@$(RUN) -m tests.run --full $(PART)

benchmark: set-up ## how long a decision takes, beside three policy engines
	@$(RUN) -m benchmarks.decide

lint: set-up ## ruff, mypy strict and pylint-odoo
	@$(RUN) -m tests.lint

format: set-up ## bring the code into shape
	@$(RUN) -m ruff check --fix --quiet .
	@$(RUN) -m ruff format --quiet .

schemas: set-up ## write docs/schemas anew, after a model changed
	@$(RUN) -m tests.schemas

docs: set-up ## build the documents as pages, into site/; a broken link fails
	@$(RUN) -m tests.pages

clean: ## remove what was made in this checkout; the cache stays
	@rm -rf .venv .venv.lock .mypy-path .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		build dist reports site ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
