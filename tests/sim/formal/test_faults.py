# amaranth: UnusedElaboratable=no
"""A fault planted in the source of each unit is found, and the broken assertion is named."""

import inspect
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

from prunus_rtl.bus.memory_port import MemoryPort
from prunus_rtl.core.sequencer import Sequencer
from prunus_rtl.encoder.gather import Gather
from prunus_rtl.encoder.images import Images
from prunus_rtl.encoder.rate import Encoder
from prunus_rtl.encoder.refractory import Refractory
from prunus_rtl.lib.broadcast_fifo import BroadcastQueue
from prunus_rtl.neurons.feedforward import FeedforwardMembrane
from prunus_rtl.neurons.feedforward_lane import FeedforwardLane
from prunus_rtl.neurons.lane import MembraneLane
from prunus_rtl.neurons.readout import Readout
from prunus_rtl.neurons.spike_queue import SpikeQueue
from prunus_rtl.neurons.threshold import FireThreshold, Homeostasis
from prunus_rtl.neurons.winner import WinnerTree
from prunus_rtl.plasticity.lift import Lift
from prunus_rtl.plasticity.lift_factor import LiftFactor
from prunus_rtl.plasticity.pruning import Pruning
from prunus_rtl.plasticity.stdp import LearningSweep, WeightUpdate
from prunus_rtl.synapses.bitmask import BitmaskStore
from prunus_rtl.synapses.csr import CsrStore
from prunus_rtl.synapses.dense import LearningStore
from prunus_rtl.synapses.raw import RawStore
from prunus_rtl.synapses.spram import CsrSpramStore
from prunus_sim.formal.case import CounterexampleError
from prunus_sim.formal.properties import core
from prunus_sim.formal.prove import UNITS
from prunus_sim.formal.solver import prove

#: Proof unit and number of its case; component, and what is changed in it; the assertion that must
#: fail, and within how many steps.
FAULTS = [
    ("array", 0, WinnerTree, "high.as_value() > low", "high.as_value() >= low",
     "a tie goes to the lowest post", 11),
    ("array", 0, MembraneLane, "v + operand + carry", "v + operand",
     "every potential has leaked once", 11),
    ("bitmask", 0, BitmaskStore, "current + 1", "current + 2",
     "the walked row is what is left", 8),
    ("broadcast_fifo", 0, BroadcastQueue, "shown != read", "write != read",
     "an item is read once, and then shown", 8),
    ("csr", 0, CsrStore, "none.eq(pointer.none)", "none.eq(0)",
     "everything on the scoreboard is somewhere", 8),
    ("csr", 0, CsrStore, "current[:end_bits] + 1", "current[:end_bits]",
     "the entry that is read comes next", 12),
    ("dense", 0, LearningStore, "(~self.synapse.valid | self.synapse.ready)", "1",
     "everything on the scoreboard is somewhere", 8),
    ("feedforward", 1, FeedforwardMembrane, "eq(self.compare | self.clear)", "eq(self.clear)",
     "the queue of output spikes begins empty", 4),
    ("feedforward", 1, FeedforwardLane, "reaches & exists", "reaches",
     "those fire that reach their threshold, and no others", 9),
    ("feedforward", 1, FeedforwardLane, "high.any() & ~high.all()", "high.any()",
     "a potential is what the step leaves", 9),
    ("homeostasis", 0, Homeostasis, "theta_sum > max_of(THETA_BITS)", "theta_sum > 1 << THETA_BITS",
     "a spike raises theta, saturating", 8),
    ("homeostasis", 0, Homeostasis, "init=(1 << self._groups) - 1)", "init=0)",
     "a threshold that is not computed is in force", 8),
    ("lift", 1, LiftFactor, "fits | too_large", "fits",
     "the factor is the quotient, rounded down", 37),
    ("lift", 3, Lift, "rate_sum + memory.write_data", "rate_sum + rates",
     "the sum is that of all rates", 18),
    ("memory_port", 0, MemoryPort, "with m.If(self.answers.ready)", "with m.If(1)",
     "answers.valid is held until ready", 8),
    ("pruning", 1, Pruning, "bits) < self.w_prune", "bits) <= self.w_prune",
     "prunes iff weight < w_prune", 4),
    ("pruning", 2, Pruning, "ramp < cap", "ramp > cap", "w_prune equals its formula", 4),
    ("rate", 0, Images, "load_bank.eq(~load_bank)", "load_bank.eq(load_bank)",
     "two images are taken, no more", 8),
    ("rate", 1, Gather, "show_bank.eq(~show_bank)", "show_bank.eq(show_bank)",
     "loaded: a whole image waits", 21),
    ("rate", 1, Encoder, "self.stop | self.next_view", "self.stop",
     "nothing without an image", 21),
    ("raw", 0, RawStore, "fetched == image.slots - 1", "fetched == image.slots - 2",
     "a row is walked to its end", 8),
    ("readout", 0, Readout, "new > best", "new >= best", "a tie goes to the lowest class", 12),
    ("readout", 0, Readout, "total[-1]", "0",
     "a tie goes to the lowest class", 26),
    ("refractory", 0, Refractory, "age <= self", "age < self",
     "dropped iff its input was just heard", 18),
    ("spike_queue", 0, SpikeQueue, "Mux(rest.any(), rest, -1)", "rest",
     "a word begins whole", 8),
    ("spram", 0, CsrSpramStore, "current != end", "current + 1 != end",
     "the entry is the next one of the input", 8),
    ("stdp", 0, WeightUpdate, "distance - change", "distance + change",
     "the new weight equals its formula", 1),
    ("stdp", 6, LearningSweep, "self.prune, 0, new_weight", "self.prune, 1, new_weight",
     "an unpruned synapse gets its new weight, or is pruned", 12),
    ("threshold", 3, FireThreshold, "silent | ", "", "v_fire equals its formula", 6),
]  # fmt: skip


def plant(monkeypatch: pytest.MonkeyPatch, unit: type, before: str, after: str) -> None:
    """Change the source of a component's hardware at one place, in whatever method that is."""
    sources = {
        name: textwrap.dedent(inspect.getsource(method))
        for name, method in inspect.getmembers(unit, inspect.isfunction)
        if name == "elaborate" or method.__module__ == unit.__module__
    }
    (name,) = (name for name, source in sources.items() if before in source)
    assert sources[name].count(before) == 1, (unit, before)
    names = dict(vars(sys.modules[unit.__module__]))
    exec(compile(sources[name].replace(before, after), unit.__name__, "exec"), names)
    monkeypatch.setattr(unit, name, names[name])


@pytest.mark.formal
@pytest.mark.parametrize(
    ("proof", "number", "unit", "before", "after", "assertion", "steps"),
    [pytest.param(*row, id=f"{row[0]}: {row[3]} -> {row[4]}") for row in FAULTS],
)
def test_fault_gives_a_counterexample(
    proof: str,
    number: int,
    unit: type,
    before: str,
    after: str,
    assertion: str,
    steps: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = import_module(f"prunus_sim.formal.properties.{proof}").CASES[number]
    plant(monkeypatch, unit, before, after)
    with pytest.raises(CounterexampleError, match=" fails in step ") as caught:
        prove(case.build(), mode="bmc", depth=steps, folder=tmp_path)
    assert caught.value.property == assertion
    assert caught.value.vcd is not None
    assert caught.value.vcd.exists()


@pytest.mark.formal
def test_fault_in_a_core_is_no_longer_inductive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From power-up, an output spike is tens of steps away."""
    plant(monkeypatch, Sequencer, "with m.If(self.spikes.ready)", "with m.If(1)")
    with pytest.raises(CounterexampleError, match=" is not inductive with 2 steps") as caught:
        prove(core.CASES[0].build(), mode="induction", depth=2, folder=tmp_path)
    assert caught.value.property == "spikes.valid is held until ready"


def test_every_proof_has_a_fault() -> None:
    assert {row[0] for row in FAULTS} | {"core"} == set(UNITS)
