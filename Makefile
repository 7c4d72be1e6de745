# Two commands do everything on a fresh machine: make compare, make test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: install compare figures speed test test-slurm test-ray check clean

install: $(VENV)/.installed

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e ".[render]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -e ".[render,test]"
	$(PIP) --no-deps gym-cartpole-swingup==0.1.4  # an oracle of the tests; its own dependencies no longer install
	@touch $@

# 36 seeds of each variant on CartPole-v1, then how they spread. A second call compares what is there.
COMPARE := results/compare
compare: $(VENV)/.installed
	$(BIN)/python -m sweeps.train -m algo=a2c,ppo,trpo env=cartpole num_seeds=36 iterations=50 \
		hydra.sweep.dir=$(COMPARE) resume=true
	$(BIN)/python -m analysis.compare $(COMPARE) --out $(COMPARE)/figures

# Everything that the post shows, trained (two hours on two cores; complete runs are reused) and drawn.
figures: $(VENV)/.installed
	$(BIN)/python -m sweeps.reproduce

# Ratios against the straightforward program, SB3, sb3-contrib and rejax; QUICK=1 gives a rough table.
speed: $(VENV)/.installed-test
	$(BIN)/python -m tests.speed

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not study and not slurm and not ray"

# Debian's packages slurm-wlm and munge have to be there; the cluster is the test's own.
test-slurm: $(VENV)/.installed-test
	$(PIP) -e ".[slurm]"
	$(BIN)/python -m pytest -m slurm tests/slurm

test-ray: $(VENV)/.installed-test
	$(PIP) -e ".[ray]"
	$(BIN)/python -m pytest -m ray tests/sweeps

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
