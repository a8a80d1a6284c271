"""A program on a bus: registers by their names, presentations, state by the memory port."""

from __future__ import annotations

from collections import abc
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.triggers import RisingEdge, with_timeout

from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.presentation import Request
from prunus_model.spec.readout import UNDECIDED
from prunus_rtl.bus.event_input import NO_INPUT
from prunus_rtl.bus.memory_port import answer_layout
from prunus_rtl.bus.registers import COUNTS, register
from prunus_rtl.core.result import counter_widths, expanded
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.outcome import Outcome
from prunus_sim.cosim.port import Port
from prunus_sim.cosim.stimulus import Stimulus

__all__ = ["BusPort", "Program", "field_of", "packets_of", "word"]

#: Period of the clock.
CYCLE_NS = 8


def word(name: str, **fields: int) -> int:
    """Return a word for a register from the values of its fields."""
    return sum(int(value) << register(name).field(field).lsb for field, value in fields.items())


def field_of(name: str, field: str, value: int) -> int:
    """Return a field of a word that was read."""
    at = register(name).field(field)
    return value >> at.lsb & (1 << at.width) - 1


def packets_of(stimulus: Stimulus, shapes: Shapes) -> list[list[int]]:
    """Return the packets of a stimulus: an image, or one for each step."""
    if shapes.hardware.source == "levels":
        return [np.asarray(stimulus).astype(int).tolist()]
    steps = [sorted(map(int, pres)) or [NO_INPUT] for pres in stimulus]
    return steps + [[NO_INPUT]] * (shapes.network.encoder.steps - len(steps))


class Program:
    """Uses a core as the register table says.

    Parameters
    ----------
    dut : cocotb handle
        The system.
    master : object
        One of :mod:`prunus_sim.bus.masters`.
    shapes : Shapes
        Of the core.
    """

    def __init__(self, dut: Any, master: Any, shapes: Shapes) -> None:
        self.dut = dut
        self.master = master
        self._shapes = shapes
        # Words of SPIKE that were taken while the presentation ran.
        self._taken: list[int] = []
        self.port = BusPort(self, shapes)

    async def read(self, name: str) -> int:
        """Read a register that can be read."""
        value, error = await self.master.read(register(name).offset)
        if error:
            raise AssertionError(f"{name} must be readable")
        return int(value)

    async def write(self, name: str, value: int) -> None:
        """Write a register that can be written."""
        if await self.master.write(register(name).offset, value):
            raise AssertionError(f"{name} must be writable, also {value:#x}")

    async def field(self, name: str, field: str) -> int:
        """Read a field of a register."""
        return field_of(name, field, await self.read(name))

    async def send(self, stimulus: Stimulus) -> None:
        """Send a stimulus by registers; only an image while nothing runs."""
        if self._shapes.hardware.source == "levels":
            (levels,) = packets_of(stimulus, self._shapes)
            while not await self.read("ROOM"):
                pass
            for at in range(0, len(levels), 4):
                # What is too much is ignored.
                four = (levels[at : at + 4] + [255] * 4)[:4]
                await self.write("LEVELS", int.from_bytes(bytes(four), "little"))
            return
        room = 0
        for pres in packets_of(stimulus, self._shapes):
            for k, pre in enumerate(pres):
                while not room:
                    # The core may wait for room for its spikes.
                    await self._take_if_full()
                    room = await self.read("ROOM")
                room -= 1
                await self.write("EVENT", word("EVENT", input=pre, last=k == len(pres) - 1))

    async def start(self, request: Request, **control: int) -> None:
        """Start a presentation."""
        await self.write("MARGIN", request["margin"])
        fields = {name: int(request[name]) for name in ("learn", "keep", "stop_after")}
        await self.write("CONTROL", word("CONTROL", start=1, **fields, **control))

    async def done(self, limit: int) -> None:
        """Wait for the interrupt of the end of a presentation, and clear it.

        Whenever the core waits for room, the spikes that are there are taken.
        """
        while True:
            if not int(self.dut.interrupt.value):
                await with_timeout(RisingEdge(self.dut.interrupt), limit * CYCLE_NS, "ns")
            full = await self._take_if_full()
            if await self.field("INTERRUPT_STATUS", "done"):
                await self.write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", done=1))
                return
            if not full:
                raise AssertionError(
                    f"interrupt must be of spikes or the end, ERROR is {await self.read('ERROR')}"
                )
            # It follows what was cleared two cycles later.
            for _ in range(2):
                await RisingEdge(self.dut.clk)

    async def _take_if_full(self) -> bool:
        """Take the spikes that are there if the core waits for room; return whether it did."""
        if not await self.field("INTERRUPT_STATUS", "spikes_full"):
            return False
        while await self.field("STATUS", "spike_ready"):
            self._taken.append(await self.read("SPIKE"))
        await self.write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", spikes_full=1))
        return True

    async def outcome(self, *, learn: bool, packet: abc.Sequence[int] | None = None) -> Outcome:
        """Read the outcome of a presentation.

        Parameters
        ----------
        learn : bool
            Whether the core learned.
        packet : sequence of int, optional
            Spikes that came over the stream. Default: they are read.
        """
        shapes = self._shapes
        counts = {name: await self.read(COUNTS[name]) for name in counter_widths(shapes)}
        counts["forward_sops"] |= await self.read("FORWARD_SOPS_HIGH") << 32
        if packet is None:
            left = counts["output_spikes"] + 1 - len(self._taken)
            packet = [*self._taken, *[await self.read("SPIKE") for _ in range(left)]]
            self._taken = []
        *spikes, end = packet
        result = await self.read("RESULT")
        undecided = field_of("RESULT", "undecided", result)
        prediction = field_of("RESULT", "prediction", result)
        if end != 1 << 31 | undecided << 30 | prediction:
            raise AssertionError(f"end of the spikes must hold the result, not {end:#x}")
        if not field_of("RESULT", "known", result):
            raise AssertionError("there must be a result")
        return Outcome(
            spike_steps=tuple(spike & (1 << STEP_BITS) - 1 for spike in spikes),
            spike_posts=tuple(spike >> STEP_BITS for spike in spikes),
            prediction=UNDECIDED if undecided else prediction,
            lead=await self.read("LEAD"),
            counters=expanded(counts, shapes.network, shapes.hardware, learn=learn),
            cycles=counts["cycles"],
        )


class BusPort(Port):
    """Memory port of a core behind a bus: every state variable by ``MEMORY_DATA``.

    Parameters
    ----------
    program : Program
        What accesses the registers.
    shapes : Shapes
        Network and hardware.
    """

    def __init__(self, program: Program, shapes: Shapes) -> None:
        self._program = program
        self._shapes = shapes

    async def _go(self, value: int | None) -> int:
        master, offset = self._program.master, register("MEMORY_DATA").offset
        if value is None:
            found, error = await master.read(offset)
        else:
            found, error = 0, await master.write(offset, value)
        return int(answer_layout().const({"data": found, "error": int(error)}).as_bits())

    async def _row(self, space: Space, first: int, words: abc.Sequence[int | None]) -> list[int]:
        address = word("MEMORY_ADDRESS", space=space, address=first, increment=1)
        await self._program.write("MEMORY_ADDRESS", address)
        return [await self._go(value) for value in words]

    async def read_space(
        self, space: Space, *, rows: int = 1, stride: int = 0, columns: int, first: int = 0
    ) -> npt.NDArray[np.int64]:
        """Read ``rows`` times ``columns`` addresses."""
        found = [await self._row(space, first + k * stride, [None] * columns) for k in range(rows)]
        return np.array(found, dtype=np.int64).reshape(rows, columns)

    async def write_space(
        self, space: Space, words: npt.NDArray[np.int64], *, stride: int = 0, first: int = 0
    ) -> npt.NDArray[np.int64]:
        """Write rows of words; return the answers, as :meth:`read_space` does."""
        rows = words.tolist()
        found = [await self._row(space, first + k * stride, row) for k, row in enumerate(rows)]
        return np.array(found, dtype=np.int64).reshape(words.shape)
