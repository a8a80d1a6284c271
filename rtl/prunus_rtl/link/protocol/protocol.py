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
``IDENTIFY``  -                               an ``Identity``
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
``STATUS``    -                               a ``Condition``
``RESET``     -                               -. Ends a presentation and forgets images and result;
                                              memories keep their contents
============  ==============================  ==================================================

``Identity`` and ``Condition`` are those of :mod:`prunus_rtl.link.protocol.records`.

Levels are those of the whole image; with groups, a presentation shows all views of it, the step of
an output spike is that in its view, and ``post`` is numbered through all groups.

A core that takes levels has IMAGE and INFER, one that takes events has EVENTS; the others are no
opcodes there. The runs of INFER are those of :mod:`prunus_rtl.link.protocol.runs`. It is refused
with FULL while a whole image waits, and with BUSY while one is shown that PRESENT has started. It
can't be ended: a RESET that comes meanwhile waits. ``started`` is that of ``Condition``.

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
from enum import IntEnum

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
