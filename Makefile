# Everything needs Python 3.11 or newer. The environment is .venv; nothing else on the machine is
# changed, except that `make test` installs Chromium and TeX where it may (as root, by apt-get).

PYTHON ?= python3
PORT ?= 8000
OUT ?= site
BIN := .venv/bin

.PHONY: help site build test bench record clean

help:
	@echo "make site    set up, check, build and serve the site on http://127.0.0.1:$(PORT)/"
	@echo "make build   the same without serving (into $(OUT)/)"
	@echo "make test    set up everything and run the whole suite"
	@echo "make bench   print measured figures beside their budgets"
	@echo "make record  run every method once, for the pages of the methods and the tutorial"
	@echo "make clean   remove .venv and built files"

site: build
	$(BIN)/survey site serve -o $(OUT) --port $(PORT) --no-build

build: .venv/site.stamp
	$(BIN)/survey check --quiet
	$(BIN)/survey site build -o $(OUT)

test: .venv/test.stamp
	sh tests/setup.sh
	$(BIN)/ruff check survey tests
	$(BIN)/survey check --quiet
	$(BIN)/pytest -n 2 $(ARGS)

bench: .venv/test.stamp
	sh tests/setup.sh
	$(BIN)/python -m tests.bench

record: .venv/edit.stamp
	$(BIN)/python -m tests.console --record
	$(BIN)/python -m tests.console docs/laboratory/*.md --write

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv || { echo "The venv module is missing (on Debian: apt-get install python3-venv)" >&2; exit 1; }

.venv/site.stamp: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[site]'
	@touch $@

.venv/edit.stamp: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[edit]'
	@touch $@

.venv/test.stamp: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[site,edit,test]'
	@touch $@ .venv/site.stamp .venv/edit.stamp

clean:
	rm -rf .venv site build dist
