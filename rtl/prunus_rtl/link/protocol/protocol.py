"""Protocol of the host link: what gateware, driver, emulator and documentation have in common.

Bytes on the wire are *frames*: a message with its CRC, stuffed with COBS so that no byte is 0,
between two bytes 0. Empty frames are ignored. Numbers are little-endian. ::

    frame    = 0x00, COBS(message, CRC-32 of message), 0x00
    request  = sequence (1..255), opcode, body
    response = sequence, opcode, status, body          body empty unless status is OK

Each request has another ``sequence`` than the one before, and the host takes a response only if
its sequence and opcode are those of the request. Every frame that is not empty is answered, once,
in the order in which they came. What is broken (stuffing, CRC, length) is dropped as a whole,
counted, and answered with sequence and opcode 0 and status BROKEN: nothing of it is carried out.

A request is carried out once: if a frame equals the one carried out last, CRC and all, its response
is sent again and nothing else happens. So a request may be repeated when its response is lost, as
long as it is repeated unchanged and nothing was sent in between.

A serial line has no flow control. While a request is carried out, the device queues
:data:`QUEUE_BYTES` bytes, so a host may have requests unanswered whose frames have so many bytes
together, but no more: then none is lost, and it never needs to wait before it sends the next.

============  ==============================  ==================================================
opcode        body of the request             body of the response, and errors
============  ==============================  ==================================================
``IDENTIFY``  -                               :class:`Identity`
``READ``      space 1, count 1, address 4     ``count`` words from ``address`` on, each of
                                              :func:`word_bytes`; ADDRESS, VALUE, BUSY
``WRITE``     space 1, count 1, address 4,    -; ADDRESS (then nothing was written), VALUE, BUSY
              the words
``IMAGE``     offset 2, levels of 1 byte      position 2: levels of this image that are there now,
                                              0 if it is complete; POSITION, VALUE, FULL
``EVENTS``    offset 2, items of 2 bytes      position 2: items of this presentation that are there
                                              now, modulo 2**16, 0 if it is complete; as IMAGE
``PRESENT``   stop_after 1, flags 1 (bit 0    -; BUSY, NO_IMAGE, VALUE
              learn, bit 1 keep), margin 2
``INFER``     as PRESENT, then offset 2,      position 2, as IMAGE, if the image is not complete;
              levels as runs                  else, once it was shown: ``started`` 2, ``result``
                                              of the core, the first output spikes, as many as fit;
                                              VALUE, BUSY, FULL, POSITION
``RESULT``    -                               ``result`` of the core; BUSY, NO_RESULT
``SPIKES``    first, of :func:`first_bytes`   output spikes from number ``first`` on, as many as
                                              there are and fit: step 1, post 2 each; BUSY,
                                              NO_RESULT
``STATUS``    -                               :class:`Condition`
``RESET``     -                               -. Ends a presentation and forgets images and result;
                                              memories keep their contents
============  ==============================  ==================================================

Levels are those of the whole image; with groups, a presentation shows all views of it, the step of
an output spike is that in its view, and ``post`` is numbered through all groups.

A core that takes levels has IMAGE and INFER, one that takes events has EVENTS; the others are no
opcodes there. The runs of INFER are those of :mod:`prunus_rtl.link.protocol.runs`. It is refused
with FULL while a whole image waits, and with BUSY while one is shown that PRESENT has started. It
can't be ended: a RESET that comes meanwhile waits. ``started`` is that of :class:`Condition`.

Items (:mod:`prunus_rtl.link.protocol.items`) are the inputs that spike in a step, in ascending
order, then an end of the step; a presentation has as many ends as steps, also if it is left early.
The items of a request are of one presentation. They are taken as a whole if the core has taken all
of the one before, else refused as a whole with FULL: so nothing is lost, however slow the core is.
They may be sent before PRESENT, which needs none, or after it: then the presentation waits for
them, until RESET.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from cobs import cobs

from prunus_model.common.errors import PrunusError

__all__ = [
    "BAUD",
    "BROKEN_BITS",
    "BROKEN_RESPONSE",
    "BUFFER_BYTES",
    "CRC_BYTES",
    "DELIMITER",
    "IDENTITY_SPACE",
    "INFER",
    "MAX_BODY",
    "OFFSET",
    "PRESENT",
    "QUEUE_BYTES",
    "READ_WRITE",
    "REQUEST_HEADER",
    "RESPONSE_HEADER",
    "SPIKE",
    "STARTED",
    "STARTED_BITS",
    "VERSION",
    "Condition",
    "Identity",
    "Opcode",
    "ProtocolError",
    "Status",
    "decode",
    "encode",
    "first_bytes",
    "spikes_beside",
    "word_bytes",
]

#: Version of this protocol; another one is refused.
VERSION = 3
#: Bits per second of a serial line, at both ends, unless asked otherwise.
BAUD = 1_000_000
#: Ends a frame.
DELIMITER = 0
#: Bytes of the CRC: CRC-32 as in zlib and Ethernet.
CRC_BYTES = 4
#: Bytes of the longest body, so that COBS adds one byte at most.
MAX_BODY = 240
#: Bytes before the body of a request (sequence, opcode), and of a response (status too).
REQUEST_HEADER = 2
RESPONSE_HEADER = 3
#: Room for the longest message with its CRC, either way.
BUFFER_BYTES = 256
#: Bytes that wait at the device while it carries out a request.
QUEUE_BYTES = 1024
#: Address space of the identity block: words of 8 bits, of which only the hash can be written.
IDENTITY_SPACE = 15
#: Body of READ, and what WRITE begins with: space, count, address.
READ_WRITE = struct.Struct("<BBI")
#: What the body of IMAGE or EVENTS begins with, and of its response: a number of a level or item.
OFFSET = struct.Struct("<H")
#: Body of PRESENT: stop_after, flags, margin.
PRESENT = struct.Struct("<BBH")
#: What the body of INFER begins with: as PRESENT, then the number of its first level.
INFER = struct.Struct("<BBHH")
#: Output spike: step, post.
SPIKE = struct.Struct("<BH")
#: Width of the count of presentations since power-on.
STARTED_BITS = 16
#: Bits of the count of broken frames.
BROKEN_BITS = 16
#: What the body of the response to INFER begins with: that count.
STARTED = struct.Struct("<H")


class ProtocolError(PrunusError):
    """A frame is broken."""


class Opcode(IntEnum):
    """What is asked for."""

    IDENTIFY = 1
    READ = 2
    WRITE = 3
    IMAGE = 4
    PRESENT = 5
    RESULT = 6
    SPIKES = 7
    STATUS = 8
    RESET = 9
    EVENTS = 10
    INFER = 11

    @property
    def idempotent(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return self not in (
            Opcode.IMAGE, Opcode.EVENTS, Opcode.PRESENT, Opcode.RESET, Opcode.INFER
        )  # fmt: skip


class Status(IntEnum):
    """How it went."""

    OK = 0
    #: Stuffing, CRC or length of the frame is wrong.
    BROKEN = 1
    #: There is no such opcode.
    OPCODE = 2
    #: The body is too short or too long for its opcode.
    LENGTH = 3
    #: No such space or address, or not to be written.
    ADDRESS = 4
    #: A number in the body is out of its range or order, or the core cannot do that.
    VALUE = 5
    #: A presentation runs.
    BUSY = 6
    #: No whole image has been sent.
    NO_IMAGE = 7
    #: ``offset`` is not where the image goes on, or the events.
    POSITION = 8
    #: There is no room for a further image, or for further events.
    FULL = 9
    #: Nothing has been presented since the last reset.
    NO_RESULT = 10


#: What a broken frame is answered with.
BROKEN_RESPONSE = bytes([0, 0, Status.BROKEN])


def word_bytes(bits: int) -> int:
    """Return the bytes of a word of the memory port on the link: its width, rounded up."""
    return -(-bits // 8)


def first_bytes(spikes: int) -> int:
    """Return the bytes of ``first`` in SPIKES: 1 for up to 255 output spikes of a presentation.

    A network without groups never has more.
    """
    return word_bytes(spikes.bit_length())


def spikes_beside(result_bits: int) -> int:
    """Return how many output spikes fit into a response to INFER, behind a result of so many bits.

    Examples
    --------
    >>> spikes_beside(256)
    68
    """
    return (MAX_BODY - STARTED.size - word_bytes(result_bits)) // SPIKE.size


def encode(message: bytes) -> bytes:
    """Return the frame of a message, with a delimiter at both ends.

    Examples
    --------
    >>> encode(bytes([1, Opcode.IDENTIFY])).hex(" ")
    '00 07 01 01 28 13 c5 2f 00'
    """
    crc = zlib.crc32(message).to_bytes(CRC_BYTES, "little")
    stuffed: bytes = cobs.encode(message + crc)
    return bytes([DELIMITER]) + stuffed + bytes([DELIMITER])


def decode(frame: bytes) -> bytes:
    """Return the message of a frame without its delimiters.

    Raises
    ------
    ProtocolError
        If the frame is broken.
    """
    try:
        content: bytes = cobs.decode(frame)
    except cobs.DecodeError as e:
        raise ProtocolError(f"Frame must be COBS: {e}") from e
    if not REQUEST_HEADER + CRC_BYTES <= len(content) <= BUFFER_BYTES:
        raise ProtocolError(
            f"Frame must hold {REQUEST_HEADER + CRC_BYTES} to {BUFFER_BYTES} bytes, "
            f"not {len(content)}"
        )
    message, crc = content[:-CRC_BYTES], int.from_bytes(content[-CRC_BYTES:], "little")
    if zlib.crc32(message) != crc:
        raise ProtocolError("Frame must have the CRC of its message")
    return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a core says of itself; also the words of the address space :data:`IDENTITY_SPACE`.

    Attributes
    ----------
    version : int
        Of the protocol.
    lanes : int
        Lanes of the core.
    learn : bool
        Whether it can learn.
    neurons, inputs, steps : int
        Sizes of the network: neurons of all groups, levels of an image, steps of a view.
    clock_hz : int
        Clock of the core; 0 if it has none, as in the model.
    core : bytes
        16 bytes: digest of everything that the core was built of, see
        :attr:`prunus_rtl.link.protocol.description.CoreDescription.digest`.
    network : bytes
        32 bytes: content hash of the artefact that is loaded. All 0: none, or an unfinished load.
        Can be written.
    """

    version: int = VERSION
    lanes: int
    learn: bool
    neurons: int
    inputs: int
    steps: int
    clock_hz: int
    core: bytes
    network: bytes

    MAGIC: ClassVar[bytes] = b"PRUN"
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<4sBBBBHHI16s32s")
    #: Where the hash of the network begins.
    NETWORK_AT: ClassVar[int] = 32

    def pack(self) -> bytes:
        """Return the identity block."""
        return self.FORMAT.pack(
            self.MAGIC,
            self.version,
            self.lanes,
            self.learn,
            self.steps,
            self.neurons,
            self.inputs,
            self.clock_hz,
            self.core,
            self.network,
        )

    @classmethod
    def unpack(cls, block: bytes) -> Identity:
        """Return what an identity block says.

        Raises
        ------
        ProtocolError
            If it is not one of this version.
        """
        if block[:4] != cls.MAGIC:
            raise ProtocolError(f"Identity must begin with {cls.MAGIC!r}, not {block[:4]!r}")
        # Before the length, which another version may change.
        if block[4:5] != bytes([VERSION]):
            found = block[4] if block[4:] else "none"
            raise ProtocolError(f"Protocol must be version {VERSION}, not {found}")
        if len(block) != cls.FORMAT.size:
            raise ProtocolError(f"Identity must be {cls.FORMAT.size} bytes, not {len(block)}")
        _, version, lanes, learn, steps, neurons, inputs, clock, core, network = cls.FORMAT.unpack(
            block
        )
        if learn > 1:
            raise ProtocolError(f"Identity must have learn 0 or 1, not {learn}")
        return cls(
            version=version,
            lanes=lanes,
            learn=bool(learn),
            neurons=neurons,
            inputs=inputs,
            steps=steps,
            clock_hz=clock,
            core=core,
            network=network,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Response to STATUS.

    Attributes
    ----------
    running : bool
        A presentation runs.
    image : bool
        A whole image waits to be presented, or events for the core to take them.
    room : bool
        A further image, or the rest of one, can be sent; or events.
    result : bool
        There is a result to be read.
    broken : int
        Broken frames since power-on, modulo 2**16.
    position : int
        Levels of the image, or items of the presentation, that is being sent which are there.
    started : int
        Presentations since power-on, modulo 2**16.
    """

    running: bool
    image: bool
    room: bool
    result: bool
    broken: int
    position: int
    started: int

    FORMAT: ClassVar[struct.Struct] = struct.Struct("<BHHH")

    def pack(self) -> bytes:
        """Return the body of the response; ``running`` is bit 0 of its first byte."""
        flags = self.running | self.image << 1 | self.room << 2 | self.result << 3
        return self.FORMAT.pack(flags, self.broken, self.position, self.started)

    @classmethod
    def unpack(cls, body: bytes) -> Condition:
        """Return what the body of a response says.

        Raises
        ------
        ProtocolError
            If it has a wrong length, or a flag that there is not.
        """
        if len(body) != cls.FORMAT.size:
            raise ProtocolError(f"Status must be {cls.FORMAT.size} bytes, not {len(body)}")
        flags, broken, position, started = cls.FORMAT.unpack(body)
        if flags >> 4:
            raise ProtocolError(f"Status must have flags of 4 bits, not {flags:#x}")
        return cls(
            running=bool(flags & 1),
            image=bool(flags & 2),
            room=bool(flags & 4),
            result=bool(flags & 8),
            broken=broken,
            position=position,
            started=started,
        )
