"""Broken and malicious devices: each is told in one line and in time, also on the command line."""

import json
from importlib.metadata import EntryPoint
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from prunus_boards.driver.transports.base import Transport
from prunus_boards.measure import device_trial
from prunus_boards.measure.broken_devices import KINDS, BrokenDevice, Kind
from prunus_boards.measure.device_trial import CLOCK_HZ, LIMIT, OPTIONS, PATIENCES, trial, use
from prunus_cli import Cli, write_digits
from prunus_devices import golden, network
from prunus_model.cli.group import _COMMANDS
from prunus_model.common.errors import PrunusError
from prunus_rtl.export.plan import Plan
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import encode

#: What a device that never stops is told by.
WAITED = ("must be silent", "must answer", "must accept", "must stay connected")


def test_there_are_forty_kinds_and_more() -> None:
    assert len(KINDS) >= 40


def test_a_sound_device_is_used_without_an_error() -> None:
    """So whatever is told of the others is of their kind."""
    transport, core = golden(OPTIONS)
    expected = use(transport, core, network())
    assert [told.message for told in trial("sound", Kind(), network())] == ["", ""]
    plan = link_plan(network(), OPTIONS)
    device = BrokenDevice(Kind(), plan, clock_hz=CLOCK_HZ, patience=0.5)
    found = use(device, CoreDescription.of(plan, clock_hz=CLOCK_HZ), network())
    assert found.content_hash == expected.content_hash


@pytest.mark.parametrize("name", KINDS)
def test_broken_device_is_told_in_one_line_and_in_time(name: str) -> None:
    for told in trial(name, KINDS[name], network()):
        assert told.message, told
        assert "\n" not in told.message and len(told.message) < 400
        assert told.seconds <= LIMIT


@pytest.mark.parametrize("name", KINDS)
def test_broken_device_is_told_on_the_command_line(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    point = EntryPoint("run", "prunus_boards.cli.run:run", "prunus.commands")
    monkeypatch.setitem(_COMMANDS, "run", point)

    def broken(plan: Plan) -> Transport:
        return BrokenDevice(KINDS[name], plan, clock_hz=CLOCK_HZ, patience=PATIENCES["port"])

    monkeypatch.setattr("prunus_boards.cli.targets.GoldenTransport", broken)
    network().save(Path("net.npz"))
    write_digits(Path("digits.npz"), 10, 5)
    plan = link_plan(network(), OPTIONS)
    CoreDescription.of(plan, clock_hz=CLOCK_HZ).save(Path("core.json"))
    cli = Cli(tmp_path, monkeypatch, capsys)
    said = cli.refuse(
        *("run", "net.npz", "digits.npz", "--core", "core.json", "--learn", "--save", "more.npz")
    )
    assert said != ""


@settings(max_examples=60, deadline=None)
@given(
    octets=st.binary(max_size=300),
    pause=st.floats(1e-4, 2.0),
    after=st.integers(0, 30),
    patience=st.sampled_from(sorted(PATIENCES.values())),
)
def test_transport_that_never_stops_is_given_up(
    octets: bytes, pause: float, after: int, patience: float
) -> None:
    """Talking, silent, slow, from the beginning or after a while."""
    kind = Kind(unasked=lambda _device: octets, pause=pause, after=after)
    plan = link_plan(network(), OPTIONS)
    device = BrokenDevice(kind, plan, clock_hz=CLOCK_HZ, patience=patience)
    with pytest.raises(PrunusError) as caught:
        use(device, CoreDescription.of(plan, clock_hz=CLOCK_HZ), network())
    assert any(words in str(caught.value) for words in WAITED)
    assert device.now <= LIMIT


@settings(max_examples=24, deadline=None)
@given(lost=st.integers(3, 6), first=st.integers(0, 5))
def test_line_that_loses_answers_now_and_then_is_used_to_the_end(lost: int, first: int) -> None:
    """Deadlines give up no device that gets on."""
    numbers = count(first)

    def line(_device: BrokenDevice, _request: bytes, answer: bytes) -> bytes:
        return b"" if next(numbers) % lost == 0 else encode(answer)

    plan = link_plan(network(), OPTIONS)
    device = BrokenDevice(Kind(line=line), plan, clock_hz=CLOCK_HZ, patience=0.5)
    found = use(device, CoreDescription.of(plan, clock_hz=CLOCK_HZ), network())
    transport, core = golden(OPTIONS)
    assert found.content_hash == use(transport, core, network()).content_hash


def test_measurement_writes_how_many_were_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: KINDS[name] for name in ("silent", "never a result", "result of all ones")}
    monkeypatch.setattr(device_trial, "KINDS", some)
    monkeypatch.setattr(device_trial, "trial_network", network)
    path = tmp_path / "found.json"
    done = CliRunner().invoke(device_trial.main, ["--output", str(path)])
    assert done.exit_code == 0
    found = json.loads(path.read_text())
    assert (found["kinds"], found["told"]) == (3, 3)
    assert 8.0 < found["longest_s"] <= LIMIT
    monkeypatch.setitem(some, "sound", Kind())
    done = CliRunner().invoke(device_trial.main, ["--output", str(path)])
    assert done.exit_code == 2
    assert "Device must be told: sound at a port" in done.output
    found = json.loads(path.read_text())
    assert (found["kinds"], found["told"]) == (4, 3)
