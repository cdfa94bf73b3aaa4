# One obvious way in. `make` alone lists what there is.
PYTHON ?= python3.11
VENV   := .venv
FLVENV := .venv-fl
PIP    := -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo docs test test-fast test-apps test-slow test-slow-engine test-slow-system test-chaos check check-rules check-types fix clean page page-client page-check page-dev page-bench screenshots

help:  ## List the recipes
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install:  ## Install everything into the checkout
	@$(MAKE) --no-print-directory -j3 $(VENV)/.installed $(FLVENV)/.installed page

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

# The viewer of the trust's page: one file of an npm package, so that a hospital's browser loads nothing from elsewhere.
VIEWER := trust/src/flip_trust/page/static/vendor/niivue.js

page: ui/dist/index.html $(VIEWER)  ## Build the web page and the trust's viewer (Node 20 and npm)

ifeq ($(shell command -v npm),)
ui/dist/index.html:
	@echo "There is no npm here, so the web page is not built: the hub will say so. Install Node 20, then 'make page'."
$(VIEWER):
	@echo "There is no npm here, so the trust's page will show previews and no viewer."
else
ui/node_modules/.installed: ui/package-lock.json
	@echo "Installing what the web page is built with into ui/node_modules ..."
	@cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

ui/dist/index.html: ui/node_modules/.installed $(shell find ui/src ui/public -type f 2>/dev/null) ui/index.html ui/vite.config.ts ui/reference.ts GLOSSARY.md $(wildcard docs/reference/*errors.md docs/reference/findings.md)
	@echo "Building the web page into ui/dist ..."
	@cd ui && npx --no-install vite build --logLevel warn

$(VIEWER): ui/node_modules/.installed
	@mkdir -p $(@D)
	@cp ui/node_modules/@niivue/niivue/dist/index.js $@
endif

page-client: $(VENV)/.installed ui/node_modules/.installed  ## Generate the page's types from the hub's API
	@ui/client.sh

page-check: $(VENV)/.installed ui/node_modules/.installed  ## Lint, types, unit tests of the page; its client is not stale
	@ui/client.sh --check
	@cd ui && npm run --silent check

screenshots: install  ## Pictures of every page in light and dark, of the hub and of a trust, into docs/pictures/
	@$(VENV)/bin/python -m demo.page --screenshots docs/pictures
	@FLIP_PICTURES=$(CURDIR)/docs/pictures $(VENV)/bin/python -m pytest -q -m slow tests/test_trust_images_story.py

page-bench: page  ## First load and frames per second of the page, without a hub
	@cd ui && npx --no-install tsx e2e/bench.ts

page-dev: install  ## A federation with projects at every stage, kept running for work on the page
	@$(VENV)/bin/python -m demo.page

demo: install  ## Run a real federation: hub, SuperLink, two trusts, one training run
	@$(VENV)/bin/python -m demo

test: install check  ## Everything: lint, types, unit, real federations (about 25 minutes on 2 cores)
	@$(MAKE) --no-print-directory test-fast test-apps test-slow

test-fast: install  ## Contracts, SDK, hub and trust: suites that answer in seconds, on all cores
	@$(VENV)/bin/python -m pytest -m "not slow" -n auto --dist loadfile

test-apps: install  ## The Flower side, the flip command, templates and tutorials
	@$(FLVENV)/bin/python -m pytest fl/tests sdk/tests_cli sdk/tests_flower tutorials templates -m "not slow" -n auto --dist loadfile

test-slow: install  ## Real federations, end to end, side by side
	@$(MAKE) --no-print-directory -j2 --output-sync test-slow-engine test-slow-system
	@$(MAKE) --no-print-directory test-chaos

test-slow-engine:
	@$(FLVENV)/bin/python -m pytest fl/tests sdk/tests_cli tutorials -m slow

test-slow-system:
	@$(VENV)/bin/python -m pytest tests -m slow -n auto --dist loadfile --ignore tests/chaos

test-chaos: install  ## Every kind of process killed while runs train; alone, since it counts seconds
	@$(VENV)/bin/python -m pytest tests/chaos -m slow

check: install  ## Lint, types, architecture
	@$(MAKE) --no-print-directory -j2 --output-sync page-check check-rules check-types

check-rules:
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports
	@$(FLVENV)/bin/basedpyright -p fl

check-types:
	@$(VENV)/bin/basedpyright

fix: install  ## Format and repair what a tool can repair
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

docs: install  ## Write docs/reference/ anew from the code
	@$(FLVENV)/bin/python docs/generate.py
	@$(VENV)/bin/python docs/generate_hub.py

clean:  ## Forget the demo's data and both environments
	rm -rf .demo $(VENV) $(FLVENV) ui/node_modules ui/dist
