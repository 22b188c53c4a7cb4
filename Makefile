# Everything starts here. A machine needs Python 3.11 (or newer) with venv and pip; the rest comes into this folder.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
WORKERS ?= auto
LOCK ?= runtime
VENV := .venv
BIN := $(VENV)/bin
# Named after what it stands for, so that neither clocks nor the order of a checkout matter.
STAMP := $(VENV)/.installed-$(shell cat requirements/dev.txt pyproject.toml | cksum | cut -d' ' -f1)
UV_VERSION := 0.13.8
COMPILE := pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links

.PHONY: help setup production up test check bench chaos reliability lock lock-check format clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv with everything pinned in requirements/dev.txt, and .venv/bin/frostguard

$(STAMP): | requirements/dev.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "FrostGuard needs Python 3.11 or newer (make PYTHON=/path/to/python3.11)" >&2; exit 1; }
	@# The scripts of a venv carry its path: one that was copied from elsewhere is made anew.
	@grep -qsF -- "$(CURDIR)/$(VENV)" $(BIN)/pip || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "installing into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps \
		--requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
		--no-index --editable .
	@rm -f $(VENV)/.installed-*
	@touch $@

production: ## make .venv with what runs, and nothing for tests (a server: OPERATIONS.md); LOCK=tracing adds traces
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "FrostGuard needs Python 3.11 or newer (make PYTHON=/path/to/python3.11)" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps \
		--requirement requirements/$(LOCK).txt --requirement requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
		--no-index --editable .

up: $(STAMP) ## start everything on this machine with demo data (ARGS="--port 0" and so on)
	@exec $(BIN)/frostguard up --demo $(ARGS)

test: $(STAMP) ## the whole fast suite
	$(BIN)/pytest --numprocesses $(WORKERS) --maxprocesses 8 $(ARGS)

check: $(STAMP) lock-check ## format, lint, types, layers, lock
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP) ## measure (never part of the tests)
	$(BIN)/python bench/run.py $(ARGS)

chaos: $(STAMP) ## the long crash tests
	$(BIN)/pytest -m chaos --timeout 3600 --capture no $(ARGS)

reliability: $(STAMP) ## every case that has a test, into docs/reliability-report.md
	$(BIN)/python -m tests.reliability_report $(ARGS)

format: $(STAMP) ## let ruff put the code in order
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format

lock: .build/uv ## resolve pyproject.toml into requirements/ anew (ARGS=--upgrade for newer versions)
	.build/uv $(COMPILE) pyproject.toml --output-file requirements/runtime.txt $(ARGS)
	.build/uv $(COMPILE) pyproject.toml --extra local --extra tracing --extra dev \
		--output-file requirements/dev.txt $(ARGS)
	@# What runs, and what traces: the versions are those of dev.txt.
	.build/uv $(COMPILE) --constraint requirements/dev.txt pyproject.toml --extra tracing \
		--output-file requirements/tracing.txt $(ARGS)
	@# Only the builder and what it needs: the versions are those of dev.txt.
	.build/uv $(COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt $(ARGS) \
		requirements/build.in

lock-check: $(STAMP)
	@$(BIN)/pytest --quiet tests/test_lock.py || { echo "requirements/ does not fit pyproject.toml: make lock" >&2; exit 1; }

# The resolver: the one on the PATH, else a pinned one of our own.
.build/uv:
	@mkdir -p .build
	@if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then ln -sf "$$(command -v uv)" $@; else \
		"$(PYTHON)" -m venv .build/venv && \
		.build/venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) && \
		ln -sf venv/bin/uv $@; fi

clean: ## remove what make made (not the data in .frostguard)
	rm -rf $(VENV) .build .mypy_cache .ruff_cache .import_linter_cache
