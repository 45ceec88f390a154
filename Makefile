# make demo: install and run the main job on the simulated beamline.
# make test: install and run the tests.
# make test-all: the same, and those that repeat at length what a shorter test shows.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test test-all install lock clean

demo: .venv/.runtime
	$(BIN)/trxas demo

test: .venv/.test
	$(BIN)/pytest -n 3 --dist worksteal

test-all: .venv/.test
	$(BIN)/pytest -n 3 --dist worksteal -m "long or not long"

install: .venv/.test

.venv/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/.test: .venv/.runtime requirements-test.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-test.lock
	touch $@

lock: .venv/.test
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --extra test --constraint requirements.lock --output-file requirements-test.lock pyproject.toml

clean:
	rm -rf .venv
