# What people and CI run. The work itself is in scripts/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Programs of .venv come first: Python's, and Node.js where the machine's own is too old.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

# Arguments for the program behind a target: make demo ARGS="--duration 60"
ARGS ?=

# Real programs that tests run against: an MQTT broker, a browser with a font, a database, two stores for telemetry, a proxy.
TEST_PACKAGES := mosquitto chromium fonts-dejavu-core postgresql influxdb victoria-metrics nginx-light

# A stamp says that .venv is up to date; the developer's packages include those of simulations, and these the service's.
SIMULATE := .venv/installed-simulate
DEV := .venv/installed-dev
WEB_SOURCES := $(shell find adapters/web/ui -type f -not -path '*/node_modules/*' 2>/dev/null)
INSTALLED_FROM := pyproject.toml constraints-simulate.txt constraints-node.txt scripts/install.sh \
	$(wildcard hatch_build.py) $(WEB_SOURCES)

.PHONY: help demo test check bench campaign screenshot format pin clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

demo: $(SIMULATE)  ## Install, then run the service with a simulated site on http://127.0.0.1:8080 (Ctrl-C ends it)
	@$(IN_VENV) loadstar demo $(ARGS)

test: $(DEV)  ## Install what the tests need and run them all
	@scripts/install-debian-packages.sh $(TEST_PACKAGES)
	@$(IN_VENV) pytest --numprocesses 4 --dist loadgroup $(ARGS)

check: $(DEV)  ## Format, lint, types, import contracts, documents, dependencies
	@$(IN_VENV) scripts/check.sh

campaign: $(DEV)  ## Run every scenario of the gallery in full, and the long tests (an hour and a half or so)
	@$(IN_VENV) python -m tests.campaign $(ARGS)

bench: $(DEV)  ## Measure, print a table, write build/bench.json
	@$(IN_VENV) python -m tests.benchmarks $(ARGS)

screenshot: $(DEV)  ## Photograph the demo's pages and a simulation's report into docs/images
	@scripts/install-debian-packages.sh chromium fonts-dejavu-core
	@$(IN_VENV) python -m scripts.screenshot $(ARGS)

format: $(DEV)  ## Put the code into the agreed form
	@$(IN_VENV) ruff format . && $(IN_VENV) ruff check --fix .

pin: $(DEV)  ## Write the constraints files anew after a change of dependencies
	@$(IN_VENV) scripts/pin.sh $(ARGS)

clean:  ## Remove everything that was built or installed here
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage \
		adapters/web/static/bundle adapters/web/ui/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SIMULATE): $(INSTALLED_FROM)
	@scripts/install.sh simulate
	@touch $@

$(DEV): $(INSTALLED_FROM) constraints-dev.txt
	@scripts/install.sh dev
	@touch $(SIMULATE) $@
