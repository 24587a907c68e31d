# Two commands do all the set-up:  make demo  and  make test.  They write inside this folder only.
# PY=python3.12 chooses the Python, KLARNET_NATIVE=0 leaves the native engine out,
# BENCH="--rounds 5 --workloads lenet,unet" says what `make bench` measures.

PY ?= python3
SHELL := /bin/sh
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt --build-constraint constraints.txt
LIBRARY := src/klarnet/engine/libklarnet.so
NATIVE := CMakeLists.txt tools/native.py $(patsubst %,src/klarnet/engine/%.py,row sizes table generate) \
          $(shell find native -type f 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow test-browser docs build bench format sanitize clean distclean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 20

demo: .venv/.installed $(LIBRARY)  ## set everything up, train a network on handwritten digits, write a report
	$(BIN)/klarnet train digits --out runs/digits --force

test: .venv/.tools $(LIBRARY)  ## format, lint, types and all tests that are not slow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: .venv/.tools $(LIBRARY)  ## the slow tests: whole trainings, the package as it is shipped
	$(BIN)/python -m pytest -m slow

test-browser: .venv/.browser $(LIBRARY)  ## the reports in a real browser, the Chromium of this machine
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "klarnet: no Chromium on the PATH. Debian, Ubuntu: sudo apt install chromium"; exit 1; }
	$(BIN)/python -m pytest -m browser tests/browser

docs: .venv/.docs $(LIBRARY)  ## the course and the public names as pages in build/docs; their code runs
	$(BIN)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going -d build/doctrees docs build/docs
	@echo "pages: build/docs/index.html"

build: .venv/.tools $(LIBRARY)  ## (re)build the native engine; Python code needs no building

bench: .venv/.installed $(LIBRARY)  ## klarnet beside PyTorch, JAX, Keras and ONNX Runtime; the first call installs 3 GB of them
	@$(BIN)/python benchmarks/setup_peers.py
	$(BIN)/python benchmarks/run.py $(BENCH)

format: .venv/.tools  ## put the code into the common form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The sanitizer must be loaded before Python, and the C++ runtime with it, or exceptions cannot be intercepted.
sanitize: .venv/.tools  ## the parity tests on an engine built with AddressSanitizer and UBSan
	$(BIN)/python tools/native.py --sanitize "address;undefined" --into build/sanitized
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 KLARNET_LIBRARY=build/sanitized/klarnet/engine \
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/parity

clean:  ## remove what was built
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis $(LIBRARY)
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove the environments too
	rm -rf .venv .bench

# The environment. A stamp is renewed only where what it rests on has changed, so a second call is instant.
.venv/.ready: tools/bootstrap.py
	@command -v $(PY) >/dev/null || { echo "klarnet: $(PY) not found. Debian, Ubuntu: sudo apt install python3"; exit 1; }
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "klarnet needs Python 3.11 or newer;" \
	  "$(PY) is $$($(PY) -c 'import platform; print(platform.python_version())')." \
	  "Name another one: make $(or $(MAKECMDGOALS),demo) PY=python3.12"; exit 1; }
	@$(PY) tools/bootstrap.py .venv
	@touch $@

.venv/.installed: .venv/.ready pyproject.toml constraints.txt
	@echo "Installing klarnet and what it needs into .venv"
	@$(PIP) --editable '.[plot]'
	@touch $@

.venv/.browser: .venv/.tools
	@echo "Installing what drives the browser into .venv"
	@$(PIP) --group browser
	@touch $@

.venv/.docs: .venv/.installed
	@echo "Installing what makes the pages into .venv"
	@$(PIP) --group docs
	@touch $@

.venv/.tools: .venv/.installed
	@echo "Installing what the tests need into .venv"
	@$(PIP) --group dev
	@touch $@

$(LIBRARY): $(NATIVE) | .venv/.ready
	@$(BIN)/python tools/native.py
	@test ! -e $@ || touch $@
