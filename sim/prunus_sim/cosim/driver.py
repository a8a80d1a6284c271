"""The core in the simulator, as Python sees it: present, read and write state, reset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.triggers import SimTimeoutError, Timer, with_timeout

from prunus_model.reference.readout import UNDECIDED
from prunus_model.spec.counters import Counters
from prunus_model.spec.formats import STEP_BITS
from prunus_model.spec.state import NO_STEP
from prunus_rtl.bus.memory_port import answer_layout, spaces
from prunus_rtl.core.core import result_layout
from prunus_rtl.core.counters import expanded
from prunus_rtl.core.sequencer import control_layout
from prunus_rtl.counts.accesses import Accesses
from prunus_rtl.hardware import Space
from prunus_rtl.shapes import Shapes
from prunus_sim.cosim.backdoor import StateArrays, gather
from prunus_sim.cosim.probes import COUNTS, IDLE, STRAY
from prunus_sim.cosim.testbench import DOOR_FILE, FEED_FILE, POKE_FILE, PORT_FILE, RESULT_FILE

__all__ = ["CoreSimulation", "Outcome", "StateArrays"]

_RESTART, _FEED, _SHOW, _PEEK, _POKE, _DOOR = range(6)
#: Period of the clock.
_CYCLE_NS = 8
#: Cycles in which a request of the memory port must be answered, stalls included.
_REQUEST_CYCLES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the core has said about one presentation.

    Attributes
    ----------
    spike_steps, spike_posts : tuple of int
        Output spikes.
    prediction : int
        Class; :data:`prunus_model.reference.readout.UNDECIDED` if there is none.
    counters : Counters
        As the model counts.
    cycles : int
        Clock cycles.
    accesses : Accesses, optional
        What it took, if the testbench counts it.
    """

    spike_steps: tuple[int, ...]
    spike_posts: tuple[int, ...]
    prediction: int
    counters: Counters
    cycles: int
    accesses: Accesses | None = None


class CoreSimulation:
    """The core in the simulator.

    Parameters
    ----------
    tb : cocotb handle
        The module that :func:`prunus_sim.cosim.testbench.testbench` writes.
    shapes : Shapes
        Network and hardware.
    folder : Path
        Where the simulator was started.
    """

    def __init__(self, tb: Any, *, shapes: Shapes, folder: Path) -> None:
        self._tb = tb
        self._shapes = shapes
        self._folder = folder
        self._orders = 0
        self._fed = np.empty(0, dtype=np.int64)
        self._results_read = 0
        self._spikes: list[tuple[int, int]] = []

    @property
    def cycles(self) -> int:
        """Clock cycles since the simulation began."""
        return int(self._tb.cycles.value)

    async def reset(self) -> None:
        """Reset the core, and forget the spikes of a presentation that did not end."""
        await self._order(_RESTART, timeout=100)
        self._spikes.clear()

    async def feed(self, words: npt.NDArray[np.int64]) -> None:
        """Store levels, or events, for the presentations to come."""
        self._fed = words.ravel()
        lines = "\n".join(f"{word:x}" for word in words.ravel().tolist())
        (self._folder / FEED_FILE).write_text(lines + "\n")
        await self._order(_FEED, timeout=10, last=words.size)

    async def show(
        self,
        *,
        first: int,
        last: int,
        shows: int,
        limit: int,
        learn: bool = False,
        stop_after: int = 0,
        stall: float = 0.0,
        seed: int = 1,
        reset_after: int = 0,
    ) -> list[Outcome]:
        """Present what words ``first`` to ``last`` of the feed hold.

        Parameters
        ----------
        first, last, shows : int
            Words, and how many presentations they are. They follow each other without a pause.
        limit : int
            Cycles after which the core is given up.
        learn, stop_after
            As for :meth:`prunus_model.reference.network.Network.present`.
        stall, seed : float, int
            Probability of a pause, in every cycle of every stream; and where they begin.
        reset_after : int
            Reset the core after so many cycles, without waiting for its results; 0 means never.

        Returns
        -------
        list of Outcome

        Raises
        ------
        AssertionError
            If a stream breaks a rule, or the core does not come to an end.
        """
        shapes = self._shapes
        if learn and not shapes.hardware.learn:
            raise ValueError("A presentation must not learn in a core that cannot")
        control = {"stop_after": stop_after} | ({"learn": learn} if shapes.hardware.learn else {})
        await self._order(
            _SHOW,
            timeout=limit + 1000,
            first=first,
            last=last,
            shows=shows,
            limit=limit,
            control=control_layout(learn=shapes.hardware.learn).const(control).as_bits(),
            stall=round(256 * stall),
            seed=seed or 1,
            reset_after=reset_after,
        )
        outcomes = self._outcomes(learn)
        if reset_after:
            self._spikes.clear()
            return outcomes
        broken = int(self._tb.broken.value)
        names = [n for bit, n in enumerate(("spikes", "result", "answers")) if broken >> bit & 1]
        if names:
            raise AssertionError(f"Stream {', '.join(names)} must hold an offer until it is taken")
        if int(self._tb.late.value) or len(outcomes) != shows:
            raise AssertionError(
                f"core must give {shows} results in {limit} cycles, but gave {len(outcomes)}"
                f"{self._ends(first, last, shows)}"
            )
        if int(self._tb.overlapped.value):
            raise AssertionError("core must take the whole input, and give one result for each")
        if self._spikes:
            raise AssertionError(f"{len(self._spikes)} more spikes than the core has counted")
        return outcomes

    def _ends(self, first: int, last: int, shows: int) -> str:
        """Tell if the core waits for events: it does so for ever, and that is no fault of it."""
        shapes = self._shapes
        if shapes.hardware.source != "events":
            return ""
        words = self._fed[first:last].tolist()
        ends = sum(int(shapes.event.from_bits(word)["end"]) for word in words)
        want = shows * shapes.network.encoder.steps
        return "" if ends >= want else f": {want} steps must have their end, but only {ends} have"

    def _outcomes(self, learn: bool) -> list[Outcome]:
        """Read what has been recorded since last time."""
        shapes = self._shapes
        with (self._folder / RESULT_FILE).open() as file:
            file.seek(self._results_read)
            lines = file.read().splitlines()
            self._results_read = file.tell()
        outcomes: list[Outcome] = []
        counted: list[Accesses] = []
        for line in lines:
            kind, _, word = line.partition(" ")
            if kind == "a":
                # Behind the result that it belongs to, or before: both are written in one cycle.
                counted.append(_accesses(word))
                continue
            bits = int(word, 16)
            if kind == "s":
                spike = shapes.spike.from_bits(bits)
                self._spikes.append((int(spike["step"]), int(spike["post"])))
                continue
            result = result_layout(shapes).from_bits(bits)
            layout = result["counters"].shape()
            counts = {name: int(result["counters"][name]) for name in layout.members}
            n = counts["output_spikes"]
            spikes, self._spikes = self._spikes[:n], self._spikes[n:]
            outcomes.append(
                Outcome(
                    spike_steps=tuple(step for step, _ in spikes),
                    spike_posts=tuple(post for _, post in spikes),
                    prediction=UNDECIDED if result["undecided"] else int(result["prediction"]),
                    counters=expanded(counts, shapes.network, shapes.hardware, learn=learn),
                    cycles=counts["cycles"],
                )
            )
        if not counted:
            return outcomes
        pairs = zip(outcomes, counted, strict=True)
        return [replace(outcome, accesses=accesses) for outcome, accesses in pairs]

    async def read_space(
        self, space: Space, *, rows: int = 1, stride: int = 0, columns: int, first: int = 0
    ) -> npt.NDArray[np.int64]:
        """Read ``rows`` times ``columns`` addresses; the answers as they come.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            Answers as :func:`prunus_rtl.bus.memory_port.answer_layout` packs them.
        """
        await self._order(
            _PEEK,
            timeout=_REQUEST_CYCLES * rows * columns,
            space=int(space),
            first=first,
            rows=rows,
            stride=stride,
            columns=columns,
        )
        return self._answers(rows, columns)

    async def write_space(
        self,
        space: Space,
        words: npt.NDArray[np.int64],
        *,
        stride: int = 0,
        first: int = 0,
    ) -> npt.NDArray[np.int64]:
        """Write rows of words; return the answers."""
        rows, columns = words.shape
        lines = "\n".join(f"{word:x}" for word in words.ravel().tolist())
        (self._folder / POKE_FILE).write_text(lines + "\n")
        await self._order(
            _POKE,
            timeout=_REQUEST_CYCLES * words.size,
            space=int(space),
            first=first,
            last=words.size,
            rows=rows,
            stride=stride,
            columns=columns,
        )
        return self._answers(rows, columns)

    def _answers(self, rows: int, columns: int) -> npt.NDArray[np.int64]:
        words = [int(line, 16) for line in (self._folder / PORT_FILE).read_text().split()]
        return np.array(words, dtype=np.int64).reshape(rows, columns)

    async def write_presentation(self, number: int) -> None:
        """Set the number of the next presentation."""
        _data(await self.write_space(Space.PRESENTATION, np.array([[number]])))

    async def write_state(self, state: StateArrays) -> None:
        """Write all state variables through the memory port.

        Raises
        ------
        AssertionError
            If a request is answered with an error.
        """
        for name, space, rows in _rows(self._shapes):
            if name == "store":
                await self._write_store(state[name])
                continue
            if name != "synapses":
                words = state[name].reshape(rows, -1)
                if name == "last_step":
                    words = np.where(words == NO_STEP, 0, words | 1 << STEP_BITS)
                if name == "votes":
                    words = state[name].T
                stride = words.shape[1]
            else:
                bits = self._shapes.network.weight_bits
                words = state["weights"] | state["alive"] << bits
                stride = 1 << self._shapes.post.width
            _data(await self.write_space(space, words, stride=stride))

    async def read_state(self) -> StateArrays:
        """Read all state variables through the memory port.

        Raises
        ------
        AssertionError
            If a request is answered with an error.
        """
        shapes, found = self._shapes, StateArrays()
        for name, space, rows in _rows(shapes):
            if name == "store":
                found[name] = await self._read_store()
                continue
            columns, stride = spaces(shapes)[space][2], 0
            if name == "synapses":
                columns, stride = shapes.network.neurons, 1 << shapes.post.width
            elif name == "votes":
                columns //= rows
                stride = columns
            answers = await self.read_space(space, rows=rows, stride=stride, columns=columns)
            words = _data(answers)
            if name == "synapses":
                bits = shapes.network.weight_bits
                found["weights"] = words & ((1 << bits) - 1)
                found["alive"] = words >> bits
            elif name == "votes":
                found["votes"] = words.T
            elif name == "last_step":
                valid = words[0] >> STEP_BITS
                found[name] = np.where(valid, words[0] & ((1 << STEP_BITS) - 1), NO_STEP)
            else:
                found[name] = words[0]
        return found

    async def _write_store(self, words: npt.NDArray[np.int64]) -> None:
        for first, part in self._parts(words):
            _data(await self.write_space(Space.STORE, part[np.newaxis], first=first))

    async def _read_store(self) -> npt.NDArray[np.int64]:
        parts = []
        for first, part in self._parts(np.zeros(_store_size(self._shapes), dtype=np.int64)):
            answers = await self.read_space(Space.STORE, columns=part.size, first=first)
            parts.append(_data(answers)[0])
        return np.concatenate(parts)

    def _parts(self, words: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        """Yield the first address and the words of each memory of the packed store."""
        layout, at = self._shapes.store, 0
        if layout is None:
            return
        for lane, depths in enumerate(layout.depths):
            for memory, depth in enumerate(depths):
                yield layout.address(lane, memory, 0), words[at : at + depth]
                at += depth

    async def read_door(self) -> StateArrays:
        """Read all state variables from the simulator's memories, behind the core's back."""
        await self._order(_DOOR, timeout=10)
        memories: dict[str, list[int]] = {}
        name = ""
        for line in (self._folder / DOOR_FILE).read_text().splitlines():
            if line.startswith("@"):
                name = line[1:].rpartition(" ")[0]
                memories[name] = []
            else:
                memories[name].append(int(line, 16))
        return gather(self._shapes, memories)

    async def _order(self, what: int, *, timeout: int, **values: int) -> None:
        """Give an order and sleep until it is carried out."""
        tb = self._tb
        for name, value in values.items():
            getattr(tb, name).value = value
        tb.what.value = what
        await Timer(1, "ns")
        self._orders += 1
        tb.order.value = self._orders
        try:
            await with_timeout(tb.done.value_change, (timeout + 100) * _CYCLE_NS, "ns")
        except SimTimeoutError:
            raise AssertionError(f"core must answer within {timeout} cycles") from None


def _accesses(line: str) -> Accesses:
    """Return what a line of counts tells."""
    counts = dict(zip(COUNTS, (int(word, 16) for word in line.split()), strict=True))
    for name in (STRAY, IDLE):
        if found := counts.pop(name):
            raise AssertionError(f"{name} must be 0, not {found}")
    return Accesses(**counts)


def _rows(shapes: Shapes) -> Sequence[tuple[str, Space, int]]:
    """Return the spaces that a core has: name, number, rows."""
    rows = {Space.SYNAPSES: shapes.network.inputs, Space.VOTES: shapes.network.readout.classes}
    return [(space.name.lower(), space, rows.get(space, 1)) for space in spaces(shapes)]


def _store_size(shapes: Shapes) -> int:
    """Return the words of the packed store."""
    return 0 if shapes.store is None else sum(map(sum, shapes.store.depths))


def _data(answers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    layout = answer_layout()
    if np.any(answers >> layout["error"].offset & 1):
        where = int(np.flatnonzero(answers >> layout["error"].offset & 1)[0])
        raise AssertionError(f"memory port must answer request {where} without an error")
    found: npt.NDArray[np.int64] = answers >> layout["data"].offset & (
        (1 << layout["data"].width) - 1
    )
    return found
