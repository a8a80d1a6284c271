"""Drives the testbench of a core: resets it, feeds it, presents, and reads its memories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.triggers import SimTimeoutError, Timer, with_timeout

from prunus_model.spec.presentation import Request
from prunus_rtl.shapes import Shapes
from prunus_rtl.streams import control_fields
from prunus_sim.cosim.backdoor import StateArrays, gather
from prunus_sim.cosim.interface import BACKDOOR_FILE, FEED_FILE, RESULT_FILE, Opcode
from prunus_sim.cosim.outcome import Outcome, OutcomeReader
from prunus_sim.cosim.port import Port

__all__ = ["CoreDriver"]

#: Period of the clock.
_CYCLE_NS = 8


class CoreDriver:
    """Drives a core in the simulator.

    Parameters
    ----------
    tb : cocotb handle
        The testbench (:mod:`prunus_sim.cosim.testbench`).
    shapes : Shapes
        Network and hardware.
    folder : Path
        Where the simulator was started.

    Attributes
    ----------
    port : Port
        Reads and writes the state through the memory port.
    """

    def __init__(self, tb: Any, *, shapes: Shapes, folder: Path) -> None:
        self._tb = tb
        self._shapes = shapes
        self._folder = folder
        self._commands = 0
        self._fed = np.empty(0, dtype=np.int64)
        self._reader = OutcomeReader(folder / RESULT_FILE, shapes)
        self.port = Port(self._command, shapes=shapes, folder=folder)

    @property
    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return int(self._tb.cycles.value)

    async def reset(self) -> None:
        """Reset the core, and forget the spikes of a presentation that did not end."""
        await self._command(Opcode.RESTART, timeout=100)
        self._reader.spikes.clear()

    async def feed(self, words: npt.NDArray[np.int64]) -> None:
        """Store levels, or events, for the presentations to come."""
        self._fed = words.ravel()
        lines = "\n".join(f"{word:x}" for word in words.ravel().tolist())
        (self._folder / FEED_FILE).write_text(lines + "\n")
        await self._command(Opcode.LOAD_FEED, timeout=10, last=words.size)

    async def present(
        self,
        *,
        first: int,
        last: int,
        presentations: int,
        limit: int,
        request: Request,
        pause: float = 0.0,
        seed: int = 1,
        reset_after: int = 0,
    ) -> list[Outcome]:
        """Present words ``first`` to ``last`` (exclusive) of the feed.

        Parameters
        ----------
        first, last, presentations : int
            Words, and how many presentations they are. They follow each other without a gap.
        limit : int
            Cycles after which the testbench stops waiting for results.
        request : Request
            How each is presented.
        pause, seed : float, int
            Probability of a pause, in every cycle of every stream; seed of the pauses.
        reset_after : int
            Reset the core after so many cycles, without waiting for its results; 0 means never.

        Returns
        -------
        list of Outcome

        Raises
        ------
        AssertionError
            If a stream breaks a rule, or results are missing when the limit is reached.
        ValueError
            If a core without learning is to learn.
        """
        shapes = self._shapes
        if request["learn"] and not shapes.hardware.learn:
            raise ValueError("A presentation must not learn in a core without learning")
        control = control_fields(request, learn=shapes.hardware.learn)
        await self._command(
            Opcode.PRESENT,
            timeout=limit + 1000,
            first=first,
            last=last,
            presentations=presentations,
            limit=limit,
            control=shapes.control.const(control).as_bits(),
            pause=round(256 * pause),
            seed=seed or 1,
            reset_after=reset_after,
        )
        outcomes = self._reader.read(learn=request["learn"])
        if reset_after:
            self._reader.spikes.clear()
            return outcomes
        broken = int(self._tb.broken.value)
        names = [n for bit, n in enumerate(("spikes", "result", "answers")) if broken >> bit & 1]
        if names:
            raise AssertionError(f"Stream {', '.join(names)} must hold an offer until it is taken")
        if int(self._tb.timed_out.value) or len(outcomes) != presentations:
            raise AssertionError(
                f"core must give {presentations} results in {limit} cycles, but gave "
                f"{len(outcomes)}{self._missing_ends(first, last, presentations)}"
            )
        if int(self._tb.unmatched.value):
            raise AssertionError("core must take the whole input, and give one result for each")
        if self._reader.spikes:
            count = len(self._reader.spikes)
            raise AssertionError(f"core must count every output spike, but left out {count}")
        return outcomes

    def _missing_ends(self, first: int, last: int, presentations: int) -> str:
        """Return the end of a message if events lack ends of steps, for which the core waits."""
        shapes = self._shapes
        if shapes.hardware.source != "events":
            return ""
        words = self._fed[first:last].tolist()
        ends = sum(int(shapes.event.from_bits(word)["end"]) for word in words)
        want = presentations * shapes.network.encoder.steps
        return "" if ends >= want else f": {want} steps must have their end, but only {ends} have"

    async def read_backdoor(self) -> StateArrays:
        """Read all state variables from the simulator's memories, without the memory port."""
        await self._command(Opcode.BACKDOOR, timeout=10)
        memories: dict[str, list[int]] = {}
        name = ""
        for line in (self._folder / BACKDOOR_FILE).read_text().splitlines():
            if line.startswith("@"):
                name = line[1:].rpartition(" ")[0]
                memories[name] = []
            else:
                memories[name].append(int(line, 16))
        return gather(self._shapes, memories)

    async def _command(self, opcode: Opcode, *, timeout: int, **arguments: int) -> None:
        """Give the testbench a command and sleep until it is done."""
        tb = self._tb
        for name, value in arguments.items():
            getattr(tb, name).value = value
        tb.opcode.value = opcode.value
        await Timer(1, "ns")
        self._commands += 1
        tb.command.value = self._commands
        try:
            await with_timeout(tb.done.value_change, (timeout + 100) * _CYCLE_NS, "ns")
        except SimTimeoutError:
            raise AssertionError(f"core must answer within {timeout} cycles") from None
