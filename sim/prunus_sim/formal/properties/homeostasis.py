"""Properties of homeostasis: state saturates, and no neuron is missed."""

from __future__ import annotations

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Array, Assert, Assume, Cover, Module, Mux, Signal

from prunus_model.spec.formats import POST_COUNT_BITS, THETA_BITS, V_FIRE_BITS, max_of
from prunus_model.spec.units import HomeostasisParams
from prunus_rtl.neurons.threshold import Homeostasis
from prunus_rtl.shapes import Shapes
from prunus_sim.formal.case import Case, Properties
from prunus_sim.formal.harness import implies, opened, past, small, words_of
from prunus_sim.formal.properties.threshold import formula

__all__ = ["CASES", "HomeostasisProperties"]


class HomeostasisProperties(Properties):
    """State of one neuron, any one: raised, decayed, counted and kept as the semantics say.

    And its threshold is in force whenever it is not computed anew.

    The unit is used as its docstring demands: ``derive``, ``fire`` and ``settle`` only while it is
    not busy, one at a time, and ``post`` held from ``fire`` until after ``settle``. The
    memory port is not used.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, *, shapes: Shapes) -> None:
        self._shapes = s = shapes
        super().__init__(
            free={
                "derive": 1,
                "decay": 1,
                "post": s.post,
                "fire": 1,
                "settle": 1,
                "new_strength": s.strength,
                "changed": 1,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        s = self._shapes
        params = s.network.homeostasis
        neurons = s.network.neurons
        unit = Homeostasis(
            neurons=s.network.neurons,
            params=s.network.homeostasis,
            strength_bits=s.strength.width,
            multiplier=s.hardware.multiplier,
        )
        inside = opened(unit)
        m.submodules.unit = unit
        post = Signal(s.post)
        m.d.comb += [post.eq(AnyConst(s.post)), Assume(post < neurons)]
        state = {
            name: Array(words_of(m, inside.submodules[name], name=name))[post]
            for name in ("theta", "strength", "post_count")
        }
        now: dict[str, Any] = {}
        for name, word in state.items():
            now[name] = Signal(getattr(s, name), name=f"{name}_now")
            m.d.comb += now[name].eq(word)
        before = {name: past(m, value, name=name) for name, value in now.items()}
        first = Signal(init=1)
        # 1: fire, 2: settle, 3: derive.
        fired = Signal()
        m.d.sync += first.eq(0)
        with m.If(self.fire):
            m.d.sync += fired.eq(1)
        with m.Elif(self.settle):
            m.d.sync += fired.eq(0)
        held = past(m, self.post, name="post")
        # Read in the first cycle, written in the second.
        firing = past(m, self.fire & (self.post == post), name="firing", cycles=2)
        settling = past(m, self.settle & (self.post == post), name="settling")
        kept = past(m, self.new_strength, name="new_strength")
        deriving, decaying, derived = Signal(), Signal(), Signal()
        with m.If(self.derive):
            m.d.sync += [deriving.eq(1), decaying.eq(self.decay), derived.eq(0)]
        with m.Elif(~unit.busy):
            m.d.sync += deriving.eq(0)
        mine = unit.v_fire_write & (unit.v_fire_post == post)
        with m.If(mine & deriving):
            m.d.sync += derived.eq(1)
        decays = deriving & decaying
        most = max_of(THETA_BITS)
        up = before["theta"] + params.theta_plus
        down = before["theta"] - (before["theta"] >> params.theta_decay_shift)
        changes = [~first & (before[name] != now[name]) for name in now]
        theta_new = Signal(s.theta)
        m.d.comb += theta_new.eq(Mux(up > most, most, up))
        base = now["theta"] + params.v_th
        expected = formula(m, s, base * now["strength"], now["strength"])
        went = past(m, deriving, name="deriving") | deriving
        # What was handed on last, unless somebody else has written the threshold since.
        in_force = Signal()
        threshold = Signal(V_FIRE_BITS)
        with m.If(mine):
            m.d.sync += [in_force.eq(1), threshold.eq(unit.v_fire)]
        with m.Elif(self.changed):
            m.d.sync += in_force.eq(0)
        skipped = past(m, self.derive, name="derive") & ~unit.busy
        finished = past(m, unit.busy & deriving, name="was_busy") & ~unit.busy
        m.d.comb += [
            unit.recompute.eq(self.derive),
            unit.decay.eq(self.decay),
            unit.post.eq(self.post),
            unit.spike.eq(self.fire),
            unit.update.eq(self.settle),
            unit.new_strength.eq(self.new_strength),
            unit.v_fire_changed.eq(self.changed),
            Assume(implies(self.changed, ~unit.busy & ~self.derive & ~fired)),
            Assume(self.post < neurons),
            Assume(implies(self.derive | self.fire | self.settle, ~unit.busy & ~first)),
            Assume(self.derive + self.fire + self.settle <= 1),
            Assume(implies(self.fire | self.derive, ~fired)),
            Assume(implies(self.settle, fired)),
            Assume(implies(fired | unit.busy, self.post == held)),
            Assert(
                implies(~first & firing, now["theta"] == theta_new),
                "a spike raises theta, saturating",
            ),
            Assert(
                implies(
                    ~first & firing,
                    now["post_count"]
                    == Mux(
                        before["post_count"] == max_of(POST_COUNT_BITS),
                        max_of(POST_COUNT_BITS),
                        before["post_count"] + 1,
                    ),
                ),
                "a spike is counted, saturating",
            ),
            Assert(
                implies(~first & firing, (unit.post_count == now["post_count"]))
                & implies(~first & firing, unit.strength == before["strength"]),
                "pruning gets the new count and the old strength",
            ),
            Assert(implies(~first & settling, now["strength"] == kept), "the new strength is kept"),
            Assert(
                implies(changes[0], firing | (decays & (now["theta"] == down))),
                "theta: nobody else",
            ),
            Assert(implies(changes[1], settling), "strength: nobody else"),
            Assert(implies(changes[2], firing), "post_count: nobody else"),
            Assert(implies(mine, unit.v_fire == expected), "v_fire equals its formula"),
            Assert(implies(finished, derived), "every neuron gets a threshold"),
            Assert(
                implies(skipped, in_force & (threshold == expected)),
                "a threshold that is not computed is in force",
            ),
            Assert(implies(skipped, ~past(m, self.decay, name="decay")), "theta decays"),
            Assert(
                implies(unit.v_fire_write & ~deriving, unit.v_fire_post == self.post),
                "the threshold of the neuron that fired",
            ),
            Cover(firing & (now["theta"] == most) & (before["theta"] != most), "theta saturates"),
            Cover(firing & (now["post_count"] == before["post_count"]), "post_count saturates"),
            Cover(skipped, "nothing to do"),
            Cover(finished & changes[0] | (finished & went), "derived"),
            Cover(changes[0] & decays, "theta decays"),
            Cover(mine & ~deriving & (unit.v_fire != max_of(V_FIRE_BITS)), "settled"),
        ]
        return m


CASES = (
    Case(
        name="theta, post_count saturate; all derived",
        sizes="3 neurons, 1-bit strength, dsp",
        build=lambda: HomeostasisProperties(
            shapes=small(
                inputs=1,
                neurons=3,
                lanes=1,
                weight_bits=1,
                network={"homeostasis": HomeostasisParams(theta_decay_shift=4, fire_shift=2)},
                hardware={"multiplier": "dsp"},
            )
        ),
        bmc=15,
        cover=15,
        deep=20,
    ),
)
