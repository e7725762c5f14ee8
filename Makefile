# Targets: demo test serve lint bench lock. Each sets up what it needs in .venv first.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: help demo test serve lint format bench lock system clean
help:
	@echo 'make demo   set up, do the main job once, write var/demo/'
	@echo 'make test   set up, run all tests'
	@echo 'make serve  set up, initialise var/ if needed, serve on http://127.0.0.1:8080'
	@echo 'make lint   ruff, mypy --strict, import-linter, generated pages'
	@echo 'make bench  measure (nothing else should run on the machine)'
	@echo 'make lock   renew the two lock files'

system:
	@test -n '$(PYTHON)' || { echo 'Missing: Python 3.11 or newer. Debian/Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3.12; macOS: brew install python@3.13' >&2; exit 1; }
	@'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || { echo 'Missing: the venv module of $(PYTHON). Debian/Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@command -v openssl >/dev/null && openssl version | grep -Eq 'OpenSSL ([3-9]|[1-9][0-9])' || { echo 'Missing: OpenSSL 3.0 or newer (library and command). Debian/Ubuntu: apt-get install openssl; Fedora: dnf install openssl; macOS: brew install openssl@3' >&2; exit 1; }

$(VENV)/.created: | system
	'$(PYTHON)' -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/.created
	@echo 'Installing the runtime into $(VENV) …'
	@$(PIP) -r requirements.lock
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	@echo 'Installing the development tools into $(VENV) …'
	@$(PIP) -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.runtime
	@$(BIN)/yinxin demo

serve: $(VENV)/.runtime
	@$(BIN)/yinxin init
	@$(BIN)/yinxin serve

test: $(VENV)/.development
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

lint: $(VENV)/.development
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >$(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/deptry --config pyproject.toml . 2>$(VENV)/deptry.log || { cat $(VENV)/deptry.log; exit 1; }
	@$(BIN)/python -m portal.reference --check

format: $(VENV)/.development
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python -m portal.reference

bench: $(VENV)/.runtime
	@$(BIN)/yinxin bench

lock: $(VENV)/.development
	@$(COMPILE) --extra install pyproject.toml --output-file requirements.lock
	@$(COMPILE) --extra install --extra dev pyproject.toml --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) var
