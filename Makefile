# Every target makes its own environment (.venv) when it is missing or older than pyproject.toml.
# Needed beforehand: make, and Python >= 3.11 with its venv module; for `make sim` g++ and perl too.

PYTHON ?= python3
BIN    := .venv/bin
MADE   := .venv/.made

# Full MNIST is looked for where PRUNUS_DATA says, in the cache, and downloaded if it is nowhere.
SEEDS  ?= 3

# BindsNET lives in an environment of its own; or name one that has it.
BINDSNET_PYTHON ?= .venv-bindsnet/bin/python
BINDSNET_MADE   := $(if $(filter .venv-bindsnet/%,$(BINDSNET_PYTHON)),.venv-bindsnet/.made)

.DELETE_ON_ERROR:
.PHONY: help setup check test demo sim sim-full formal mutants bench results pretrained render clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(MADE) ## Make the environment

$(MADE): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Missing: Python >= 3.11 as '$(PYTHON)'; name another with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Missing: the venv module of $(PYTHON); on Debian: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

check: $(MADE) ## Lint, types, layering, README in step with results
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m prunus_model.experiments.render --check

test: $(MADE) ## All tests that need neither a simulator nor a solver
	$(BIN)/python -m pytest -m "not sim and not formal"

sim: $(MADE) ## Hardware against model: all benches, and real images in lockstep (minutes)
	$(BIN)/python -m prunus_sim.full --bounded --output build/sim.json

sim-full: $(MADE) ## The long lockstep runs -> sim/results/lockstep.json (an hour)
	$(BIN)/python -m prunus_sim.full

formal: $(MADE) ## Proofs of the gateware (minutes; the first run compiles yosys)
	$(BIN)/python -m prunus_sim.formal.prove

mutants: $(MADE) ## Faults put into the gateware by a program -> sim/results/mutants.json (minutes)
	$(BIN)/python -m prunus_sim.mutants

demo: $(MADE) ## Train 100 neurons on the bundled sample, with pruning, and test them
	@mkdir -p build
	$(BIN)/prunus train --epochs 5 --output build/demo.npz --force

bench: $(MADE) $(BINDSNET_MADE) ## Speed, side by side with BindsNET -> model/results/speed.json
	$(BIN)/python -m prunus_model.experiments.speed --bindsnet-python $(BINDSNET_PYTHON)

# On Linux the package index has torch with CUDA only, which needs more than is listed there: then
# make an environment by hand and name it, BINDSNET_PYTHON=...
.venv-bindsnet/.made: model/bench/requirements-bindsnet.txt
	$(PYTHON) -m venv --clear .venv-bindsnet
	.venv-bindsnet/bin/pip install --quiet --no-deps -r $<
	@touch $@

results: $(MADE) ## Accuracy and SOPs on full MNIST -> model/results/mnist.json (minutes)
	$(BIN)/python -m prunus_model.experiments.mnist --seeds $(SEEDS)
	$(MAKE) render

render: $(MADE) ## Write the tables of the results into the READMEs
	$(BIN)/python -m prunus_model.experiments.render

pretrained: $(MADE) ## Remake the bundled networks, bit for bit
	$(BIN)/prunus train -c demo -d mnist -e 2 -o model/prunus_model/pretrained/demo.npz --force
	$(BIN)/prunus train -c 400 -d mnist -e 2 -o model/prunus_model/pretrained/400.npz --force

clean: ## Remove what was built, the environments too
	rm -rf build dist .venv .venv-bindsnet .pytest_cache .mypy_cache .ruff_cache .hypothesis
