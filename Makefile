# Every target sets up what it needs: a virtual environment in .venv, and Debian's packages that are missing.

PYTHON := .venv/bin/python
SETUP  := scripts/setup
DEBIAN := scripts/debian

.PHONY: demo test check soak bench docs format clean

demo: ## summarise a real transcript of eight days, with its progress in the terminal
	@$(SETUP) video
	@$(PYTHON) -m workloads.video

test: ## all that CI runs, with the time of each group; stops at 40 minutes
	@$(SETUP) dev video
	@$(DEBIAN)
	@timeout --signal=INT --kill-after=30 2400 $(PYTHON) scripts/groups.py test

check: ## the quick part: lint, types, layers, unit and property tests
	@$(SETUP) dev video
	@$(PYTHON) scripts/groups.py check

soak: ## the long forms: hundreds of kills, thousands of seeds
	@$(SETUP) dev video
	@$(DEBIAN)
	@HEADWAY_SOAK=1 $(PYTHON) scripts/groups.py soak

bench: ## every figure that the documents name
	@$(SETUP) dev video
	@$(DEBIAN)
	@$(PYTHON) scripts/groups.py bench

docs: ## build the documents into build/site
	@$(SETUP) docs
	@.venv/bin/zensical build --clean --strict

format: ## the one way to lay out code
	@$(SETUP) dev
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

clean: ## remove what the targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
