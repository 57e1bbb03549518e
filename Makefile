# make run    set up and serve             make test   set up and run every check
# make lab    train every model (LAB_DATA=folder of sounds; without it drums are synthesised)
# make setup  .venv/ and build/plugins/    make bench  speed figures    make format  tidy the code
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
# Training and the GPU runtime need torch; the base install does not.
TORCH ?= torch==2.13.0
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
CCACHE := $(shell command -v ccache 2>/dev/null)
CPP_SOURCES := $(shell find cpp/link cpp/shim cpp/plugins cpp/cmake cpp/CMakeLists.txt cpp/python -type f 2>/dev/null)
ARGS ?=

.PHONY: run lab setup test test-setup lint test-cpp test-python bench format clean native plugins
run: setup
	exec $(BIN)/python -m engine.serve $(ARGS)

lab: $(VENV)/.system $(VENV)/.test
	exec $(BIN)/python -m engine.lab $(if $(LAB_DATA),--data $(LAB_DATA),--synthesise 1) $(ARGS)

setup: $(VENV)/.system $(VENV)/.base native plugins

test: test-setup lint test-cpp test-python

# ---- set-up -------------------------------------------------------------------------------
$(VENV)/.system: .ci/apt-run
	.ci/system-packages .ci/apt-run
	mkdir -p $(VENV) && touch $@

$(VENV)/bin/python: | $(VENV)/.system
	@test -n "$(PYTHON)" || { echo "driftwave: Python 3.11 or newer is needed (set PYTHON=/path/to/python3)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip setuptools wheel pybind11

$(VENV)/.base: setup.py pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --no-build-isolation -e .
	touch $@

native: $(VENV)/.native
$(VENV)/.native: $(CPP_SOURCES) setup.py | $(VENV)/.base
	CC="$(CCACHE) gcc" CXX="$(CCACHE) g++" $(BIN)/python setup.py -q build_ext --inplace
	touch $@

plugins: build/plugins/.done
build/plugins/.done: $(CPP_SOURCES) | $(VENV)/.system
	cmake -S cpp -B build/cmake -G Ninja -DCMAKE_BUILD_TYPE=Release >build-cmake.log 2>&1 || { cat build-cmake.log; exit 1; }
	rm -f build-cmake.log
	cmake --build build/cmake -j $(JOBS) | tail -n 3
	mkdir -p build/plugins && touch $@

test-setup: setup $(VENV)/.system-test $(VENV)/.test
$(VENV)/.system-test: .ci/apt-test
	.ci/system-packages .ci/apt-test
	touch $@

$(VENV)/.test: setup.py | $(VENV)/.base
	$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[train,midi,test]'
	touch $@

# ---- checks -------------------------------------------------------------------------------
lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	if command -v clang-format >/dev/null; then find cpp -name '*.h' -o -name '*.cpp' | xargs clang-format --dry-run -Werror; fi

test-cpp:
	$(MAKE) -C cpp/tests check JOBS=$(JOBS)

test-python:
	$(BIN)/python -m pytest -q $(ARGS)

bench: setup $(VENV)/.test
	$(BIN)/python -m benchmarks $(ARGS)

format:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find cpp -name '*.h' -o -name '*.cpp' | xargs clang-format -i

clean:
	rm -rf build $(VENV) *.egg-info bridge/*.so
