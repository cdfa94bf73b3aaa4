# One obvious way in. `make` alone lists what there is.
PYTHON ?= python3.11
VENV   := .venv
FLVENV := .venv-fl
PIP    := -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test test-fast test-slow check fix clean

help:  ## List the recipes
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.installed $(FLVENV)/.installed  ## Install everything into the checkout

# Hub, trust and tools: our own choice of versions.
$(VENV)/.installed: pyproject.toml requirements-dev.txt contracts/pyproject.toml sdk/pyproject.toml hub/pyproject.toml trust/pyproject.toml
	@echo "Installing hub, trust and tools into $(VENV) ..."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python $(PIP) -e contracts -e "sdk[tabular]" -e hub -e trust -r requirements-dev.txt
	@touch $@

# Flower pins FastAPI, uvicorn and cryptography exactly, so it lives apart (docs/decisions/0002).
$(FLVENV)/.installed: contracts/pyproject.toml sdk/pyproject.toml fl/pyproject.toml requirements-dev-fl.txt
	@echo "Installing Flower and the app platform (torch) into $(FLVENV) ..."
	@test -x $(FLVENV)/bin/python || $(PYTHON) -m venv $(FLVENV)
	@$(FLVENV)/bin/python $(PIP) -e contracts -e "sdk[cli]" -e "fl[platform]" -r requirements-dev-fl.txt
	@touch $@

demo: install  ## Run a real federation: hub, SuperLink, two trusts, one training run
	@$(VENV)/bin/python -m demo

test: install check  ## Everything: lint, types, unit, real federation (about 15 minutes on 2 cores)
	@$(VENV)/bin/python -m pytest -m "not slow"
	@$(FLVENV)/bin/python -m pytest fl/tests sdk/tests_cli sdk/tests_flower tutorials templates -m "not slow"
	@$(MAKE) --no-print-directory test-slow

test-fast: install  ## The suites that answer in seconds
	@$(VENV)/bin/python -m pytest -m "not slow"

test-slow: install  ## Real federations, end to end
	@$(FLVENV)/bin/python -m pytest fl/tests sdk/tests_cli -m slow
	@$(VENV)/bin/python -m pytest tests -m slow

check: install  ## Lint, types, architecture
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/basedpyright
	@$(FLVENV)/bin/basedpyright -p fl

fix: install  ## Format and repair what a tool can repair
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

clean:  ## Forget the demo's data and both environments
	rm -rf .demo $(VENV) $(FLVENV)
