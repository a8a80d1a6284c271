"""What the bench of a core on a bus does: accesses of registers, and what must be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from prunus_rtl.bus.capability import hash_words, parameters, spike_room
from prunus_rtl.bus.event_input import NO_INPUT
from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.bus.registers import COUNTS, register
from prunus_rtl.export.interface import Made
from prunus_rtl.export.vectors import Read, Shown

__all__ = ["Entry", "Op", "Script", "make_script", "word"]

_ALL = 0xFFFF_FFFF
#: An offset behind all registers, in the window.
_NOTHING = 0xFFFC
#: Levels of a word.
_PER_WORD = 4


class Op(IntEnum):
    """What an entry of the script does; three words go with it."""

    #: Write ``data`` to the offset.
    WRITE = 0
    #: Read the offset: what is read must be ``data`` in the bits of ``mask``.
    READ = 1
    #: Read the offset until that is so.
    POLL = 2
    #: Read the offset: at least ``data``, at most ``mask``. They are the cycles of an image.
    CYCLES = 3
    #: Image of that number is over: class ``data``, ``mask`` output spikes.
    SHOWN = 4
    #: Send so many transfers over the stream of the inputs.
    SEND = 5
    #: Wait for so many transfers of the stream of the spikes.
    RECEIVE = 6
    #: Read the offset, or write ``data`` with the strobes ``mask``: an error of the bus.
    READ_REFUSED = 7
    WRITE_REFUSED = 8
    #: Wait until the interrupt is ``data``.
    INTERRUPT = 9
    #: From now on, every channel is stalled now and then.
    STALL = 10
    #: Waveforms on or off.
    TRACE = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One of them."""

    op: Op
    at: int = 0
    data: int = 0
    mask: int = _ALL
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """All of a bench.

    Attributes
    ----------
    entries : list of Entry
    sent : list of tuple of int and bool
        Transfers of the stream of the inputs: data, and whether it is the last of its packet.
    received : list of tuple of int and bool
        Those of the spikes.
    """

    entries: list[Entry]
    sent: list[tuple[int, bool]]
    received: list[tuple[int, bool]]


def word(name: str, **fields: int) -> int:
    """Return the word of a register from the values of its fields; 0 for what is not given.

    Examples
    --------
    >>> hex(word("CONTROL", start=1, stop_after=3))
    '0x301'
    """
    return sum(int(value) << register(name).field(key).lsb for key, value in fields.items())


def _read(name: str, data: int, mask: int = _ALL, note: str = "") -> Entry:
    return Entry(
        op=Op.READ, at=register(name).offset, data=data, mask=mask, note=note or f"{name} {data}"
    )


def _write(name: str, data: int) -> Entry:
    return Entry(op=Op.WRITE, at=register(name).offset, data=data, note=f"{name} := {data:#x}")


def _poll(name: str, **fields: int) -> Entry:
    value = word(name, **fields)
    ones = {field: (1 << register(name).field(field).width) - 1 for field in fields}
    mask = word(name, **ones)
    said = ", ".join(f"{field} {value}" for field, value in fields.items())
    note = f"wait for {name}.{said}"
    return Entry(op=Op.POLL, at=register(name).offset, data=value, mask=mask, note=note)


def make_script(made: Made, *, streams: bool, network: bytes) -> Script:
    """Return the script of a bench.

    With streams, every other image goes over them; the last presentation is stalled.

    Parameters
    ----------
    made : Made
    streams : bool
        Whether the system has streams.
    network : bytes
        Content hash that it says.
    """
    widths = made.core.shapes
    script = Script(entries=[], sent=[], received=[])
    add = script.entries
    add.append(Entry(op=Op.TRACE, data=1))
    for name, value in parameters(widths, streams=streams).items():
        add.append(_read(name, value))
    for k, value in enumerate(hash_words(network)):
        add.append(_read(f"HASH{k}", value))
    add += _refusals()
    add += [_write("INTERRUPT_ENABLE", word("INTERRUPT_ENABLE", done=1))]
    add += [_write("MARGIN", made.plan.margin)]
    shown = made.vectors.presentations
    for number, image in enumerate(shown):
        if number == len(made.vectors.shown):
            add.append(Entry(op=Op.STALL, data=1, note="stalls"))
        by_stream = streams and number % 2 == 0
        add += _presentation(made, script, image, by_stream=by_stream)
        add += _outcome(made, image, number)
        if number == 1:
            add.append(Entry(op=Op.TRACE, data=0))
    add.append(Entry(op=Op.STALL, data=0))
    add += [_read("STARTED", len(shown)), _read("ERROR", 0)]
    add += _reads(made)
    return script


def _refusals() -> Iterator[Entry]:
    """Yield accesses that must be refused, and what is left of them."""
    refused = {
        "there is no register": (Op.READ_REFUSED, _NOTHING, 0, 15),
        "ID is read only": (Op.WRITE_REFUSED, register("ID").offset, 1, 15),
        "a part of MARGIN": (Op.WRITE_REFUSED, register("MARGIN").offset, 1, 1),
        "there is no output spike": (Op.READ_REFUSED, register("SPIKE").offset, 0, 15),
    }
    for note, (op, at, data, mask) in refused.items():
        yield Entry(op=op, at=at, data=data, mask=mask, note=f"refused: {note}")
    yield _read("ERROR", word("ERROR", access=1))
    yield _write("ERROR", word("ERROR", access=1))
    yield _write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", error=1))


def _presentation(made: Made, script: Script, image: Shown, *, by_stream: bool) -> Iterator[Entry]:
    """Yield what shows an image, to the end of its presentation."""
    levels = made.core.hardware.source == "levels"
    # This program takes spikes after the end: with more than there is room for the core would wait.
    kept = by_stream or len(image.spikes) <= spike_room(made.core.shapes)
    how = {"input_stream": int(by_stream), "spike_stream": int(by_stream)}
    how["no_spikes"] = int(not kept)
    start = how | {"start": 1, "learn": int(made.plan.learn), "stop_after": made.plan.stop_after}
    starting = _write("CONTROL", word("CONTROL", **start))
    yield _write("CONTROL", word("CONTROL", **how))
    transfers = (
        [(level, k == len(image.stimuli) - 1) for k, level in enumerate(image.stimuli)]
        if levels
        else _items(made, image)
    )
    if by_stream:
        script.sent.extend(transfers)
        yield Entry(op=Op.SEND, at=len(transfers), note=f"{len(transfers)} transfers")
        yield starting
    elif levels:
        yield _poll("STATUS", input_ready=1)
        for at in range(0, len(transfers), _PER_WORD):
            some = [level for level, _ in transfers[at : at + _PER_WORD]]
            yield _write("LEVELS", int.from_bytes(bytes(some), "little"))
        yield starting
    else:
        yield starting
        for pre, last in transfers:
            yield _poll("STATUS", input_ready=1)
            yield _write("EVENT", word("EVENT", input=pre, last=int(last)))
    yield Entry(op=Op.INTERRUPT, data=1, note="wait for the interrupt")
    yield _read("INTERRUPT_STATUS", word("INTERRUPT_STATUS", done=1))
    yield _write("INTERRUPT_STATUS", word("INTERRUPT_STATUS", done=1))
    yield Entry(op=Op.INTERRUPT, data=0, note="the interrupt is over")
    packet = [(word("SPIKE", step=step, neuron=post), False) for step, post in image.spikes if kept]
    end = image.prediction | word("SPIKE", undecided=int(image.undecided), end=1)
    packet.append((end, True))
    if by_stream:
        script.received.extend(packet)
        yield Entry(op=Op.RECEIVE, at=len(packet), note=f"{len(packet)} transfers of spikes")
    else:
        for value, _ in packet:
            yield _read("SPIKE", value)


def _items(made: Made, image: Shown) -> list[tuple[int, bool]]:
    """Return the events of a presentation: inputs in ascending order, the last of a step marked."""
    layout = made.core.shapes.event
    found: list[tuple[int, bool]] = []
    step: list[int] = []
    for payload in image.stimuli:
        event = layout.from_bits(payload)
        if event["end"]:
            pres = sorted(step) or [NO_INPUT]
            found += [(pre, k == len(pres) - 1) for k, pre in enumerate(pres)]
            step = []
        else:
            step.append(int(event["pre"]))
    return found


def _outcome(made: Made, image: Shown, number: int) -> Iterator[Entry]:
    """Yield what reads the result and the counts."""
    result = word("RESULT", prediction=image.prediction, undecided=int(image.undecided), known=1)
    yield _read("RESULT", result)
    yield _read("LEAD", image.lead)
    for count, name in COUNTS.items():
        if count == "cycles":
            # Events come as fast as the bus is.
            most = image.cycles.most if made.core.hardware.source == "levels" else _ALL
            yield Entry(
                op=Op.CYCLES,
                at=register(name).offset,
                data=image.cycles.fewest,
                mask=most,
                note=f"{name} of image {number}",
            )
        else:
            yield _read(name, image.counts.get(count, 0) & _ALL)
    yield _read("FORWARD_SOPS_HIGH", image.counts["forward_sops"] >> 32)
    spikes = len(image.spikes)
    note = f"image {number}: class {image.prediction}, {spikes} output spikes"
    yield Entry(op=Op.SHOWN, at=number, data=image.prediction, mask=spikes, note=note)


def _reads(made: Made) -> Iterator[Entry]:
    """Yield what reads words through the memory port."""
    layout = request_layout(made.core.shapes)
    before: tuple[Read, int] | None = None
    for read in made.vectors.reads:
        address = int(layout.from_bits(read.request)["address"])
        if before is None or before[0].space is not read.space or before[1] + 1 != address:
            at = word("MEMORY_ADDRESS", space=read.space, increment=1, address=address)
            yield _write("MEMORY_ADDRESS", at)
        before = read, address
        yield _read("MEMORY_DATA", read.data, note=f"{read.space.name} {address}: {read.data}")
