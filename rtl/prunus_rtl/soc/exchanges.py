"""What the bench of a core behind a serial line asks, and what must be answered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prunus_model.spec.config import NetworkConfig
from prunus_rtl.bus.memory_port import request_layout
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.result import pack, result_widths
from prunus_rtl.export.interface import Made
from prunus_rtl.export.vectors import Read, Shown
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.items import END_OF_STEP, ITEM_BYTES
from prunus_rtl.link.protocol.protocol import (
    INFER,
    MAX_BODY,
    OFFSET,
    PRESENT,
    READ_WRITE,
    SPIKE,
    STARTED,
    Opcode,
    Status,
    first_bytes,
    spikes_beside,
    word_bytes,
)
from prunus_rtl.link.protocol.runs import pack_levels

__all__ = ["Exchange", "exchanges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request, and its response.

    Attributes
    ----------
    note : str
        What it is for.
    request : bytes
        Opcode and body.
    response : bytes
        Opcode, status and body; cycles in it are 0.
    image : int or None
        Number of the image that is over with it.
    cycles_at : int
        First bit of the cycles, which are compared by themselves; -1 if there are none.
    """

    note: str
    request: bytes
    response: bytes
    image: int | None = None
    cycles_at: int = -1


def _exchange(
    note: str, opcode: Opcode, body: bytes, answer: bytes, image: int | None = None, at: int = -1
) -> Exchange:
    response = bytes([opcode, Status.OK]) + answer
    # Behind opcode and status.
    cycles_at = -1 if at < 0 else 16 + at
    return Exchange(
        note=note,
        request=bytes([opcode]) + body,
        response=response,
        image=image,
        cycles_at=cycles_at,
    )


def exchanges(made: Made) -> list[Exchange]:
    """Return all of a bench: what the core is, the images, and words that are read back."""
    network, widths = made.plan.network, made.core.shapes
    found: list[Exchange] = []
    fields = result_widths(widths)
    cycles_at = sum(fields.values()) - fields["cycles"]
    octets = word_bytes(sum(fields.values()))
    beside = spikes_beside(sum(fields.values()))
    for number, image in enumerate(made.vectors.presentations):
        values = image.counts | {
            "prediction": image.prediction,
            "undecided": int(image.undecided),
            "lead": image.lead,
        }
        result = pack(fields, values).to_bytes(octets, "little")
        name = f"image {number}"
        if made.core.hardware.source == "levels":
            found += _infer(made, image, number, result, cycles_at)
            first = min(beside, len(image.spikes))
        else:
            found += _events(made, image, name)
            found.append(_exchange(name, Opcode.RESULT, b"", result, number, cycles_at))
            first = 0
        found += _spikes(network, image, name, first)
    return [*found, *_reads(made)]


def _how(made: Made) -> tuple[int, int, int]:
    """Return early exit, flags and margin of the presentations of the bench."""
    return made.plan.stop_after, int(made.plan.learn), made.plan.margin


def _infer(
    made: Made, image: Shown, number: int, result: bytes, cycles_at: int
) -> Iterator[Exchange]:
    """Yield the requests that bring the levels; the last one is answered with the outcome."""
    parts = pack_levels(bytes(image.stimuli), MAX_BODY - INFER.size)
    ends = [first for first, _ in parts[1:]]
    some = image.spikes[: spikes_beside(sum(result_widths(made.core.shapes).values()))]
    spikes = b"".join(itertools.starmap(SPIKE.pack, some))
    outcome = STARTED.pack(number + 1) + result + spikes
    for k, (offset, code) in enumerate(parts):
        body = INFER.pack(*_how(made), offset) + code
        if k < len(ends):
            yield _exchange(f"image {number}", Opcode.INFER, body, OFFSET.pack(ends[k]))
        else:
            at = 8 * STARTED.size + cycles_at
            yield _exchange(f"image {number}", Opcode.INFER, body, outcome, number, at)


def _events(made: Made, image: Shown, name: str) -> Iterator[Exchange]:
    """Yield the requests that start a presentation and bring its events."""
    yield _exchange(name, Opcode.PRESENT, PRESENT.pack(*_how(made)), b"")
    layout = made.core.shapes.event
    steps: list[list[int]] = [[]]
    for payload in image.stimuli:
        event = layout.from_bits(payload)
        if event["end"]:
            steps.append([])
        else:
            steps[-1].append(int(event["pre"]))
    items = [item for step in steps[:-1] for item in (*sorted(step), END_OF_STEP)]
    most = (MAX_BODY - OFFSET.size) // ITEM_BYTES
    for start in range(0, len(items), most):
        part = items[start : start + most]
        body = OFFSET.pack(start & 0xFFFF) + b"".join(
            i.to_bytes(ITEM_BYTES, "little") for i in part
        )
        end = start + len(part)
        there = 0 if end == len(items) else end & 0xFFFF
        yield _exchange(name, Opcode.EVENTS, body, OFFSET.pack(there))


def _spikes(network: NetworkConfig, image: Shown, name: str, first: int) -> Iterator[Exchange]:
    """Yield the requests for the output spikes from number ``first`` on."""
    most = MAX_BODY // SPIKE.size
    octets = first_bytes(network.presentation_spikes())
    # Once more behind the last one: there are no further spikes.
    for start in [*range(first, len(image.spikes), most), len(image.spikes)]:
        some = image.spikes[start : start + most]
        content = b"".join(itertools.starmap(SPIKE.pack, some))
        yield _exchange(name, Opcode.SPIKES, start.to_bytes(octets, "little"), content)


def _reads(made: Made) -> Iterator[Exchange]:
    """Yield the requests for words, those at addresses that follow each other at once."""
    widths = made.core.shapes
    layout = request_layout(widths)
    for run in _runs(
        [(read, int(layout.from_bits(read.request)["address"])) for read in made.vectors.reads]
    ):
        space, first = run[0][0].space, run[0][1]
        size = word_bytes(spaces(widths)[space][1])
        most = MAX_BODY // size
        for start in range(0, len(run), most):
            some = run[start : start + most]
            body = READ_WRITE.pack(space, len(some), first + start)
            content = b"".join(read.data.to_bytes(size, "little") for read, _ in some)
            yield _exchange(f"words of {Space(space).name}", Opcode.READ, body, content)


def _runs(reads: Sequence[tuple[Read, int]]) -> list[list[tuple[Read, int]]]:
    found: list[list[tuple[Read, int]]] = []
    for read, address in reads:
        last = found[-1][-1] if found else None
        if last is not None and last[0].space is read.space and last[1] + 1 == address:
            found[-1].append((read, address))
        else:
            found.append([(read, address)])
    return found
