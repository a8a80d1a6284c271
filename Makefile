# Every target makes its own environment (.venv) when it is missing or older than pyproject.toml.
# Needed beforehand: make, and Python >= 3.11 with its venv module; for `make sim` g++ and perl too.

PYTHON ?= python3
BIN    := .venv/bin
MADE   := .venv/.made

# What is built by `make bitstream`.
BOARD  ?= ulx3s-85f
MODE   ?= inference

# BindsNET lives in an environment of its own; or name one that has it.
BINDSNET_PYTHON ?= .venv-bindsnet/bin/python
BINDSNET_MADE   := $(if $(filter .venv-bindsnet/%,$(BINDSNET_PYTHON)),.venv-bindsnet/.made)

# Simulators that read graphs of NIR, too; or name an environment that has them.
NIR_PYTHON ?= .venv-nir/bin/python
NIR_MADE   := $(if $(filter .venv-nir/%,$(NIR_PYTHON)),.venv-nir/.made)

.DELETE_ON_ERROR:
.PHONY: help setup update check test demo sim sim-full sim-speed cycles size buses core-sizes core-options search formal mutants link throughput live-cost pictures bench bench-accuracy nir \
  results reproduce change pretrained render stale clean fuzz devices kills \
  dist docs docs-links bitstream flash boards netlist boards-test cells gating overhead energy report

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(MADE) ## Make the environment

$(MADE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Missing: Python >= 3.11 as '$(PYTHON)'; name another with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Missing: the venv module of $(PYTHON); on Debian: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# What results were measured with; `pip install -c constraints.txt 'prunus[...]'` sets the same up again.
update: ## Newest releases of all dependencies -> constraints.txt, and the environment of them
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt
	@touch $(MADE)

check: $(MADE) ## Lint, types, layering, README in step with results, and these with the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m prunus_docs --check

test: $(MADE) ## All tests that need neither a simulator nor a solver
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not sim and not formal and not boards and not tools and not packages"

# In a shell of one's own, PYTHONPATH has to name these, too.
ATTACK := PYTHONPATH=tests/fuzz:tests/support $(BIN)/python -m prunus_fuzz

fuzz: $(MADE) ## Mutated files for all readers -> tests/results/attack.json: [COUNT=] [ONLY=] [NUMBER=]
	$(ATTACK) --count $(or $(COUNT),2000) $(if $(ONLY),--only "$(ONLY)") $(if $(NUMBER),--number $(NUMBER))

devices: $(MADE) ## Broken devices shown to the driver -> tests/results/attack.json (minutes)
	$(ATTACK).devices

kills: $(MADE) ## Commands ended at random moments -> tests/results/attack.json: [COUNT=]
	$(ATTACK).kills --count $(or $(COUNT),200)

sim: $(MADE) ## Hardware against model: all benches, and real images in lockstep (minutes)
	$(BIN)/python -m prunus_sim.measure.regression --bounded --output build/sim.json

sim-full: $(MADE) ## The long lockstep runs -> sim/results/lockstep*.json (40 minutes)
	$(BIN)/python -m prunus_sim.measure.regression
	$(BIN)/python -m prunus_sim.measure.regression --groups --output sim/results/lockstep_groups.json

sim-speed: $(MADE) ## Speed of simulation, Verilator and Icarus -> sim/results/speed.json (minutes)
	$(BIN)/python -m prunus_sim.measure.speed

cycles: $(MADE) ## Cycles of an inference: lanes, densities -> sim/results/cycles.json (minutes)
	$(BIN)/python -m prunus_sim.measure.cycles

size: $(MADE) ## Cells of cores, synthesised by yosys -> overhead/results/size.json (minutes)
	$(BIN)/python -m prunus_overhead.size.resources

buses: $(MADE) ## Buses of a core: size, clock, lockstep -> rtl/results/buses.json (half an hour)
	$(BIN)/python -m prunus_overhead.buses

core-sizes: $(MADE) ## Size and clock of cores by parameter, for the README of packages -> rtl/prunus_rtl/export/core_sizes.json (half an hour)
	$(BIN)/python -m prunus_overhead.buses.sizes

core-options: $(MADE) ## Cycles of cores by their options -> overhead/results/core_options.json (minutes)
	$(BIN)/python -m prunus_overhead.size.core_options

link: $(MADE) ## Corrupted frames to the simulated host link -> boards/results/link.json (half an hour)
	$(BIN)/python -m prunus_boards.measure.robustness

throughput: $(MADE) ## Images per second over a serial line -> boards/results/throughput.json (minutes)
	$(BIN)/python -m prunus_boards.measure.throughput

live-cost: $(MADE) ## How much watching slows a training -> boards/results/live.json (minutes)
	$(BIN)/python -m prunus_boards.measure.live_slowdown

pictures: $(MADE) ## Pictures of the live page, taken in Chromium -> docs/live-*.png
	$(BIN)/python -m prunus_boards.live.pictures

formal: $(MADE) ## Proofs of the gateware (minutes; the first run compiles yosys)
	$(BIN)/python -m prunus_sim.formal.prove

mutants: $(MADE) ## Faults put into the gateware by a program -> sim/results/mutants.json (minutes)
	$(BIN)/python -m prunus_sim.mutation.__main__

demo: $(MADE) ## Train 100 neurons on the bundled sample, with pruning, and test them
	@mkdir -p build
	$(BIN)/prunus train --epochs 5 --output build/demo.npz --force

# The network of the paper's size is the one that fits no FPGA here unless it is pruned.
ARTIFACT ?= $(if $(filter ulx3s-85f-inference,$(BOARD)-$(MODE)),build/paper.npz)
bitstream: $(MADE) $(filter build/paper.npz,$(ARTIFACT)) ## Bitstream: BOARD= [ARTIFACT=] [MODE=] [LANES=] [CLOCK=] [SEEDS=]
	$(BIN)/prunus bitstream $(ARTIFACT) --board "$(BOARD)" --mode $(MODE) \
	  $(if $(LANES),--lanes $(LANES)) $(if $(CLOCK),--clock $(CLOCK)) \
	  $(if $(filter command environment,$(origin SEEDS)),--seeds $(SEEDS))

flash: $(MADE) ## Load a board with its latest bitstream: BOARD=
	$(BIN)/prunus flash --board "$(BOARD)"

boards: $(MADE) build/paper.npz build/nir/mnist-10.npz ## Bitstreams whose results are kept -> boards/results (hours)
	$(BIN)/python -m prunus_boards.measure.benchmark_builds
	$(MAKE) render

netlist: $(MADE) build/nir/mnist-10.npz ## Netlists of the iCEBreaker beside the model -> boards/results/netlist*.json (minutes)
	$(BIN)/python -m prunus_boards.measure.netlist_trial
	$(BIN)/python -m prunus_boards.measure.netlist_trial build/nir/mnist-10.npz -n 20 --lanes 1 --host-access load --output boards/results/netlist_layer.json

boards-test: $(MADE) ## Tests that synthesise, place and route (minutes)
	$(BIN)/python -m pytest -m boards

cells: $(MADE) ## Standard cells: area, energy by activity -> overhead/results/cells.json (an hour)
	$(BIN)/python -m prunus_overhead.standard_cells
	$(MAKE) render

gating: $(MADE) ## Standard cells without and with clock gates -> overhead/results/gating.json (an hour)
	$(BIN)/python -m prunus_overhead.standard_cells.gated
	$(MAKE) render

overhead: $(MADE) ## Cores without and with pruning: area, clock, cycles -> overhead/results/ablation.json (hours)
	$(BIN)/python -m prunus_overhead.ablation

energy: $(MADE) ## Energy of networks, classes a and b -> overhead/results/energy.json (minutes)
	$(BIN)/python -m prunus_overhead.energy

report: $(MADE) ## One page of what pruning costs and saves: build/report.html
	$(BIN)/python -m prunus_docs.report

build/paper.npz: | $(MADE)
	@mkdir -p build
	$(BIN)/prunus train --config paper --data mnist --epochs 2 --output $@

build/nir/mnist-10.npz: tests/model/exchange/mnist-10.nir | $(MADE)
	@mkdir -p build/nir
	$(BIN)/prunus import nir $< --steps 32 --set encoder.spikes=low-discrepancy --output $@ --force

bench: $(MADE) $(BINDSNET_MADE) ## Speed, side by side with BindsNET -> model/results/speed.json
	$(BIN)/python -m prunus_model.study.speed --bindsnet-python $(BINDSNET_PYTHON)

bench-accuracy: $(MADE) $(BINDSNET_MADE) ## Accuracy beside BindsNET's -> model/results/bindsnet.json (minutes)
	$(BIN)/python -m prunus_model.study.bindsnet --bindsnet-python $(BINDSNET_PYTHON)

# On Linux the package index has torch with CUDA only, which needs more than is listed there: then
# make an environment by hand and name it, BINDSNET_PYTHON=...
.venv-bindsnet/.made: model/bench/requirements-bindsnet.txt
	$(PYTHON) -m venv --clear .venv-bindsnet
	.venv-bindsnet/bin/pip install --quiet --no-deps -r $<
	@touch $@

nir: $(MADE) $(NIR_MADE) ## Graphs to and from other simulators -> model/results/nir.json (minutes)
	$(BIN)/python -m prunus_model.exchange.readback --python $(NIR_PYTHON)
	$(BIN)/python -m prunus_model.exchange.readin --python $(NIR_PYTHON)

.venv-nir/.made: model/bench/requirements-nir.txt
	$(PYTHON) -m venv --clear .venv-nir
	.venv-nir/bin/pip install --quiet --no-deps -r $<
	@touch $@

# Full MNIST is looked for where PRUNUS_DATA says, in the cache, and downloaded if it is nowhere.
results: $(MADE) ## Accuracy and SOPs on full MNIST -> model/results/mnist.json (minutes)
	$(BIN)/prunus reproduce results --output model/results/mnist.json
	$(MAKE) render

reproduce: $(MADE) ## The paper's claims -> model/results/reproduction.json: [ONLY=], also datasets (an hour and a half)
	$(if $(filter datasets,$(ONLY)),$(BIN)/prunus reproduce datasets --output model/results/datasets.json, \
	  $(BIN)/prunus reproduce paper $(addprefix --only ,$(ONLY)) \
	  --output model/results/reproduction.json --figures model/docs \
	  $(if $(filter frontier,$(or $(ONLY),frontier)),--frontier model/results/frontier.json))
	$(MAKE) render

search: $(MADE) ## Configurations of 100 neurons by accuracy, SOPs, memory -> overhead/results/search.json (minutes)
	$(BIN)/prunus search mnist-100 --jobs 1 --trials-file build/mnist-100.journal --output build/mnist-100
	cp build/mnist-100/search.json overhead/results/search.json
	cp build/mnist-100/pareto.png overhead/docs/search.png
	$(MAKE) render

change: $(MADE) ## A task that changes: pruning, regrowth -> model/results/change.json (20 minutes)
	$(BIN)/python -m prunus_model.study.change
	$(MAKE) render

render: $(MADE) ## Write the tables of the results into the READMEs
	$(BIN)/python -m prunus_docs

stale: $(MADE) ## List results that are not of today, what takes least time to renew first
	$(BIN)/python -m prunus_docs --stale

pretrained: $(MADE) ## Remake the bundled networks, bit for bit
	$(BIN)/prunus train -c demo -d mnist -e 2 -o model/prunus_model/pretrained/demo.npz --force
	$(BIN)/prunus train -c 400 -d mnist -e 2 -o model/prunus_model/pretrained/400.npz --force
	$(BIN)/prunus train -c up5k -d mnist -e 2 -o model/prunus_model/pretrained/up5k.npz --force
	$(BIN)/prunus train -c windows -d mnist -e 1 -o model/prunus_model/pretrained/windows.npz --force

docs: $(MADE) ## Documentation site -> build/docs; a warning is an error
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs/site build/docs -d build/docs-trees

docs-links: $(MADE) ## Links of the site to other sites (needs the network)
	$(BIN)/python -m sphinx -q -b linkcheck docs/site build/docs-links -d build/docs-trees

# What an index would get: from the sdist the wheel is built, and the sdist installs by itself.
dist: $(MADE) ## Source distribution and wheel -> dist, checked, installed from the source (minutes)
	rm -rf dist build/dist-env
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear build/dist-env
	build/dist-env/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.tar.gz
	cd build && dist-env/bin/prunus train --epochs 1 --output dist-env/demo.npz

clean: ## Remove what was built, the environments too
	rm -rf build dist .venv .venv-bindsnet .venv-nir .pytest_cache .mypy_cache .ruff_cache .hypothesis
