"""The self-test finds every kind of fault of a memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prunus_boards.driver.contents import blocks
from prunus_boards.driver.selftest import march
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.result import Result
from prunus_boards.driver.selftest.run import SelfTest
from prunus_devices import PACKED, golden
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.protocol import READ_WRITE
from prunus_selftest import results_of

#: The last word of the synapses.
FAR = int(list(blocks(golden()[1].widths, Space.STORE))[-1][0])

# Memories. A fault changes what is in the memories after every write.

Words = dict[Space, np.ndarray]
Fault = Callable[[Words, Space, int, int], None]


def faulty(fault: Fault, options: ExportOptions = PACKED) -> dict[str, Result]:
    """Test a device whose memories have a fault: (words, space, first and count written)."""
    transport, core = golden(options)
    memories = transport.emulator._memories
    real = memories.write

    def write(space: Space, first: int, words: list[int]) -> None:
        real(space, first, words)
        fault(memories.words, space, first, len(words))

    memories.write = write  # type: ignore[method-assign]
    fault(memories.words, Space.V, 0, 0)
    return results_of(transport, core, images=False)


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize(
    ("space", "address", "bit"),
    [(Space.V, 0, 0), (Space.V, 9, 5), (Space.STORE, FAR, 2), (Space.VOTES, 99, 0)],
)
def test_stuck_bit_is_found(space: Space, address: int, bit: int, level: int) -> None:
    def stuck(words: Words, *_written: Any) -> None:
        mask = 1 << bit
        words[space][address] = words[space][address] & ~mask | level * mask

    result = faulty(stuck)["memory"]
    assert result.verdict == "failed"
    assert result.text.startswith(f"{space.name}[{address}]: ")
    assert f", wrong bit {bit} (march" in result.text


@pytest.mark.parametrize("pair", [(0, 1), (3, 4), (0, 64), (17, 81), (5, 90)])
def test_two_addresses_that_are_one_are_found(pair: tuple[int, int]) -> None:
    def alias(words: Words, space: Space, first: int, count: int) -> None:
        written = [a for a in pair if first <= a < first + count]
        if space is Space.VOTES and written:
            # The one that is written last counts.
            words[space][list(pair)] = words[space][written[-1]]

    result = faulty(alias)["memory"]
    assert result.verdict == "failed"
    assert result.text.startswith(tuple(f"VOTES[{address}]" for address in pair))


@pytest.mark.parametrize("line", range(6))
def test_address_line_that_has_no_effect_is_found(line: int) -> None:
    def ignored(words: Words, space: Space, first: int, count: int) -> None:
        for address in range(first, first + count) if space is Space.VOTES else ():
            other = address ^ 1 << line
            if other < len(words[space]):
                words[space][other] = words[space][address]

    assert faulty(ignored)["memory"].text.startswith("VOTES[")


@pytest.mark.parametrize("bits", [(0, 1), (0, 3), (2, 5)])
@pytest.mark.parametrize("both", [np.bitwise_and, np.bitwise_or], ids=["and", "or"])
def test_shorted_bits_are_found(bits: tuple[int, int], both: Any) -> None:
    def short(words: Words, space: Space, _first: int, count: int) -> None:
        some = words[Space.V]
        level = both(some >> bits[0] & 1, some >> bits[1] & 1)
        for bit in bits if space is Space.V and count else ():
            some[:] = some & ~(1 << bit) | level << bit

    result = faulty(short)["memory"]
    assert result.verdict == "failed"
    assert result.text.startswith("V[") and "(pattern of bits)" in result.text


@pytest.mark.parametrize("rising", [True, False])
def test_bit_that_can_not_change_is_found(rising: bool) -> None:
    # Once it is 0 it stays so; or once it is 1.
    held = [1 if rising else 0]

    def weak(words: Words, space: Space, first: int, count: int) -> None:
        if space is Space.V and first <= 4 < first + count:
            new = int(words[space][4]) & 1
            held[0] = held[0] & new if rising else held[0] | new
            words[space][4] = words[space][4] & ~1 | held[0]

    result = faulty(weak)["memory"]
    assert result.verdict == "failed" and result.text.startswith("V[4]")


@pytest.mark.parametrize(("hit", "aggressor"), [(0, 60), (60, 0)], ids=["later", "earlier"])
def test_write_that_disturbs_a_word_of_another_block_is_found(
    hit: int, aggressor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Blocks of 8 words.
    monkeypatch.setattr(march, "MAX_BODY", READ_WRITE.size + 8)

    def couple(words: Words, space: Space, first: int, count: int) -> None:
        if space is Space.VOTES and first <= aggressor < first + count:
            words[space][hit] ^= 1

    assert faulty(couple)["memory"].text.startswith(f"VOTES[{hit}]: ")


def test_bit_that_rises_with_another_is_found_downwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upwards the other one has risen already: a march needs both orders."""
    monkeypatch.setattr(march, "MAX_BODY", READ_WRITE.size + 8)
    last = [0]

    def couple(words: Words, space: Space, first: int, count: int) -> None:
        if space is Space.VOTES and first <= 60 < first + count:
            if int(words[space][60]) & ~last[0] & 1:
                words[space][0] |= 1
            last[0] = int(words[space][60])

    text = faulty(couple)["memory"].text
    assert text.startswith("VOTES[0]: ") and text.endswith("(march down)")


def test_memory_that_another_one_changes_is_found() -> None:
    def cross(words: Words, space: Space, first: int, count: int) -> None:
        if space is Space.VOTES and first == 0 and count == 1:
            words[Space.V][3] ^= 1

    text = faulty(cross)["memory"].text
    # An odd number of times, or an even one.
    assert text.startswith(("memories must hold what they held", "10"))


def test_network_is_named_only_when_its_words_are_back() -> None:
    transport, core = golden()
    memories = transport.emulator._memories
    real = memories.write
    written = [0]

    def write(space: Space, first: int, words: list[int]) -> None:
        # From here on nothing is written any more.
        written[0] += 1
        if written[0] < 50:
            real(space, first, words)

    memories.write = write  # type: ignore[method-assign]
    result = results_of(transport, core, images=False)["memory"]
    assert result.verdict == "failed"
    assert result.text.endswith("; contents could not be put back, load a network")
    assert transport.emulator._network == bytes(32)


def test_interrupted_test_puts_words_back_and_leaves_the_network_unnamed() -> None:
    transport, core = golden()
    before = transport.emulator._memories.words[Space.STORE].copy()
    test = SelfTest(CountingTransport(transport), core=core, limit=600.0)
    test.identify()
    real, calls = transport.write, [0]

    def write(octets: bytes) -> None:
        calls[0] += 1
        if calls[0] == 900:
            raise KeyboardInterrupt
        real(octets)

    transport.write = write  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        list(test.rest(None, None))
    assert np.array_equal(transport.emulator._memories.words[Space.STORE], before)
    assert transport.emulator._network == bytes(32)
