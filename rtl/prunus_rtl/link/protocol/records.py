"""Records of the host link: what a core says of itself, and how it is, as bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from prunus_rtl.link.protocol.protocol import VERSION, ProtocolError

__all__ = ["Condition", "Identity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a core says of itself.

    Its bytes are also the words of the address space
    :data:`prunus_rtl.link.protocol.protocol.IDENTITY_SPACE`.

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
