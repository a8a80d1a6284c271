# amaranth: UnusedElaboratable=no

import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from prunus_model.common.errors import ConfigError
from prunus_rtl.link.phy.spi import MIN_CYCLES, SpiPeripheral, check_bit_rate
from prunus_sim.simulator.amaranth import receive, send

#: Period of the clock, in seconds; all times below are in periods.
PERIOD = 1e-6
#: Most cycles of a test.
CYCLES = 50_000
OCTETS = [0x80, 0x01, 0xFF, 0x55, 0xAA, 0x00, 0x7F, 0xFE, *range(3, 250, 31)]
PHASES = [k / 10 + 0.03 for k in range(10)]
HALF = MIN_CYCLES / 2


class Host:
    """A host in mode 0, whose times are those at the pins of the device.

    Parameters
    ----------
    low, high : float
        Of SCK, in periods of the device's clock.
    setup : float
        So long before SCK rises MISO is sampled. While it is not driven, the wrong bit is read.
    lead, lag, gap : float
        From chip select to SCK, from the last bit to chip select, and chip select high.
    """

    def __init__(
        self,
        ctx: Any,
        dut: SpiPeripheral,
        *,
        low: float = HALF,
        high: float = HALF,
        setup: float = 1.0,
        lead: float = HALF,
        lag: float = HALF,
        gap: float = HALF,
    ) -> None:
        self.ctx, self.dut = ctx, dut
        self.low, self.high, self.setup = low, high, setup
        self.lead, self.lag, self.gap = lead, lag, gap
        #: Levels of MISO when SCK falls.
        self.late: list[int] = []

    async def wait(self, periods: float) -> None:
        if periods > 0:
            await self.ctx.delay(periods * PERIOD)

    async def bits(self, levels: Sequence[int], *, first: bool) -> list[int]:
        """Exchange bits; SCK is low before and behind."""
        found = []
        for k, level in enumerate(levels):
            self.ctx.set(self.dut.mosi, level)
            low = self.lead if first and not k else self.low
            await self.wait(low - self.setup)
            driven = self.ctx.get(self.dut.selected)
            found.append(self.ctx.get(self.dut.miso) ^ (not driven))
            await self.wait(self.setup)
            self.ctx.set(self.dut.sck, 1)
            await self.wait(self.high)
            self.late.append(self.ctx.get(self.dut.miso))
            self.ctx.set(self.dut.sck, 0)
        return found

    async def exchange(self, octets: Sequence[int], *, broken: int = 0) -> list[int]:
        """Exchange octets in one piece, and further bits of one that is broken."""
        self.ctx.set(self.dut.cs, 0)
        found = []
        for k, octet in enumerate(octets):
            bits = await self.bits([octet >> b & 1 for b in reversed(range(8))], first=not k)
            found.append(int("".join(map(str, bits)), 2))
        await self.bits([1] * broken, first=not octets)
        await self.wait(self.lag - self.high)
        self.ctx.set(self.dut.cs, 1)
        await self.wait(self.gap)
        return found


class Ends:
    """Both streams of the device, at its core: what has come, and what is to be sent."""

    def __init__(self, dut: SpiPeripheral, to_send: Sequence[int] = ()) -> None:
        self.come: list[int] = []
        self.taken = 0
        self._dut, self._to_send = dut, to_send

    async def take(self, ctx: Any) -> None:
        while True:
            self.come.append(await receive(ctx, self._dut.octets_in))

    async def give(self, ctx: Any) -> None:
        port = self._dut.octets_out
        for octet in self._to_send:
            ctx.set(port.payload, octet)
            ctx.set(port.valid, 1)
            ready = False
            while not ready:
                *_, ready = await ctx.tick().sample(port.ready)
            self.taken += 1
            # As the enframer: an octet is there every second cycle.
            ctx.set(port.valid, 0)
            await ctx.tick()


def run(
    dut: SpiPeripheral, ends: Ends | None, *benches: Callable[[Any], Coroutine[Any, Any, None]]
) -> None:
    """Run benches until all are over, with both ends of the streams unless a bench is that."""

    async def watch(ctx: Any) -> None:
        await ctx.delay(CYCLES * PERIOD)
        raise TimeoutError(f"Benches must be over after {CYCLES} cycles")

    sim = Simulator(dut)
    sim.add_clock(PERIOD)
    for bench in benches:
        sim.add_testbench(bench)
    for more in (watch, *(() if ends is None else (ends.take, ends.give))):
        sim.add_testbench(more, background=True)
    sim.run()


def exchanged(
    octets: Sequence[int], answer: Sequence[int], *, phase: float = 0.5, **times: float
) -> tuple[list[int], list[int]]:
    """Return what device and host receive of each other, in one piece."""
    dut = SpiPeripheral()
    ends = Ends(dut, answer)
    found: list[int] = []

    async def host(ctx: Any) -> None:
        await ctx.delay((10 + phase) * PERIOD)
        found.extend(await Host(ctx, dut, **times).exchange(octets))
        await ctx.delay(10 * PERIOD)

    run(dut, ends, host)
    return ends.come, found


@pytest.mark.parametrize("phase", PHASES)
def test_octets_go_both_ways_at_the_fastest_clock(phase: float) -> None:
    """Half of SCK is 4 cycles, and MISO is right one before it is sampled, whatever the phase."""
    assert exchanged(OCTETS, OCTETS[::-1], phase=phase) == (OCTETS, OCTETS[::-1])


@pytest.mark.parametrize("phase", PHASES[::3])
@pytest.mark.parametrize("period", [8.37, 9.0, 40.0])
def test_slower_clocks_do_as_well(period: float, phase: float) -> None:
    times = {"low": period / 2, "high": period / 2}
    found = exchanged(OCTETS[:6], OCTETS[:6], phase=phase, **times)
    assert found == (OCTETS[:6], OCTETS[:6])


@pytest.mark.parametrize("phase", PHASES)
def test_edges_may_be_as_close_as_is_told(phase: float) -> None:
    """Every time of the docstring at its limit, without anything for pads and wires."""
    times = {"low": 3.01, "high": 2.01, "setup": 0.0}
    times |= {"lead": 2.01, "lag": 1.01, "gap": 1.01}
    assert exchanged(OCTETS, OCTETS[::-1], phase=phase, **times) == (OCTETS, OCTETS[::-1])


@pytest.mark.parametrize("phase", PHASES)
def test_transfers_may_follow_as_closely(phase: float) -> None:
    dut = SpiPeripheral()
    ends = Ends(dut, OCTETS)
    found: list[int] = []

    async def host(ctx: Any) -> None:
        await ctx.delay((10 + phase) * PERIOD)
        times = {"lag": 1.01, "gap": 1.01, "lead": 2.01, "setup": 0.0}
        link = Host(ctx, dut, **times)
        for octet in OCTETS:
            found.extend(await link.exchange([octet]))
        await ctx.delay(10 * PERIOD)

    run(dut, ends, host)
    assert (ends.come, found) == (OCTETS, OCTETS)


@pytest.mark.parametrize("phase", PHASES[::3])
def test_miso_keeps_its_bit_until_sck_falls(phase: float) -> None:
    """Both ends change their bit at that edge: a host that samples late is right, too."""
    dut = SpiPeripheral()
    ends = Ends(dut, OCTETS)
    late: list[int] = []

    async def host(ctx: Any) -> None:
        await ctx.delay((10 + phase) * PERIOD)
        link = Host(ctx, dut, high=20)
        await link.exchange([1] * len(OCTETS))
        late.extend(link.late)

    run(dut, ends, host)
    assert late == [octet >> b & 1 for octet in OCTETS for b in reversed(range(8))]


def wrong(**times: float) -> bool:
    """Whether anything is lost or altered in some phase."""
    return any(
        exchanged(OCTETS[:5], OCTETS[4::-1], phase=phase, **times) != (OCTETS[:5], OCTETS[4::-1])
        for phase in PHASES
    )


def test_limits_are_exact() -> None:
    """A tenth of a cycle less, and in some phase a bit is wrong."""
    at_limit = {"low": 3.01, "high": 2.01, "setup": 0.0}
    assert not wrong(**at_limit)
    assert wrong(**at_limit | {"low": 2.9})
    assert wrong(**at_limit | {"high": 1.9})
    assert not wrong(**at_limit, lead=2.01)
    assert wrong(**at_limit, lead=1.5)


def test_mosi_is_sampled_within_a_cycle_after_sck_rises() -> None:
    dut = SpiPeripheral()
    ends = Ends(dut)

    async def host(ctx: Any) -> None:
        for phase in PHASES:
            await ctx.delay((8 + phase) * PERIOD)
            ctx.set(dut.cs, 0)
            for octet in (0xA5, 0x3C):
                for b in reversed(range(8)):
                    level = octet >> b & 1
                    # The bit is there from just before the edge until just a cycle after it.
                    ctx.set(dut.mosi, 1 - level)
                    await ctx.delay(3.99 * PERIOD)
                    ctx.set(dut.mosi, level)
                    await ctx.delay(0.01 * PERIOD)
                    ctx.set(dut.sck, 1)
                    await ctx.delay(1.01 * PERIOD)
                    ctx.set(dut.mosi, 1 - level)
                    await ctx.delay(2.99 * PERIOD)
                    ctx.set(dut.sck, 0)
            await ctx.delay(4 * PERIOD)
            ctx.set(dut.cs, 1)
        await ctx.delay(10 * PERIOD)

    run(dut, ends, host)
    assert ends.come == [0xA5, 0x3C] * len(PHASES)


def test_zeros_behind_a_zero_are_dropped_and_no_other() -> None:
    sent = [0, 0, 5, 0, 0, 0, 6, 7, 0, 8, 0, 0]
    come, _ = exchanged(sent, [])
    assert come == [5, 0, 6, 7, 0, 8, 0]


def test_filler_is_sent_when_there_is_nothing_else() -> None:
    _, found = exchanged(OCTETS, [])
    assert found == [0] * len(OCTETS)


def test_octet_that_comes_late_goes_behind_a_filler_and_is_whole() -> None:
    """Chip select stays low, and SCK waits for as long as it likes."""
    dut = SpiPeripheral()
    ends = Ends(dut)
    found: list[int] = []

    async def host(ctx: Any) -> None:
        link = Host(ctx, dut)
        await ctx.delay(10.5 * PERIOD)
        ctx.set(dut.cs, 0)
        for bits in ([0] * 8, [0] * 8, [0] * 8):
            await ctx.delay(1000 * PERIOD)
            found.append(int("".join(map(str, await link.bits(bits, first=False))), 2))
        ctx.set(dut.cs, 1)

    async def late(ctx: Any) -> None:
        # It is offered before the first bit of the second octet, of which is decided by then.
        await ctx.tick().repeat(1600)
        await send(ctx, dut.octets_out, 0xC3)

    run(dut, ends, host, late)
    assert found == [0, 0, 0xC3]
    assert ends.come == []


@pytest.mark.parametrize("broken", range(8))
def test_chip_select_in_the_middle_of_an_octet_loses_nothing(broken: int) -> None:
    """The octet that was sent in part is sent again; the one that came in part is dropped."""
    dut = SpiPeripheral()
    ends = Ends(dut, [0x91, 0x92, 0x93])
    found: list[int] = []

    async def host(ctx: Any) -> None:
        link = Host(ctx, dut)
        await ctx.delay(10.5 * PERIOD)
        found.extend(await link.exchange([0x11], broken=broken))
        assert ends.taken == 1
        found.extend(await link.exchange([], broken=broken))
        assert ends.taken == 1
        found.extend(await link.exchange([0x12, 0x13, 0x14]))

    run(dut, ends, host)
    assert ends.come == [0x11, 0x12, 0x13, 0x14]
    assert found == [0x91, 0x92, 0x93, 0]


def test_octet_is_taken_when_its_last_bit_was_sampled() -> None:
    """And not before, as it could not be sent again then."""
    dut = SpiPeripheral()
    ends = Ends(dut, [0x81, 0x82])

    async def host(ctx: Any) -> None:
        link = Host(ctx, dut)
        await ctx.delay(10.5 * PERIOD)
        ctx.set(dut.cs, 0)
        await link.bits([0] * 7, first=True)
        await link.wait(100)
        assert ends.taken == 0
        await link.bits([0], first=False)
        assert ends.taken == 1
        await link.wait(100)
        assert ends.taken == 1

    run(dut, ends, host)


def test_octet_whose_last_edge_comes_with_the_end_of_the_transfer_is_not_whole() -> None:
    """At both ends alike: nothing is taken, and nothing has come."""
    dut = SpiPeripheral()
    ends = Ends(dut, [0x81])
    found: list[int] = []

    async def host(ctx: Any) -> None:
        link = Host(ctx, dut)
        await ctx.delay(10.5 * PERIOD)
        ctx.set(dut.cs, 0)
        await link.bits([1] * 7, first=True)
        await link.wait(HALF)
        ctx.set(dut.sck, 1)
        ctx.set(dut.cs, 1)
        await link.wait(HALF)
        ctx.set(dut.sck, 0)
        await link.wait(HALF)
        assert (ends.taken, ends.come) == (0, [])
        found.extend(await link.exchange([0x55]))

    run(dut, ends, host)
    assert (ends.come, found) == ([0x55], [0x81])


def test_who_is_not_selected_hears_and_says_nothing() -> None:
    dut = SpiPeripheral()
    ends = Ends(dut, [0xF0])
    found: list[int] = []

    async def host(ctx: Any) -> None:
        await ctx.delay(10.5 * PERIOD)
        assert ctx.get(dut.selected) == 0
        ctx.set(dut.mosi, 1)
        # Another device is spoken to: 8 octets and a bit.
        for _ in range(65):
            ctx.set(dut.sck, 1)
            await ctx.delay(HALF * PERIOD)
            assert ctx.get(dut.selected) == 0
            ctx.set(dut.sck, 0)
            await ctx.delay(HALF * PERIOD)
        assert (ends.come, ends.taken) == ([], 0)
        found.extend(await Host(ctx, dut).exchange([0x42]))
        await ctx.delay(4 * PERIOD)
        assert ctx.get(dut.selected) == 0

    run(dut, ends, host)
    assert (ends.come, found) == ([0x42], [0xF0])


def test_octet_that_nobody_takes_is_kept_and_later_ones_are_dropped() -> None:
    dut = SpiPeripheral()

    async def host(ctx: Any) -> None:
        link = Host(ctx, dut)
        await ctx.delay(10.5 * PERIOD)
        await link.exchange([1, 0, 2, 0, 0])
        assert await receive(ctx, dut.octets_in) == 1
        # The 0 behind it was dropped as the queue was full: a later one takes its place.
        await link.exchange([0, 0])
        assert await receive(ctx, dut.octets_in) == 0
        await link.exchange([0, 3])
        assert await receive(ctx, dut.octets_in) == 3

    run(dut, None, host)


def test_random_transfers_with_random_pauses() -> None:
    rng = np.random.default_rng(7)
    sent = rng.integers(0, 256, 150).tolist()
    answer = rng.integers(1, 256, 150).tolist()
    dut = SpiPeripheral()
    ends = Ends(dut, answer)
    found: list[int] = []

    async def host(ctx: Any) -> None:
        k = 0
        await ctx.delay(10.5 * PERIOD)
        while k < len(sent):
            count = int(rng.integers(1, 9))
            low, high = rng.uniform(HALF, 2 * HALF, 2)
            link = Host(ctx, dut, low=low, high=high, lead=low, gap=rng.uniform(1.5, 20))
            found.extend(await link.exchange(sent[k : k + count]))
            k += count
        await ctx.delay(10 * PERIOD)

    run(dut, ends, host)
    kept = [o for o, before in zip(sent, [0, *sent], strict=False) if o or before]
    assert (ends.come, found) == (kept, answer)


@pytest.mark.parametrize(
    ("clock_hz", "baud", "message"),
    [
        (24_000_000, 3_000_001, "Bit rate of SPI must be 1 to 3000000 with a clock of 24000000 Hz"),
        (7_000_000, 1_000_000, "must be 1 to 875000 with a clock of 7000000 Hz, not 1000000"),
        (7_000_000, 0, "must be 1 to 875000 with a clock of 7000000 Hz, not 0"),
    ],
)
def test_refuses_a_rate_that_the_clock_does_not_allow(
    clock_hz: int, baud: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_bit_rate(clock_hz=clock_hz, baud=baud)


def test_takes_the_fastest_rate_and_slow_ones() -> None:
    check_bit_rate(clock_hz=24_000_000, baud=3_000_000)
    check_bit_rate(clock_hz=24_000_000, baud=1)
