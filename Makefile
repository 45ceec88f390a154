# make demo: install and run the main job on the simulated beamline.
# make test: install and run the tests.
# make test-unit: the tests without processes and sockets only.
# make test-all: all tests, and those that repeat at length what a shorter test shows.
# make coverage: the lines that no test runs, those of child processes included.
# make lint, types, format, docs: what a developer runs beside the tests.
PYTHON ?= python3.11
BIN := .venv/bin
# Many tests wait for processes: four workers use two cores better than three do.
WORKERS := 4
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# uv installs the same versions in a fifth of the time. Where it cannot, as with a mirror for which only pip has the
# credentials, pip does.
index = $$($(BIN)/pip config get global.index-url 2>/dev/null)
install = index=$(index); UV_HTTP_TIMEOUT=15 $(BIN)/uv pip install --quiet --python $(BIN)/python \
	$${index:+--default-index "$$index"} --requirement $(1) || $(PIP) --requirement $(1)
# Hundreds of processes import our own modules: compiled once, they are read by all others.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-unit test-all coverage install lint types format docs lock clean

demo: .venv/.runtime
	$(BIN)/trxas demo

test: .venv/.test
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

test-unit: .venv/.test
	$(BIN)/pytest -n 2 tests/unit

test-all: .venv/.test
	TRXAS_COLD_STARTS=1 TRXAS_WINDOW_LIVES=5 $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "long or not long"

coverage: .venv/.test
	$(BIN)/coverage erase
	-TRXAS_COLD_STARTS=1 $(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --show-missing --skip-covered

install: .venv/.test

.venv/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	-$(PIP) uv
	$(call install,requirements.lock)
	$(PIP) --no-deps --editable .
	touch $@

.venv/.test: .venv/.runtime requirements-test.lock
	$(call install,requirements-test.lock)
	touch $@

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports

types: .venv/.test
	$(BIN)/mypy

format: .venv/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.docs
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build
	@echo "docs/_build/index.html"

.venv/.docs: .venv/.test requirements-docs.lock
	$(call install,requirements-docs.lock)
	touch $@

lock: .venv/.test
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --extra test --constraint requirements.lock --output-file requirements-test.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --extra docs --constraint requirements.lock --constraint requirements-test.lock --output-file requirements-docs.lock pyproject.toml

clean:
	rm -rf .venv
