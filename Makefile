# Everything here runs in a virtual environment of its own (.venv); nothing else is changed.
# Written for GNU make 3.81, which macOS ships, and later.
#
#   make PYTHON=/path/to/python3.12 demo      use that interpreter (default: the first that fits)
#   make PYTEST_ARGS="-k slots -x" test       arguments for pytest

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST_ARGS ?= -n auto

# Where rustup keeps its toolchains when HOME is not the home it was installed in.
include tools/rustup.mk

# PyO3 builds for this interpreter; the environment of the shell must not choose another.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME

RUST_SOURCES := $(shell find Cargo.toml Cargo.lock rust -type f -not -path '*/target/*' 2>/dev/null)
LOCKED := $(if $(wildcard Cargo.lock),--locked)

# ------------------------------------------------------------------------------ for people

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(STAMPS)/built ## Build radops and walk through it on this machine, no server needed
	@$(BIN)/python tools/demo.py

# Also the libraries of the examples and integrations, and the type checker: there are tests of all.
.PHONY: test
test: $(STAMPS)/built $(STAMPS)/group-test $(STAMPS)/group-integrations $(STAMPS)/group-ui $(STAMPS)/group-examples $(STAMPS)/group-lint test-rust ## Run all tests (Rust, then Python)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Seconds for each target.
FUZZ_SECONDS ?= 120
# For programs that are not tests and use what tests share.
WITH_TESTS := PYTHONPATH=$(CURDIR)/tests

.PHONY: fuzz
fuzz: $(STAMPS)/built $(STAMPS)/group-test $(STAMPS)/group-fuzz ## Fuzz the decoders, guided by what of their code is reached
	$(WITH_TESTS) $(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS)

# What a soak does, per part: seconds, processes of a storm, kills of processes, outcomes of each loss of power, runs
# of the model, damaged inputs per decoder, random walks of collectors, objects of one collection,
# files of one verification, how deep protocols are explored (deep, or nothing), and for how many
# seconds each decoder is fuzzed. What it did is in SOAK_REPORT.
SOAK_SECONDS ?= 60
SOAK_PROCESSES ?= 16
SOAK_KILLS ?= 100
SOAK_FATES ?= 3
SOAK_EXAMPLES ?= 200
SOAK_INPUTS ?= 3000
SOAK_WALKS ?= 20000
SOAK_OBJECTS ?= 1000000
SOAK_FILES ?= 100000
SOAK_EXPLORE ?= deep
SOAK_REPORT ?= $(CURDIR)/target/soak.jsonl

SOAK := RADOPS_SOAK_SECONDS=$(SOAK_SECONDS) RADOPS_SOAK_PROCESSES=$(SOAK_PROCESSES) \
	RADOPS_SOAK_KILLS=$(SOAK_KILLS) \
	RADOPS_SOAK_FATES=$(SOAK_FATES) RADOPS_SOAK_EXAMPLES=$(SOAK_EXAMPLES) \
	RADOPS_SOAK_INPUTS=$(SOAK_INPUTS) RADOPS_SOAK_WALKS=$(SOAK_WALKS) \
	RADOPS_SOAK_OBJECTS=$(SOAK_OBJECTS) RADOPS_SOAK_FILES=$(SOAK_FILES) \
	RADOPS_EXPLORE=$(SOAK_EXPLORE) RADOPS_SOAK_REPORT=$(SOAK_REPORT)
SOAK_TESTS := tests/reliability tests/protocols \
	tests/repository/gc/test_collect_random.py tests/repository/gc/test_collect_size.py tests/repository/verify

.PHONY: soak
soak: $(STAMPS)/built $(STAMPS)/group-test $(STAMPS)/group-fuzz ## Crashes, power loss, kills, crowds, bad remotes and fuzz, at length
	@mkdir -p $(dir $(SOAK_REPORT)) && rm -f $(SOAK_REPORT)
	@failed=; \
	$(SOAK) $(BIN)/python -m pytest $(PYTEST_ARGS) --timeout 7200 $(SOAK_TESTS) || failed="tests"; \
	$(SOAK) $(WITH_TESTS) $(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS) || failed="$$failed fuzz"; \
	$(BIN)/python tests/reliability/figures.py $(SOAK_REPORT); \
	if [ -n "$$failed" ]; then echo "soak: failed: $$failed, see above" >&2; exit 1; fi

.PHONY: test-rust
test-rust: $(STAMPS)/cargo
	cargo test $(LOCKED) --workspace

# A part of its own: PyTorch and Ray are large, and `make test` does without them.
.PHONY: test-torch
test-torch: $(STAMPS)/built $(STAMPS)/group-test $(STAMPS)/group-torch $(STAMPS)/group-ray ## Run the tests with PyTorch and Ray, which are large (5 GB)
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/integrations/torch tests/integrations/test_ray.py tests/pipeline/test_map_ray.py

.PHONY: check
check: $(STAMPS)/built $(STAMPS)/group-lint $(STAMPS)/group-docs ## Formatters, linters, types, layers, circles, stub, docs
	@$(MAKE) --no-print-directory --keep-going check-all \
	  && echo "check: all passed" \
	  || { echo "check: something failed, see above; 'make format' fixes the layout" >&2; exit 1; }

.PHONY: format
format: $(STAMPS)/group-lint $(STAMPS)/cargo ## Format the code, fix what the linters can fix
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format
	cargo fmt --all

.PHONY: bench
bench: $(STAMPS)/built $(STAMPS)/group-bench $(STAMPS)/group-ui ## Measure beside other tools (ONLY=s3: a part; RESUME=1: go on; QUICK=1: small)
	$(BIN)/python bench/run.py $(if $(ONLY),--only $(ONLY)) $(if $(RESUME),--resume) $(if $(QUICK),--quick)

.PHONY: bench-calls
bench-calls: $(STAMPS)/built $(STAMPS)/group-bench ## Check what a cached call costs, beside joblib
	$(BIN)/python bench/cached_call.py

.PHONY: examples
examples: $(STAMPS)/built $(STAMPS)/group-examples ## Run the example pipeline, from raw CSV to a model's score
	RADOPS_HOME="$${RADOPS_HOME:-$(CURDIR)/build/examples}" $(BIN)/python examples/rentals.py

.PHONY: docs
docs: $(STAMPS)/group-docs ## Build the documentation into site/
	$(MKDOCS) build --strict

.PHONY: docs-serve
docs-serve: $(STAMPS)/group-docs ## Serve the documentation while it is written
	$(MKDOCS) serve

.PHONY: wheel
wheel: $(STAMPS)/group-build $(STAMPS)/cargo ## Build the wheel into dist/ (one for all Pythons from 3.10 on)
	$(BIN)/maturin build --release $(LOCKED) --out dist

.PHONY: venv
venv: $(STAMPS)/built $(STAMPS)/group-test $(STAMPS)/group-integrations $(STAMPS)/group-ui $(STAMPS)/group-examples $(STAMPS)/group-lint $(STAMPS)/group-docs ## Make .venv with all that development needs

.PHONY: clean
clean: ## Remove everything that was built, .venv too
	rm -rf bench/.peers bench/.work bench/results $(VENV) target site dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f python/radops/_core*.so
	find python tests tools demos -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# -------------------------------------------------------------------------------- the checks

MKDOCS := NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs

.PHONY: check-all check-format check-lint check-types check-layers check-circles check-stub check-rustfmt check-clippy check-docs
check-all: check-format check-lint check-types check-layers check-circles check-stub check-rustfmt check-clippy check-docs

check-format:
	$(BIN)/ruff format --check

check-lint:
	$(BIN)/ruff check

check-types:
	$(BIN)/mypy --strict

check-layers:
	$(BIN)/lint-imports

check-circles: $(STAMPS)/venv
	$(BIN)/python tools/check_circles.py

check-stub:
	$(BIN)/stubtest radops._core --mypy-config-file pyproject.toml

check-rustfmt: $(STAMPS)/cargo
	@cargo fmt --version >/dev/null 2>&1 || { echo "rustfmt is missing: rustup component add rustfmt" >&2; exit 1; }
	cargo fmt --all --check

check-clippy: $(STAMPS)/cargo
	@cargo clippy --version >/dev/null 2>&1 || { echo "clippy is missing: rustup component add clippy" >&2; exit 1; }
	cargo clippy $(LOCKED) --workspace --all-targets --quiet -- -D warnings

check-docs:
	$(MKDOCS) build --strict --site-dir $(STAMPS)/site

# ---------------------------------------------------------------------------- the environment

$(STAMPS)/venv:
	@tools/make_venv.sh $(VENV) $(PYTHON)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/cargo: $(STAMPS)/venv
	@tools/check_rust.sh Cargo.toml
	@touch $@

$(STAMPS)/group-%: $(STAMPS)/venv pyproject.toml
	$(PIP) install --quiet --prefer-binary --group $*
	@touch $@

# Python sources need no rebuild: the install is editable.
$(STAMPS)/editable: $(STAMPS)/group-build $(STAMPS)/cargo pyproject.toml
	VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/maturin develop --release $(LOCKED)
	@touch $@

# Release mode, again only when the extension's sources change. Not by `maturin develop`, which
# removes the extension and writes it again: programs that start in between would die of it.
$(STAMPS)/built: $(STAMPS)/editable $(RUST_SOURCES)
	@rm -rf target/extension
	$(BIN)/maturin build --release $(LOCKED) --auditwheel skip --out target/extension
	@$(BIN)/python tools/install_extension.py target/extension python
	@touch $@
