"""The self-test passes a sound device, leaves it as it was, and finds what is injected."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cobs import cobs

from prunus_boards.driver.contents import blocks
from prunus_boards.driver.selftest import storage
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.result import Result
from prunus_boards.driver.selftest.run import SelfTest
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_devices import LEARNING, PACKED, Tampering, golden, network, shown
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import (
    BROKEN_RESPONSE,
    Opcode,
    ProtocolError,
    Status,
    decode,
    encode,
)
from prunus_rtl.link.protocol.records import Condition
from prunus_selftest import results_of


def verdicts(results: dict[str, Result]) -> list[str]:
    return [result.verdict for result in results.values()]


@pytest.mark.parametrize("options", [PACKED, LEARNING], ids=["inference", "learning"])
def test_sound_device_passes_and_stays_as_it_was(options: ExportOptions) -> None:
    transport, core = golden(options)
    memories = transport.emulator._memories
    # One that has been used: its potentials, and the number of its presentation, are its own.
    memories.write(Space.V, 0, [3, 1, 4])
    memories.write(Space.PRESENTATION, 0, [1234])
    before = {space: words.copy() for space, words in memories.words.items()}
    results = results_of(transport, core)
    assert verdicts(results) == ["ok"] * 5, results
    after = memories.words
    for space, words in before.items():
        for first, count in blocks(core.widths, space):
            assert np.array_equal(after[space][first : first + count], words[first : first + count])
    assert transport.emulator._network == bytes.fromhex(network().content_hash)
    # Every memory is there, with all of its words, accessed at least as often as March C- does.
    figures = results["memory"].figures
    assert set(figures) == {space.name for space in spaces(core.widths)}
    for space in spaces(core.widths):
        total = sum(count for _, count in blocks(core.widths, space))
        assert figures[space.name]["words"] == total
        assert figures[space.name]["accesses"] >= 10 * total
    assert results["images"].figures["images"] == 3
    assert results["images"].figures["output_spikes"] > 0
    assert results["link"].figures["bytes_sent"] > 256 * 32
    assert results["link"].figures["bytes_received"] > 256 * 32
    assert results["counters"].figures == {"presentations": 3, "broken_frames": 1}


def test_without_a_network_images_are_skipped() -> None:
    results = results_of(*golden(), images=False)
    assert verdicts(results) == ["ok", "ok", "ok", "skipped", "ok"]
    assert results["images"].text == "no network is named that the device holds"
    assert results["counters"].text == "0 presentations, 1 broken frame"


# Line.


def nth(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change only that many-th piece that is not empty."""
    seen = [0]

    def changed(octets: bytes) -> bytes:
        seen[0] += bool(octets)
        return change(octets) if octets and seen[0] == number else octets

    return changed


def flipped(octets: bytes) -> bytes:
    return octets[:4] + bytes([octets[4] ^ 0x10]) + octets[5:]


@pytest.mark.parametrize("way", ["sent", "come"])
@pytest.mark.parametrize("change", [flipped, lambda _octets: b""], ids=["corrupted", "lost"])
def test_frame_that_is_corrupted_or_lost_is_found(
    way: str, change: Callable[[bytes], bytes]
) -> None:
    transport, core = golden()
    results = results_of(Tampering(transport, **{way: nth(40, change)}), core)
    assert results["link"].verdict == "failed"
    assert results["link"].text.startswith("1 of 512 requests had to be repeated, ")
    # All else goes on.
    assert [results[name].verdict for name in ("memory", "images")] == ["ok", "ok"]


def repaired(frame: bytes) -> bytes | None:
    """The frame with the CRC of its message, if it is one frame and that is wrong."""
    stuffed = frame.strip(b"\0")
    if b"\0" not in stuffed:
        try:
            decode(stuffed)
        except ProtocolError:
            return encode(cobs.decode(stuffed)[:-4])
    return None


def test_device_that_takes_a_wrong_crc_is_found() -> None:
    transport, core = golden()
    results = results_of(Tampering(transport, sent=lambda octets: repaired(octets) or octets), core)
    assert results["link"].verdict == "failed"
    assert results["link"].text.startswith("frame with a wrong CRC must be answered BROKEN, not ")


def test_device_that_refuses_a_wrong_crc_and_carries_it_out_is_found() -> None:
    transport, core = golden()

    def sent(octets: bytes) -> bytes:
        if (good := repaired(octets)) is not None:
            transport.emulator.feed(good)
        return octets

    results = results_of(Tampering(transport, sent=sent), core)
    assert results["link"].text == (
        "frame with a wrong CRC was refused and carried out nevertheless"
    )
    # The hash is put back.
    assert transport.emulator._network == bytes.fromhex(network().content_hash)


def test_device_that_does_not_answer_a_wrong_crc_is_found() -> None:
    transport, core = golden()
    broken = encode(BROKEN_RESPONSE)
    results = results_of(
        Tampering(transport, come=lambda octets: b"" if octets == broken else octets), core
    )
    assert results["link"].text == "frame with a wrong CRC must be answered BROKEN, not nothing"


def test_byte_that_comes_back_as_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Emulator._write

    def write(self: Emulator, body: bytes) -> bytes:
        answer = real(self, body)
        if self._network[7] == 0x80:
            self._network = self._network[:7] + b"\x81" + self._network[8:]
        return answer

    monkeypatch.setattr(Emulator, "_write", write)
    text = results_of(*golden())["link"].text
    assert text.endswith(": byte 7 was sent as 0x80 and came back as 0x81")


# Images and counters.


def test_wrong_result_of_an_image_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Emulator._start_presentation

    def start(self: Emulator, request: Any) -> None:
        real(self, request)
        if self._started == 2:
            self._spikes[0] = (self._spikes[0][0] + 1, self._spikes[0][1])

    monkeypatch.setattr(Emulator, "_start_presentation", start)
    results = results_of(*golden())
    assert verdicts(results) == ["ok", "ok", "ok", "failed", "ok"]
    assert results["images"].text.startswith(
        "presentation 1: output spike 0 (step, neuron) must be ("
    )


def test_other_contents_than_those_of_the_network_are_found() -> None:
    transport, core = golden()
    votes = transport.emulator._memories.words[Space.VOTES]
    votes[5] ^= 1
    text = results_of(transport, core)["images"].text
    assert text == f"memories must hold the network: VOTES[5] is {votes[5]}, not {votes[5] ^ 1}"


def test_network_that_is_not_there_is_told() -> None:
    transport, core = golden(artifact=network(900))
    text = results_of(transport, core)["images"].text
    assert text.startswith("Device at golden must hold network ")


def test_clock_without_cycles_is_found() -> None:
    transport = GoldenTransport(link_plan(network(), PACKED), clock_hz=12_000_000)
    results = results_of(transport, replace(transport.emulator.description, clock_hz=12_000_000))
    assert results["identify"].text.endswith("10 neurons, 4 lanes, inference, 12 MHz")
    assert results["images"].text == ("images must take cycles in a device that has a clock, not 0")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"started": 1}, "device must count 3 presentations more, not 4"),
        ({"broken": 1}, "device must count 1 broken frame, which was sent, not 2"),
        ({"running": True}, "no presentation must run, but one does"),
    ],
)
def test_counters_that_are_wrong_are_found(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    transport, core = golden()
    test = SelfTest(CountingTransport(transport), core=core, limit=600.0)
    test.identify()
    results: Iterator[Result] = test.rest(network(), shown(3))
    assert [next(results).verdict for _ in range(3)] == ["ok"] * 3
    real = Emulator._condition  # Of counters alone.

    def condition(self: Emulator, body: bytes) -> bytes:
        found = Condition.unpack(real(self, body))
        more = {name: getattr(found, name) + value for name, value in change.items()}
        return replace(found, **more).pack()

    monkeypatch.setattr(Emulator, "_condition", condition)
    last = next(results)
    assert (last.verdict, last.text) == ("failed", said)


# Time, and devices that go.


def test_device_that_falls_silent_fails_and_the_rest_is_skipped() -> None:
    transport, core = golden()
    calls = [0]

    def sent(octets: bytes) -> bytes:
        calls[0] += 1
        return octets if calls[0] < 300 else b""

    results = results_of(Tampering(transport, sent=sent), core)
    assert verdicts(results) == ["ok", "failed", "skipped", "skipped", "skipped"]
    assert "must answer " in results["link"].text
    assert results["memory"].text == "the device does not answer as it must"


def test_device_that_is_not_there_fails_at_once() -> None:
    transport, core = golden()
    results = results_of(Tampering(transport, sent=lambda _octets: b""), core)
    assert verdicts(results) == ["failed", *["skipped"] * 4]
    assert "must answer IDENTIFY" in results["identify"].text


def test_other_core_fails() -> None:
    transport, _ = golden()
    _, other = golden(LEARNING)
    results = results_of(transport, other)
    assert verdicts(results) == ["failed", *["skipped"] * 4]
    assert results["identify"].text.startswith("Device at golden must be core ")


def test_every_test_has_its_time() -> None:
    transport, core = golden()
    now = [0.0]
    transport.clock = lambda: now[0]
    real = transport.write

    def write(octets: bytes) -> None:
        now[0] += 0.5
        real(octets)

    transport.write = write  # type: ignore[method-assign]
    results = results_of(transport, core, limit=20.0)
    for name in ("link", "memory"):
        assert results[name].verdict == "failed"
        assert results[name].text.startswith("not finished in 20 s (")
        assert results[name].text.endswith("); `--limit` gives it more")
        # The time is over, and what is put back takes a while.
        assert 20 <= results[name].seconds < 120
    # Contents and network are put back nevertheless.
    assert transport.emulator._network == bytes.fromhex(network().content_hash)
    assert results["images"].verdict in ("ok", "failed")


def test_refused_request_is_a_failure_and_not_the_end() -> None:
    transport, core = golden()

    def come(octets: bytes) -> bytes:
        message = decode(octets.strip(b"\0")) if octets else b""
        # Words are refused, and the hash of the network is not.
        if message[1:2] == bytes([Opcode.READ]) and len(message) != 3 + 32:
            return encode(message[:2] + bytes([Status.ADDRESS]))
        return octets

    results = results_of(Tampering(transport, come=come), core, images=False)
    assert verdicts(results) == ["ok", "ok", "failed", "skipped", "ok"]
    assert results["memory"].text == "Device at golden must accept READ, not answer ADDRESS"


def test_network_is_named_again_after_an_answer_that_can_not_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport, core = golden()
    network = transport.emulator._network
    wrong: list[int] = []

    def come(octets: bytes) -> bytes:
        message = decode(octets.strip(b"\0")) if octets else b""
        # Once, after everything was read that is put back; never of the hash of the network.
        words = message[1:2] == bytes([Opcode.READ]) and len(message) != 3 + 32
        if words and transport.emulator._network == bytes(32):
            wrong.append(len(message))
            if len(wrong) == 1:
                # A word has three octets, and its top bit is not one of the 23.
                return encode(message[:5] + bytes([message[5] | 0x80]) + message[6:])
        return octets

    monkeypatch.setattr(storage, "readable", lambda _: {Space.V_FIRE})
    result = results_of(Tampering(transport, come=come), core, images=False)["memory"]
    assert result.verdict == "failed"
    assert result.text.startswith("Device at golden must answer READ with words of 23 bits, not ")
    assert "could not be put back" not in result.text
    assert transport.emulator._network == network != bytes(32)
