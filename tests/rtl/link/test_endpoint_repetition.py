"""A request that is repeated is answered again, and not carried out again."""

# amaranth: UnusedElaboratable=no

import zlib

from prunus_endpoint import IDENTITY, IMAGE, at, condition, offset, run
from prunus_link import Host, framed, unframed
from prunus_rtl.link.protocol.protocol import BROKEN_RESPONSE, IDENTITY_SPACE, Opcode, Status


def test_a_request_that_is_repeated_is_carried_out_once() -> None:
    async def bench(host: Host) -> None:
        piece = b"\x09" + bytes([Opcode.IMAGE]) + offset(0) + IMAGE[:4]
        answer = await host.exchange(piece)
        assert answer == piece[:2] + b"\0" + offset(4)
        assert await host.exchange(piece) == answer
        # Also if a broken frame came in between, also if that was nearly the same one.
        broken = bytearray(framed(piece))
        broken[3] ^= 1
        octets = await host.octets(bytes(broken), frames=1)
        assert unframed(octets) == [BROKEN_RESPONSE]
        assert await host.exchange(piece) == answer
        assert (await condition(host)).position == 4
        # With another sequence it is another request.
        assert await host.exchange(b"\x0a" + piece[1:]) == b"\x0a\x04\x08"
        # And what was before the last one is carried out again.
        assert await host.exchange(piece) == piece[:2] + bytes([Status.POSITION])

    run(bench)


def test_a_presentation_that_is_repeated_starts_once() -> None:
    async def bench(host: Host) -> None:
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        await host.do(Opcode.IMAGE, offset(0) + IMAGE)
        start = bytes([77, Opcode.PRESENT, 0, 0, 0, 0])
        for _ in range(3):
            assert await host.exchange(start) == start[:2] + b"\0"
        while (now := await condition(host)).running:
            pass
        assert (now.started, now.image) == (1, True)

    run(bench)


def test_the_first_request_is_no_repetition() -> None:
    # Sequence 0 and CRC 0: what the memory of the last request holds at power-on.
    prefix = bytes([0, Opcode.STATUS])
    message = prefix + tail(prefix, crc=0)
    assert zlib.crc32(message) == 0

    async def bench(host: Host) -> None:
        assert await host.exchange(message) == prefix + bytes([Status.LENGTH])

    run(bench)


def test_a_request_that_differs_in_one_octet_of_its_mark_is_another_one() -> None:
    # Sequence and CRC are what a repetition is recognised by.
    marks = [(9, 0x12345678)]
    marks += [(9, marks[0][1] ^ change) for change in (0xFF, 0xFFFF, 0xFFFFFF)]
    marks += [(9, marks[-1][1] ^ 0xFF << 24)]
    marks += [(8, marks[-1][1])]

    async def bench(host: Host) -> None:
        written = b""
        for sequence, crc in marks:
            prefix = bytes([sequence, Opcode.WRITE]) + at(IDENTITY_SPACE, 40 + len(written), 4)
            words = tail(prefix, crc=crc)
            assert zlib.crc32(prefix + words) == crc
            assert await host.exchange(prefix + words) == prefix[:2] + bytes([Status.OK])
            written += words
        assert await host.do(Opcode.IDENTIFY) == IDENTITY.pack()[:40] + written

    run(bench)


def tail(prefix: bytes, *, crc: int) -> bytes:
    """Return four octets with which a message has this CRC: 32 linear equations."""
    zero = zlib.crc32(prefix + bytes(4))
    target = zero ^ crc
    basis: dict[int, tuple[int, int]] = {}

    def reduced(value: int, mask: int) -> tuple[int, int]:
        while value and value.bit_length() in basis:
            other, extra = basis[value.bit_length()]
            value, mask = value ^ other, mask ^ extra
        return value, mask

    for k in range(32):
        column = zlib.crc32(prefix + (1 << k).to_bytes(4, "little")) ^ zero
        value, mask = reduced(column, 1 << k)
        basis[value.bit_length()] = value, mask
    return reduced(target, 0)[1].to_bytes(4, "little")
