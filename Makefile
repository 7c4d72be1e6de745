# Two commands do everything on a fresh machine: make compare, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest
# The tests start many processes, each of which would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
# A worker process for each core; a worker that runs out of tests takes some from another.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal
FAST := -m "not slow and not study and not slurm and not ray"

.DEFAULT_GOAL := help
.PHONY: help install compare figures docs speed test test-fast coverage test-portable test-avx2 test-plain test-slurm test-ray \
	check clean

help:  ## Say what the targets do
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-14s%s\n", $$1, $$2}' Makefile

install: $(VENV)/.installed  ## Create the environment, in .venv

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; name another: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e ".[render]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -e ".[render,test]"
	$(PIP) --no-deps gym-cartpole-swingup==0.1.4  # an oracle of the tests; its own dependencies no longer install
	@# Whose logs the tests read. What else they depend on is not needed for that, is old, or is much.
	$(PIP) --no-deps id-marl-eval==0.0.4 rl_zoo3==2.9.2 sb3-team-hf-integration==3.2
	@touch $@

COMPARE := results/compare
compare: $(VENV)/.installed  ## Train 36 seeds each of A2C, PPO and TRPO on CartPole-v1 and compare them
	$(BIN)/python -m sweeps.train -m algo=a2c,ppo,trpo env=cartpole num_seeds=36 iterations=50 \
		hydra.sweep.dir=$(COMPARE) resume=true
	$(BIN)/python -m analysis.compare $(COMPARE) --out $(COMPARE)/figures

figures: $(VENV)/.installed  ## Train and draw what the post shows (two hours; complete runs are reused)
	$(BIN)/python -m sweeps.reproduce

docs: $(VENV)/.installed-docs  ## Build the documentation site, in site/; a dead link is an error
	$(BIN)/python -m sphinx --fresh-env --quiet --fail-on-warning --keep-going -b html docs site
	@echo "site/index.html"

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e ".[render,docs]"
	@touch $@

speed: $(VENV)/.installed-test  ## Measure speed against other libraries (hours; QUICK=1 gives a rough table)
	$(BIN)/python -m tests.speed

test: $(VENV)/.installed-test  ## Run the tests
	$(PYTEST) $(PARALLEL)

test-fast: $(VENV)/.installed-test  ## Run the quick tests, which touch every module: before each commit
	$(PYTEST) $(PARALLEL) $(FAST)

coverage: $(VENV)/.installed-test  ## Say how much of each module the quick tests run; one that they never run is an error
	$(PYTEST) $(PARALLEL) $(FAST) --cov --cov-report json:.coverage.json
	$(BIN)/python -m tests.covered .coverage.json

# What computes is told to use no more than an x86-64 processor with AVX2 and FMA has, or than every one has.
NUMERIC := tests/algos tests/core tests/envs tests/kernels tests/oracles tests/test_machine.py
AVX2  := NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2,+fma ATEN_CPU_CAPABILITY=avx2 \
	MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
	NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"
PLAIN := NUMBA_CPU_NAME=generic ATEN_CPU_CAPABILITY=default \
	MKL_ENABLE_INSTRUCTIONS=SSE4_2 ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"

test-portable: test-avx2 test-plain  ## Run the numeric tests with code for lesser x86-64 processors

test-avx2 test-plain: $(VENV)/.installed-test
test-avx2:
	$(AVX2) NUMBA_CACHE_DIR=$(CURDIR)/.numba_cache/avx2 $(PYTEST) $(PARALLEL) $(FAST) $(NUMERIC)
test-plain:
	$(PLAIN) NUMBA_CACHE_DIR=$(CURDIR)/.numba_cache/plain $(PYTEST) $(PARALLEL) $(FAST) $(NUMERIC)

# Debian's packages slurm-wlm and munge have to be there; the cluster is the test's own.
test-slurm: $(VENV)/.installed-test  ## Run the tests on a SLURM cluster of their own (Linux)
	$(PIP) -e ".[slurm]"
	$(PYTEST) -m slurm tests/slurm

test-ray: $(VENV)/.installed-test  ## Run the tests with Ray (Linux)
	$(PIP) -e ".[ray]"
	$(PYTEST) -m ray tests/sweeps

check: $(VENV)/.installed-test  ## Check style and types (ruff, mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## Remove the environment and everything that is built or cached
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .numba_cache .coverage*
