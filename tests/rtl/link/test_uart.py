# amaranth: UnusedElaboratable=no

import re
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from prunus_model.common.errors import ConfigError
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter, baud_divisor
from prunus_sim.simulator.amaranth import receive, send, simulate

OCTETS = [0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, *range(3, 250, 13)]


async def line(ctx: Any, port: Any, levels: str, cycles: int) -> None:
    """Put bits on a line, each for so many cycles; `-` is high for twenty of them."""
    for level in levels:
        ctx.set(port, level != "0")
        await ctx.tick().repeat(cycles * (20 if level == "-" else 1))


def bits(octet: int) -> str:
    """Start bit, data bits with the lowest first, stop bit."""
    return "0" + f"{octet:08b}"[::-1] + "1"


def received(dut: UartReceiver, levels: str, *, cycles: int | None = None) -> list[int]:
    """Return the octets that are received of a line; each is taken at once."""
    octets: list[int] = []

    async def drive(ctx: Any) -> None:
        await line(ctx, dut.rx, levels + "-", dut.divisor if cycles is None else cycles)

    async def watch(ctx: Any) -> None:
        ctx.set(dut.octets.ready, 1)
        while True:
            *_, valid, octet = await ctx.tick().sample(dut.octets.valid, dut.octets.payload)
            if valid:
                octets.append(octet)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.add_testbench(watch, background=True)
    sim.run()
    return octets


@pytest.mark.parametrize("divisor", [8, 9, 12, 104])
def test_receives_what_is_on_the_line(divisor: int) -> None:
    octets = OCTETS if divisor < 100 else OCTETS[:6]
    # The last stop bits touch the next start bits.
    assert received(UartReceiver(divisor=divisor), "".join(map(bits, octets))) == octets


@pytest.mark.parametrize("divisor", [8, 12])
def test_sends_start_bit_data_bits_and_stop_bit_of_equal_length(divisor: int) -> None:
    dut = UartTransmitter(divisor=divisor)
    seen: list[int] = []

    async def feed(ctx: Any) -> None:
        for octet in OCTETS:
            await send(ctx, dut.octets, octet)
        await ctx.tick().repeat(12 * divisor)

    async def watch(ctx: Any) -> None:
        while True:
            *_, tx = await ctx.tick().sample(dut.tx)
            seen.append(tx)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(feed)
    sim.add_testbench(watch, background=True)
    sim.run()
    first = seen.index(0)
    assert first <= 3
    want = [int(b) for octet in OCTETS for b in bits(octet) for _ in range(divisor)]
    assert seen[first : first + len(want)] == want
    assert set(seen[first + len(want) :]) == {1}


@pytest.mark.parametrize("skew", [-0.02, -0.01, 0.01, 0.02])
@pytest.mark.parametrize("divisor", [8, 12, 104])
def test_receives_from_a_sender_with_another_clock(divisor: int, skew: float) -> None:
    sender, receiver = UartTransmitter(divisor=divisor), UartReceiver(divisor=divisor)
    octets = OCTETS[:12]
    rng = np.random.default_rng(1)
    sent: list[tuple[float, int]] = []

    async def record(ctx: Any) -> None:
        for octet in octets:
            await send(ctx, sender.octets, octet, rng)
        await ctx.tick().repeat(12 * divisor)

    async def note(ctx: Any) -> None:
        k = 0
        while True:
            *_, tx = await ctx.tick().sample(sender.tx)
            sent.append((k * (1 + skew), tx))
            k += 1

    sim = Simulator(sender)
    sim.add_clock(1e-6)
    sim.add_testbench(record)
    sim.add_testbench(note, background=True)
    sim.run()

    got: list[int] = []

    async def replay(ctx: Any) -> None:
        now = 0
        for at, tx in sent:
            while now < at:
                await ctx.tick()
                now += 1
            ctx.set(receiver.rx, tx)
        await ctx.tick().repeat(4 * divisor)

    async def watch(ctx: Any) -> None:
        while True:
            got.append(await receive(ctx, receiver.octets))

    sim = Simulator(receiver)
    sim.add_clock(1e-6)
    sim.add_testbench(replay)
    sim.add_testbench(watch, background=True)
    sim.run()
    assert got == octets


def test_drops_an_octet_without_stop_bit_and_goes_on() -> None:
    broken = bits(0x55)[:-1] + "0"
    assert received(UartReceiver(divisor=8), bits(1) + broken + "1" + bits(2)) == [1, 2]


def test_a_break_is_no_octet() -> None:
    assert received(UartReceiver(divisor=8), bits(1) + 35 * "0" + "1" + bits(2)) == [1, 2]


def test_noise_shorter_than_half_a_bit_is_no_start_bit() -> None:
    dut = UartReceiver(divisor=16)
    glitches = ("0" * 5 + "1" * 40) * 3 + "-"
    assert received(dut, glitches, cycles=1) == []


def test_a_single_wrong_sample_in_a_bit_does_no_harm() -> None:
    dut = UartReceiver(divisor=12)
    wave = [level for b in bits(0xA3) for level in b * 12]
    for bit in range(10):
        # The middle of the three samples of this bit.
        at = 12 * bit + 6
        spoiled = wave.copy()
        spoiled[at] = "1" if spoiled[at] == "0" else "0"
        assert received(dut, "".join(spoiled) + "-", cycles=1) == [0xA3]


def test_an_octet_that_nobody_takes_is_kept_and_later_ones_are_dropped() -> None:
    dut = UartReceiver(divisor=8)

    async def bench(ctx: Any) -> None:
        await line(ctx, dut.rx, bits(1) + bits(2) + bits(3) + "1", 8)
        assert await receive(ctx, dut.octets) == 1
        assert ctx.get(dut.octets.valid) == 0
        await line(ctx, dut.rx, bits(4) + "1", 8)
        assert await receive(ctx, dut.octets) == 4

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("clock_hz", "baud", "divisor"),
    [
        (12_000_000, 1_000_000, 12),
        (25_000_000, 115_200, 217),
        (12_000_000, 115_200, 104),
        (48_000_000, 6_000_000, 8),
        (10_200_000, 1_000_000, 10),
        (9_800_000, 1_000_000, 10),
    ],
)
def test_divisor_is_rounded(clock_hz: int, baud: int, divisor: int) -> None:
    assert baud_divisor(clock_hz=clock_hz, baud=baud) == divisor


@pytest.mark.parametrize(
    ("clock_hz", "baud", "message"),
    [
        (
            12_000_000,
            2_000_000,
            "Baud rate must be at most 1500000 with a clock of 12000000 Hz, not 2000000",
        ),
        (
            12_000_000,
            1_230_000,
            "Baud rate must be within 2 % of 12000000 Hz / n, not 1230000: the nearest is 1200000",
        ),
        (10_210_000, 1_000_000, "the nearest is 1021000"),
        (9_790_000, 1_000_000, "the nearest is 979000"),
        # In between 1,500,000 and 1,333,333, and nearer to the second though 8.49 rounds down.
        (12_000_000, 1_413_428, "the nearest is 1333333"),
        (12_000_000, 1_425_000, "the nearest is 1500000"),
        (12_000_000, 0, "Baud rate must be positive, not 0"),
    ],
)
def test_refuses_a_rate_that_the_clock_does_not_give(
    clock_hz: int, baud: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        baud_divisor(clock_hz=clock_hz, baud=baud)


@pytest.mark.parametrize("unit", [UartReceiver, UartTransmitter])
def test_refuses_a_divisor_that_is_too_small(unit: Any) -> None:
    with pytest.raises(ValueError, match="Divisor must be 8 or more, not 7"):
        unit(divisor=7)
