# Every target sets up what it needs; a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
BIN := .venv/bin
SPREAD := --numprocesses auto --maxprocesses 4 --dist loadfile
LOCK := .ci/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help venv run test test-all check demo bench crash soak browser pictures format

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

venv: .venv/.ready ## Create or update .venv

.venv/.ready: $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Throughline needs Python 3.11 or newer; say make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (once, a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@touch $@

run: venv ## Start everything that has its settings, in one process
	@$(BIN)/python -m bots run

demo: venv ## John's story over real sockets, printed as it happens
	@$(BIN)/python -m bots demo

bench: venv ## Every benchmark with its goals; some minutes, 1 where one is missed
	@$(BIN)/python -m bots bench

soak: venv ## Everything at once for ten minutes: kills, faults, bad input; what was lost
	@$(BIN)/python -m tests.soak

crash: venv ## Kill the bot at every crash point, on both databases, for about 20 minutes; ends with 1 where anything was lost or doubled
	@$(BIN)/python -m tests.crash

browser: venv ## A browser for the tests of pages, where there is none
	@$(BIN)/python -m tests.chromium

test: venv browser ## The tests, some ten minutes; no network beyond loopback, once there is a browser
	@$(BIN)/python -m pytest $(SPREAD) -m "not slow"

test-all: venv browser ## And those that take long: kills, backups, rotated keys, planted faults, pages in a browser
	@$(BIN)/python -m pytest $(SPREAD)

pictures: venv browser ## The pictures of the console in docs/, made anew
	@$(BIN)/python -m pytest tests/console/test_pictures.py --pictures docs/pictures

check: venv ## The gate: style, directions, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

format: venv ## Put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
