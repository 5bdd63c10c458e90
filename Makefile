# make demo   sets everything up and runs the main job into out/
# make test   sets everything up and passes the tests
# make setup  makes .venv alone
# make bench  measures speed; make bench-data brings the benchmark city (needs npm)

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do command -v $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	--constraint constraints.txt
# What pictures need from the system: OpenGL without a screen, a font with Chinese characters.
SYSTEM := libegl1 libgl1-mesa-dri libxrender1 fonts-noto-cjk
export PYTHONUTF8 := 1

.PHONY: demo test setup system bench bench-data sample-data clean

demo: setup
	$(BIN)/citytwin demo -o out

test: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt | .venv/bin/python system
	$(PIP) --editable ".[3d]"
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python system
	$(PIP) --editable ".[dev]"
	@touch $@ .venv/.ready

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "citytwin needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "citytwin needs Python 3.11 or newer, $(PYTHON) is older"; exit 1; }
	@if ! $(PYTHON) -m venv .venv 2>/dev/null; then rm -rf .venv; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv \
				>/dev/null && $(PYTHON) -m venv .venv; \
		else echo "Python's venv is missing: apt-get install python3-venv"; exit 1; fi; fi

# As root on Debian the packages for pictures are installed; elsewhere the parts that need them
# say so when they are used (citytwin doctor tells in advance).
system:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then \
		missing=""; for p in $(SYSTEM); do \
			dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
		if [ -n "$$missing" ]; then echo "installing$$missing"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
				--no-install-recommends $$missing >/dev/null || \
				echo "could not install$$missing: pictures may be missing, the rest works"; fi; fi

bench: .venv/.dev
	$(BIN)/python -m pytest tests/bench -m bench --benchmark-enable \
		--benchmark-columns=min,median,max,rounds

bench-data: bench-data/astana.gpkg

bench-data/astana.gpkg: tests/bench/bench_data.py | .venv/.dev
	$(BIN)/python $< -o bench-data

# Makes the embedded city again from its source, byte for byte.
sample-data: .venv/.dev
	$(BIN)/python layers/data/build_nantes.py

clean:
	rm -rf .venv out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
