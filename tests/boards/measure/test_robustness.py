"""The trial of the link finds what it is there to find."""

import numpy as np
import pytest
from cobs import cobs

from prunus_boards.driver.transports import emulator as emulation
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.emulator import Emulator
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.measure.noisy_channel import FAULTS, NoisyChannel
from prunus_boards.measure.robustness import Trial, trial_network
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import link_plan
from prunus_rtl.link.protocol.protocol import CRC_BYTES, ProtocolError


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> tuple[Trial, NoisyChannel, Emulator]:
    monkeypatch.setattr("prunus_boards.measure.robustness._BETWEEN", 50)
    plan = link_plan(trial_network(), ExportOptions(mode="learning", lanes=4))
    rng_channel, rng = np.random.default_rng(1).spawn(2)
    device = GoldenTransport(plan)
    channel = NoisyChannel(device, rng_channel)
    # What does not come at once will not come.
    channel.patience = 0.001
    return Trial(channel, GoldenTransport(plan), rng), channel, device.emulator


def found(trial: Trial) -> str:
    for _ in range(2000):
        trial.step()
        if trial.first:
            break
    return trial.first


def test_link_that_works_is_found_to_work(tried: tuple[Trial, NoisyChannel, Emulator]) -> None:
    trial, channel, _ = tried
    while channel.frames < 4000:
        trial.step()
    trial.compare()
    assert (trial.wrong_accepted, trial.state_changed, trial.first) == (0, 0, "")
    assert trial.recovered == trial.corrupted > 200
    assert all(channel.faults[kind] > 500 for kind in FAULTS)


def test_device_that_carries_out_repetitions_is_found(
    tried: tuple[Trial, NoisyChannel, Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, _, device = tried
    feed = device.feed

    def forgetful(octets: bytes) -> bytes:
        device._last = None
        return feed(octets)

    monkeypatch.setattr(device, "feed", forgetful)
    assert found(trial) != ""


def test_device_that_checks_no_crc_is_found(
    tried: tuple[Trial, NoisyChannel, Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(frame: bytes) -> bytes:
        try:
            content: bytes = cobs.decode(frame)
        except cobs.DecodeError as e:
            raise ProtocolError("broken") from e
        if len(content) < 2 + CRC_BYTES:
            raise ProtocolError("broken")
        return content[:-CRC_BYTES]

    monkeypatch.setattr(emulation, "decode", careless)
    assert found(tried[0]) != ""


def test_device_whose_memory_changes_by_broken_frames_is_found(
    tried: tuple[Trial, NoisyChannel, Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, _, device = tried
    feed = device.feed

    def leaky(octets: bytes) -> bytes:
        broken, answer = device._broken, feed(octets)
        if device._broken != broken:
            device._memories.words[Space.STRENGTH][3] ^= 1
        return answer

    monkeypatch.setattr(device, "feed", leaky)
    found(trial)
    assert trial.state_changed > 0 or trial.wrong_accepted > 0


def test_device_that_stops_answering_is_found(
    tried: tuple[Trial, NoisyChannel, Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, _, device = tried
    monkeypatch.setattr(device, "feed", lambda _octets: b"")
    with pytest.raises(TransportError):
        trial.step()
    assert "nothing came in" in trial.first
    assert (trial.corrupted, trial.recovered) == (1, 0)
