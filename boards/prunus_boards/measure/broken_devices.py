"""Devices that are broken or malicious, each in one way: what a line, a port or a core can do.

Each is an emulated device, sound but for its kind, in a time of its own: it passes while the driver
waits and while bytes are on the line, so that no machine is too slow or too fast for a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prunus_boards.driver.transports.base import PRESENTATION_PATIENCE, Transport, TransportError
from prunus_boards.driver.transports.emulator import Emulator
from prunus_rtl.core.result import pack, result_widths, unpack
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.protocol import (
    BAUD,
    BROKEN_RESPONSE,
    REQUEST_HEADER,
    RESPONSE_HEADER,
    SPIKE,
    STARTED,
    VERSION,
    Opcode,
    Status,
    decode,
    encode,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Condition, Identity

__all__ = ["KINDS", "BrokenDevice", "Kind"]

#: Seconds from a request to its answer, and between two bytes of a line that trickles.
_ANSWER, _TRICKLE = 0.001, 0.01
#: Bytes that are read at a time from a line that does not stop.
_CHUNK = 4096

#: Changes the body of an answer: (device, body) to body.
_Change = Callable[["BrokenDevice", bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """In which way a device is broken.

    Attributes
    ----------
    line : function, optional
        Changes an answer as it is on the line: (device, request, answer) to answer; messages
        without CRC and stuffing go in, bytes on the line come out.
    bodies : mapping of Opcode to function
        Changes the bodies of answers that are OK.
    refusals : mapping of Opcode to Status
        What is always refused.
    unasked : function, optional
        What comes in every read, asked or not: (device) to bytes.
    pause : float
        Seconds between two reads of that; default: those that its bytes are on the line.
    after : int
        Requests before the device breaks.
    blocked : bool
        Nothing that is sent is taken.
    """

    line: Callable[[BrokenDevice, bytes, bytes], bytes] | None = None
    bodies: Mapping[Opcode, _Change] | None = None
    refusals: Mapping[Opcode, Status] | None = None
    unasked: Callable[[BrokenDevice], bytes] | None = None
    pause: float = 0.0
    after: int = 0
    blocked: bool = False


class BrokenDevice(Transport):
    """An emulated device that is broken.

    Parameters
    ----------
    kind : Kind
        In which way.
    plan : Plan
        Core, and initial contents of its memories.
    clock_hz : int
        Clock that it tells.
    patience, presentation_patience : float
        As of :class:`prunus_boards.driver.transports.base.Transport`.

    Attributes
    ----------
    now : float
        Seconds that have passed for driver and device.
    requests : int
        Requests so far.
    """

    def __init__(
        self,
        kind: Kind,
        plan: Plan,
        *,
        clock_hz: int,
        patience: float,
        presentation_patience: float = PRESENTATION_PATIENCE,
    ) -> None:
        self.name = "broken"
        self.patience = patience
        self.presentation_patience = presentation_patience
        self.clock = lambda: self.now
        self.now = 0.0
        self.requests = 0
        self.rng = np.random.default_rng(1)
        self.emulator = Emulator(plan, clock_hz=clock_hz)
        self._kind = kind
        self._answers = bytearray()

    def write(self, octets: bytes) -> None:
        """Send bytes."""
        if self._kind.blocked:
            self.now += self.patience
            return
        answer = self.emulator.feed(octets)
        request = octets.strip(b"\0")
        if not request:
            return
        self.requests += 1
        self._answers += self._changed(decode(request), answer) if self._broken else answer

    def read(self, timeout: float) -> bytes:
        """Return what has come."""
        if self._kind.unasked is not None and self._broken:
            if self._kind.pause > timeout:
                self.now += timeout
                return b""
            octets = self._kind.unasked(self)
            self.now += self._kind.pause or 10 * len(octets) / BAUD
            return octets
        octets = bytes(self._answers)
        self._answers.clear()
        self.now += _ANSWER if octets else timeout
        return octets

    def close(self) -> None:
        """Do nothing."""

    @property
    def _broken(self) -> bool:
        return self.requests >= self._kind.after

    def _changed(self, request: bytes, answer: bytes) -> bytes:
        kind, message = self._kind, decode(answer.strip(b"\0"))
        opcode = request[1]
        if kind.refusals and opcode in kind.refusals:
            message = request[:REQUEST_HEADER] + bytes([kind.refusals[Opcode(opcode)]])
        elif kind.bodies and opcode in kind.bodies and message[2] == Status.OK:
            body = kind.bodies[Opcode(opcode)](self, message[RESPONSE_HEADER:])
            message = message[:RESPONSE_HEADER] + body
        return encode(message) if kind.line is None else kind.line(self, request, message)


def _line(change: Callable[[bytes, bytes], bytes], *, after: int = 0) -> Kind:
    return Kind(line=lambda _device, request, answer: change(request, answer), after=after)


def _body(opcode: Opcode, change: Callable[[bytes], bytes], *, after: int = 0) -> Kind:
    return Kind(bodies={opcode: lambda _device, body: change(body)}, after=after)


def _unasked(octets: bytes, *, pause: float = 0.0, after: int = 0) -> Kind:
    return Kind(unasked=lambda _device: octets, pause=pause, after=after)


def _identity(**fields: Any) -> Kind:
    def change(body: bytes) -> bytes:
        return replace(Identity.unpack(body), **fields).pack()

    return _body(Opcode.IDENTIFY, change)


def _condition(**fields: Any) -> Kind:
    def change(body: bytes) -> bytes:
        return replace(Condition.unpack(body), **fields).pack()

    return _body(Opcode.STATUS, change)


def _result(**fields: int) -> Kind:
    """Fields of a result are others; -1 stands for the largest number that fits."""

    def change(device: BrokenDevice, body: bytes) -> bytes:
        widths = result_widths(device.emulator.description.widths)
        values = unpack(widths, int.from_bytes(body, "little"))
        for name, value in fields.items():
            values[name] = (1 << widths[name]) - 1 if value < 0 else value
        return pack(widths, values).to_bytes(len(body), "little")

    return _shown(result=change)


def _spikes(change: Callable[[list[tuple[int, int]]], list[tuple[int, int]]]) -> Kind:
    def packed(_device: BrokenDevice, body: bytes) -> bytes:
        return b"".join(SPIKE.pack(*spike) for spike in change(list(SPIKE.iter_unpack(body))))

    return _shown(spikes=packed)


def _shown(
    *,
    result: _Change = lambda _device, body: body,
    spikes: _Change = lambda _device, body: body,
) -> Kind:
    """Change result and output spikes, whether both are asked for or come with INFER."""

    def both(device: BrokenDevice, body: bytes) -> bytes:
        bits = sum(result_widths(device.emulator.description.widths).values())
        end = STARTED.size + word_bytes(bits)
        word = result(device, body[STARTED.size : end])
        return body[: STARTED.size] + word + spikes(device, body[end:])

    return Kind(bodies={Opcode.INFER: both, Opcode.RESULT: result, Opcode.SPIKES: spikes})


def _pruned_weights(_device: BrokenDevice, request: bytes, answer: bytes) -> bytes:
    """Synapses of weight 1 that are not alive, in words of two bytes."""
    if request[1] == Opcode.READ and request[2] == Space.SYNAPSES:
        answer = answer[:RESPONSE_HEADER] + b"\1\0" * (len(answer[RESPONSE_HEADER:]) // 2)
    return encode(answer)


def _hang_up(_device: BrokenDevice) -> bytes:
    raise TransportError("Device at broken must stay connected, but hung up")


_ones = bytes([0xFF])

#: Kinds by name.
KINDS: Mapping[str, Kind] = {
    # The line.
    "silent": _line(lambda _request, _answer: b""),
    "silent after a while": _line(lambda _request, _answer: b"", after=20),
    "takes nothing": Kind(blocked=True),
    "zeros for ever": _unasked(bytes(_CHUNK)),
    "text for ever": _unasked(b"temperature 21.4 C\r\n" * 200),
    "noise for ever": Kind(unasked=lambda device: device.rng.bytes(_CHUNK)),
    "noise for ever after a while": Kind(unasked=lambda device: device.rng.bytes(64), after=20),
    "one byte at a time": _unasked(b"U", pause=_TRICKLE),
    "one zero at a time": _unasked(b"\0", pause=_TRICKLE),
    "one byte at a time after a while": _unasked(b"U", pause=_TRICKLE, after=20),
    "answers without a question": _unasked(
        encode(bytes([1, Opcode.STATUS, Status.OK])), pause=_ANSWER
    ),
    "NAK for ever, asked or not": _unasked(encode(BROKEN_RESPONSE), pause=_ANSWER, after=3),
    "NAK for ever": _line(lambda _request, _answer: encode(BROKEN_RESPONSE)),
    "hangs up": Kind(unasked=_hang_up, after=20),
    "loopback": _line(lambda request, _answer: encode(request)),
    "frames without an end": _line(lambda _request, answer: encode(answer)[:-1]),
    "half of each answer": _line(lambda _request, answer: encode(answer)[: len(answer) // 2]),
    "one bit wrong": _line(lambda _request, answer: encode(answer)[:-2] + b"\x01\0"),
    "stuffing wrong": _line(lambda _request, _answer: b"\0\x09\x01\0"),
    "endless frames": _line(lambda _request, _answer: b"\0" + b"\1" * 100_000),
    "frames too long": _line(lambda _request, answer: encode(answer + bytes([1]) * 300)),
    "frames too short": _line(lambda request, _answer: encode(request[:1] + b"\0")),
    # Headers.
    "wrong sequence": _line(lambda _request, answer: encode(bytes([answer[0] ^ 1]) + answer[1:])),
    "every other sequence": _line(
        lambda _request, answer: b"".join(
            encode(bytes([k]) + answer[1:]) for k in range(256) if k != answer[0]
        )
    ),
    "wrong opcode": _line(
        lambda _request, answer: encode(answer[:1] + bytes([answer[1] % 9 + 1]) + answer[2:])
    ),
    "unknown status": _line(lambda request, _answer: encode(request[:2] + bytes([99]))),
    "refusal with a body": _line(lambda request, _answer: encode(request[:2] + b"\x06why")),
    # What is refused.
    "refuses everything": Kind(refusals=dict.fromkeys(Opcode, Status.OPCODE)),
    "full for ever": Kind(refusals={Opcode.INFER: Status.FULL}),
    "busy for ever": Kind(refusals=dict.fromkeys((Opcode.INFER, Opcode.PRESENT), Status.BUSY)),
    "loses images": Kind(refusals={Opcode.INFER: Status.POSITION}),
    "never a result": _line(
        lambda request, answer: (
            b"" if request[1] in (Opcode.INFER, Opcode.RESULT) else encode(answer)
        )
    ),
    "no address": Kind(refusals={Opcode.READ: Status.ADDRESS}),
    "not to be written": Kind(refusals={Opcode.WRITE: Status.VALUE}),
    # Identity.
    "not ours": _body(Opcode.IDENTIFY, lambda body: b"HTTP" + body[4:]),
    "nothing": _body(Opcode.IDENTIFY, lambda _body: b""),
    "another protocol": _body(Opcode.IDENTIFY, lambda b: b[:4] + bytes([VERSION + 1]) + b[5:]),
    "short identity": _body(Opcode.IDENTIFY, lambda body: body[:-1]),
    "neither learns nor does not": _body(Opcode.IDENTIFY, lambda b: b[:6] + b"\7" + b[7:]),
    "another core": _identity(core=bytes(range(16))),
    "another core after a while": _body(
        Opcode.IDENTIFY, lambda body: body[:16] + bytes(16) + body[32:], after=2
    ),
    "other lanes": _identity(lanes=31),
    "other neurons": _identity(neurons=65535),
    "other inputs": _identity(inputs=0),
    "other steps": _identity(steps=255),
    "another clock": _identity(clock_hz=1),
    "does not learn": _identity(learn=0),
    "forgets its network": _identity(network=bytes([7]) * 32),
    # Condition.
    "runs for ever": _condition(running=1),
    "short condition": _body(Opcode.STATUS, lambda body: body[1:]),
    "unknown flags": _body(Opcode.STATUS, lambda body: _ones + body[1:]),
    "more levels than inputs": _condition(position=65535),
    "never starts": _condition(started=4),
    # Memories.
    "words missing": _body(Opcode.READ, lambda body: body[:-1]),
    "words too many": _body(Opcode.READ, lambda body: body * 2),
    "words too wide": _body(Opcode.READ, lambda body: _ones * len(body)),
    "weights that are pruned": Kind(line=_pruned_weights),
    "an answer to WRITE": _body(Opcode.WRITE, lambda _body: b"thanks"),
    "an answer to RESET": _body(Opcode.RESET, lambda _body: b"thanks"),
    # Presentations.
    "levels lost": _body(Opcode.INFER, lambda _body: b"\x03\x00"),
    "an image shown and not told": _body(Opcode.INFER, lambda _body: b""),
    "shown twice": _body(Opcode.INFER, lambda body: bytes([body[0] + 1]) + body[1:]),
    "short result": _shown(result=lambda _device, body: body[1:]),
    "result of all ones": _shown(result=lambda _device, body: _ones * len(body)),
    "a class that there is not": _result(prediction=-1, undecided=0),
    "a lead of no class": _result(undecided=1, lead=-1),
    "too few steps": _result(steps=1),
    "too many steps": _result(steps=-1),
    "more inhibited steps than steps": _result(inhibited_steps=-1),
    "more input spikes than inputs": _result(input_spikes=-1),
    "more integrated than came": _result(input_spikes=0, integrated_spikes=9),
    "more output spikes than steps": _result(output_spikes=-1),
    "more SOPs than synapses": _result(forward_sops=-1),
    "more learned than spiked": _result(update_sops=-1),
    "more pruned than synapses": _result(pruned=-1),
    "no spikes": _spikes(lambda _spikes: []),
    "spikes too many": _spikes(lambda spikes: spikes * 2),
    "half a spike": _shown(spikes=lambda _device, body: body[:-1]),
    "a neuron that there is not": _spikes(lambda spikes: [(step, 65535) for step, _ in spikes]),
    "a step that there is not": _spikes(lambda spikes: [*spikes[:-1], (255, spikes[-1][1])]),
    "two spikes in a step": _spikes(lambda spikes: [(spikes[0][0], 0)] * len(spikes)),
    "spikes backwards": _spikes(lambda spikes: spikes[::-1]),
}
