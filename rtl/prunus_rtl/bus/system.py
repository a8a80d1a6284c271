"""Systems: a core behind a bus, with its streams if the bus has any."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.bus.axi_lite import AxiLite, AxiLiteSignature
from prunus_rtl.bus.axi_stream import AxiStreamSignature, connect_stream
from prunus_rtl.bus.capability import SPIKE_ROOM, spike_room
from prunus_rtl.bus.event_input import INPUT_BITS, EventInput
from prunus_rtl.bus.image_input import ImageInput
from prunus_rtl.bus.presenter import BusPresenter
from prunus_rtl.bus.register_file import RegisterFile
from prunus_rtl.bus.registers import REGISTER_BITS
from prunus_rtl.bus.spike_output import SpikeOutput
from prunus_rtl.bus.wishbone import Wishbone, WishboneSignature

__all__ = ["AxiSystem", "WishboneSystem"]


def _flat(prefix: str, signature: wiring.Signature, flow: Any) -> dict[str, Any]:
    """Return the members of a signature as ports of their own: ``prefix_name``.

    So tools know them as a bus by their names. ``flow`` is that of what the signature calls Out.
    """
    back = In if flow is Out else Out
    return {
        f"{prefix}_{name}": (flow if member.flow is Out else back)(member.shape)
        for name, member in signature.members.items()
    }


class _Ports:
    """The members of a bus among the flat ports of a system."""

    def __init__(self, owner: Any, prefix: str, signature: wiring.Signature) -> None:
        for name in signature.members:
            setattr(self, name, getattr(owner, f"{prefix}_{name}"))


class _System(wiring.Component):
    """Core, register file, inputs and spikes; subclasses add the bus."""

    _streams = False

    def __init__(self, *, core: Any, network: bytes, bus: dict[str, Any], limit: int) -> None:
        self._core = core
        self._limit = limit
        self._network = network
        super().__init__(bus | {"interrupt": Out(1)})

    @property
    def core(self) -> Any:
        """The core."""
        return self._core

    def elaborate(self, platform: Any) -> Module:
        """Build the system."""
        m = Module()
        core, s = self._core, self._core.shapes
        result = core.result.payload.shape()
        levels = s.hardware.source == "levels"
        m.submodules.registers = registers = RegisterFile(
            shapes=s,
            result=result,
            network=self._network,
            streams=self._streams,
            limit=self._limit,
        )
        m.submodules.core = ResetInserter(registers.reset)(core)
        presenter = BusPresenter(control=s.control, result=result)
        m.submodules.presenter = ResetInserter(registers.reset)(presenter)
        inputs: Any = (
            ImageInput(inputs=s.network.image_levels)
            if levels
            else EventInput(event=s.event, inputs=s.network.inputs, steps=s.network.encoder.steps)
        )
        m.submodules.inputs = ResetInserter(registers.reset)(inputs)
        m.submodules.spikes = spikes = SpikeOutput(
            spike=s.spike,
            prediction_bits=s.prediction_bits,
            depth=spike_room(s, limit=self._limit) + 1,
        )
        wiring.connect(m, registers.memory_requests, core.requests)
        wiring.connect(m, core.answers, registers.memory_answers)
        wiring.connect(m, presenter.control, core.control)
        wiring.connect(m, core.result, presenter.result)
        wiring.connect(m, core.spikes, spikes.spikes)
        source = s.hardware.source
        wiring.connect(m, getattr(inputs, source), getattr(core, source))
        m.d.comb += [
            self.interrupt.eq(registers.interrupt),
            presenter.start.eq(registers.start),
            presenter.request.eq(registers.control),
            presenter.hold.eq(spikes.hold),
            registers.result.eq(core.result.payload),
            registers.room.eq(inputs.room),
            registers.held.eq(inputs.held),
            inputs.streaming.eq(registers.input_stream),
            spikes.streaming.eq(registers.spike_stream),
            spikes.no_spikes.eq(registers.no_spikes),
            spikes.began.eq(presenter.began),
            spikes.done.eq(presenter.done),
            spikes.prediction.eq(core.result.p.prediction),
            spikes.undecided.eq(core.result.p.undecided),
            spikes.take.eq(registers.take_spike),
            spikes.clear.eq(registers.reset),
            registers.spike.eq(spikes.word),
            registers.spike_ready.eq(spikes.available),
            registers.spikes_full.eq(spikes.full),
        ]
        for name in ("busy", "running", "known", "began", "done"):
            m.d.comb += getattr(registers, name).eq(getattr(presenter, name))
        if levels:
            m.d.comb += [
                inputs.drop.eq(registers.drop),
                inputs.word.eq(registers.word),
                inputs.write.eq(registers.write_levels),
                inputs.began.eq(presenter.began),
                registers.levels_done.eq(inputs.done),
                registers.early.eq(inputs.early),
                registers.late.eq(inputs.late),
                registers.cancelled.eq(presenter.withdrawn),
                presenter.ready.eq(inputs.ready),
                # The image that is dropped is the one that was waited for.
                presenter.withdraw.eq(
                    registers.cancel | (inputs.early | inputs.late) & ~inputs.held
                ),
            ]
        else:
            m.d.comb += [
                inputs.item.eq(registers.item),
                inputs.write.eq(registers.write_event),
                inputs.finish.eq(registers.cancel & presenter.busy),
                inputs.done.eq(presenter.done),
                registers.wrong.eq(inputs.wrong),
                registers.value.eq(inputs.invalid),
                registers.cancelled.eq(inputs.began),
                presenter.ready.eq(1),
            ]
        self._connect(m, registers, inputs, spikes)
        return m

    def _connect(self, m: Module, registers: Any, inputs: Any, spikes: Any) -> None:
        """Connect the bus, and streams if there are any."""
        raise NotImplementedError

    def _connect_slave(self, m: Module, name: str, prefix: str, slave: Any, registers: Any) -> None:
        """Add the slave of a bus, between the ports of that prefix and the registers."""
        m.submodules[name] = slave
        wiring.connect(m, slave.requests, registers.requests)
        wiring.connect(m, registers.responses, slave.responses)
        for member_name, member in slave.bus.signature.members.items():
            port, inner = getattr(self, f"{prefix}_{member_name}"), getattr(slave.bus, member_name)
            # As the slave sees it.
            m.d.comb += inner.eq(port) if member.flow is In else port.eq(inner)


class AxiSystem(_System):
    """A core behind AXI4-Lite, with AXI4-Streams.

    How it is used: :mod:`prunus_rtl.bus.registers`.

    Timing
    ------
    As :class:`.AxiLite`, :class:`.RegisterFile` and :class:`prunus_rtl.core.core.Core`. Clock
    domain ``sync``; its reset is synchronous and active high.

    Parameters
    ----------
    core : Core
        The core.
    network : bytes
        Content hash of the network that is there at power-on; 32 bytes, all 0 if there is none.
    spike_room : int
        Most output spikes that wait for the program; with more, the core waits, too.

    Members
    -------
    s_axi_awaddr ... s_axi_rready
        AXI4-Lite slave, :class:`.AxiLiteSignature`.
    s_axis_levels_tdata ... or s_axis_events_tdata ...
        AXI4-Stream of the inputs, 8 or 16 bits.
    m_axis_spikes_tdata ...
        AXI4-Stream of the spikes, 32 bits.
    interrupt : Out(1)
        High until the program clears what has happened.

    Raises
    ------
    ConfigError
        If numbers of the core are too wide for the registers.
    ValueError
        If the hash is not one.
    """

    _streams = True

    def __init__(self, *, core: Any, network: bytes, spike_room: int = SPIKE_ROOM) -> None:
        source = core.hardware.source
        self._input = (
            f"s_axis_{source}",
            AxiStreamSignature(LEVEL_BITS if source == "levels" else INPUT_BITS),
        )
        self._spikes = "m_axis_spikes", AxiStreamSignature(REGISTER_BITS)
        bus = (
            _flat("s_axi", AxiLiteSignature(), In)
            | _flat(*self._input, In)
            | _flat(*self._spikes, Out)
        )
        super().__init__(core=core, network=network, bus=bus, limit=spike_room)

    def _connect(self, m: Module, registers: Any, inputs: Any, spikes: Any) -> None:
        self._connect_slave(m, "axi_lite", "s_axi", AxiLite(), registers)
        connect_stream(m, _Ports(self, *self._input), inputs.packets)
        connect_stream(m, spikes.packets, _Ports(self, *self._spikes))


class WishboneSystem(_System):
    """A core behind Wishbone B4, everything by registers.

    How it is used: :mod:`prunus_rtl.bus.registers`.

    Timing
    ------
    As :class:`.Wishbone`, :class:`.RegisterFile` and :class:`prunus_rtl.core.core.Core`. Clock
    domain ``sync``; its reset is synchronous and active high.

    Parameters
    ----------
    core, network, spike_room
        As of :class:`AxiSystem`.

    Members
    -------
    wb_cyc ... wb_err
        Wishbone slave, :class:`.WishboneSignature`.
    interrupt : Out(1)
        High until the program clears what has happened.

    Raises
    ------
    ConfigError, ValueError
        As :class:`AxiSystem`.
    """

    def __init__(self, *, core: Any, network: bytes, spike_room: int = SPIKE_ROOM) -> None:
        bus = _flat("wb", WishboneSignature(), In)
        super().__init__(core=core, network=network, bus=bus, limit=spike_room)

    def _connect(self, m: Module, registers: Any, inputs: Any, spikes: Any) -> None:
        self._connect_slave(m, "wishbone", "wb", Wishbone(), registers)
        # There are no streams.
        m.d.comb += [inputs.packets.valid.eq(0), spikes.packets.ready.eq(0)]
