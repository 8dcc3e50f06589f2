# Each target builds the environment it needs (.venv) by itself, and again when pyproject.toml or constraints.txt change.
# ARGS goes on to the command: make serve ARGS="--port 8001". PYTHON chooses the interpreter: make serve PYTHON=python3.13.

VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin

# The interpreter: the first of these from 3.11 to 3.14 that can make environments, or else the first of them at all.
fits = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
ifndef PYTHON
PYTHON := $(shell for test in 'import ensurepip; $(fits)' '$(fits)'; do \
	for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c "$$test" >/dev/null 2>&1 && echo "$$python" && exit; done; done)
endif

.PHONY: help serve test check fix bench docs pictures pins run-environment dev-environment bench-environment

help:
	@echo "make serve   start everything on http://127.0.0.1:8000"
	@echo "make test    run the tests"
	@echo "make check   style, types, layers, documentation"
	@echo "make fix     repair what can repair itself: style, and the tables of the reference"
	@echo "make docs    build the documentation into site/"
	@echo "make pictures draw the traces in the documentation anew, from real requests (it takes nginx)"
	@echo "make bench   measure, against others, on this machine"
	@echo "make pins    renew constraints.txt"

serve: run-environment
	@exec "$(BIN)/pellucid" serve $(ARGS)

test: dev-environment
	"$(BIN)/pytest" --numprocesses auto --maxprocesses 8 --dist worksteal $(ARGS)

check: dev-environment
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/lint-imports"
	"$(BIN)/mkdocs" build --strict --quiet

fix: dev-environment
	"$(BIN)/python" -m tools.reference
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

docs: dev-environment
	"$(BIN)/mkdocs" build --strict --quiet
	@echo "The documentation is in site/index.html"

pictures: dev-environment
	"$(BIN)/python" -m tools.pictures

bench: dev-environment bench-environment
	"$(BIN)/python" -m benchmarks $(ARGS)

pins: dev-environment
	"$(BIN)/python" tools/pins.py

bench-environment: dev-environment
run-environment dev-environment bench-environment:
	@"$(PYTHON)" -c '$(fits)' 2>/dev/null || { \
		echo "Pellucid needs Python 3.11, 3.12, 3.13 or 3.14, and '$(PYTHON)' is none of them." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python)," >&2; \
		echo "or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" tools/environment.py "$(VENV)" $(@:-environment=)
