import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prunus_boards.driver.device import Device
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_devices import LEARNING, PACKED, network
from prunus_model.common.errors import ConfigError, PrunusError
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, DescriptionError, link_plan


def core(options: ExportOptions = PACKED, *, clock_hz: int = 0, baud: int = 0) -> CoreDescription:
    return CoreDescription.of(link_plan(network(), options), clock_hz=clock_hz, baud=baud)


def message(call: Callable[[], object]) -> str:
    with pytest.raises((DescriptionError, ConfigError)) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
def test_file_says_everything(tmp_path: Path, options: ExportOptions) -> None:
    before = core(options, clock_hz=25_000_000, baud=115_200)
    before.save(tmp_path / "core.json")
    after = CoreDescription.load(tmp_path / "core.json")
    assert after == before
    assert after.digest == before.digest
    assert len(after.digest) == 16


def test_cores_of_images_keep_the_digests_of_before_there_were_events(tmp_path: Path) -> None:
    core().save(tmp_path / "core.json")
    encoder = json.loads((tmp_path / "core.json").read_text())["network"]["encoder"]
    assert set(encoder) == {"steps", "gain", "spikes", "refractory_steps", "contrast"}


def test_digest_tells_cores_apart_but_for_clock_and_baud_rate() -> None:
    one = core()
    assert core(clock_hz=1, baud=1).digest == one.digest
    others = [
        core(LEARNING),
        core(replace(PACKED, lanes=2)),
        core(replace(PACKED, store="dense")),
        CoreDescription.of(link_plan(network(900), PACKED)),
        replace(one, hardware=replace(one.hardware, queue_depth=8)),
        replace(one, network=replace(one.network, seed=9)),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_plan_is_that_of_the_build() -> None:
    built = link_plan(network(), PACKED)
    again = core().plan(network())
    assert again.neurons.tolist() == built.neurons.tolist()
    assert again.image is not None and built.image is not None
    assert again.image.lanes == built.image.lanes
    assert again.state.differences(built.state) == []


def test_cores_are_registered_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "not yet there"))
    one = core()
    assert message(lambda: CoreDescription.find(one.digest)) == (
        f"Core {one.digest.hex()} must be known: it was not built here, so its core.json must be "
        "named"
    )
    path = one.register()
    assert CoreDescription.find(one.digest) == one
    core(LEARNING).save(path)
    assert message(lambda: CoreDescription.find(one.digest)) == (
        f"Core {path} is not valid: its digest is {core(LEARNING).digest.hex()}"
    )


def test_file_of_another_kind_or_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    core().save(path)
    values = json.loads(path.read_text())

    def load(**changes: object) -> str:
        path.write_text(json.dumps(values | changes))
        return refused(path)

    assert load(format="x") == (
        "format must be 'prunus core' and version 3, not 'x' and 3; build the core again"
    )
    assert load(version=1).endswith("not 'prunus core' and 1; build the core again")
    assert message(lambda: CoreDescription.load(tmp_path / "none")) == (
        f"Core {tmp_path / 'none'} can't be read: No such file or directory"
    )


def refused(path: Path) -> str:
    """Return why a file is not valid: one line that is not long."""
    text = message(lambda: CoreDescription.load(path))
    assert text.startswith(f"Core {path} is not valid: ")
    assert "\n" not in text and len(text) < 400 + len(str(path))
    return text.removeprefix(f"Core {path} is not valid: ")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="half"),
        pytest.param("[]", id="list"),
        pytest.param("7", id="number"),
        pytest.param("{}", id="nothing"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="nested"),
        pytest.param('{"network": ' + '{"a": ' * 5000 + "1" + "}" * 5001, id="nested tables"),
        pytest.param('{"clock_hz": ' + "9" * 5000 + "}", id="long number"),
        pytest.param('{"clock_hz": NaN}', id="no number"),
        pytest.param('{"format": "' + "x" * 1_000_000 + '"}', id="long text"),
        pytest.param('{"a": 1, "a": 2}', id="twice"),
        pytest.param("\ud800", id="surrogate"),
    ],
)
def test_what_is_no_description_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "core.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    path.write_bytes(bytes(range(256)))
    refused(path)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("format", "x" * 1_000_000, "format must be 'prunus core' and version 3, not ..."),
        ("hardware.store", "x" * 1_000_000, "hardware.store must be 'learning' or 'packed', not "),
        ("clock_hz", "x", "clock_hz must be an integer, not 'x'"),
        ("clock_hz", -5, "clock_hz must be at least 0, not -5"),
        ("clock_hz", None, "clock_hz must be an integer, not None"),
        ("clock_hz", True, "clock_hz must be an integer, not True"),
        ("baud", 1.5, "baud must be an integer, not 1.5"),
        ("clock", 3, "Key 'clock' is unknown"),
        ("network.neurons", "ten", "network: neurons must be an integer, not 'ten'"),
        ("network.extra", 1, "network: Key 'extra' is unknown"),
        ("hardware.lanes", 3, "lanes must be a power of 2, not 3"),
        ("hardware.lanes", 8, "options.lanes must be 8 in this core, not 4"),
        ("hardware.learn", True, "store must be 'learning' for a core that learns, not 'packed'"),
        ("options.mode", "both", "options.mode must be 'inference' or 'learning', not 'both'"),
        ("options.balanced", 3, "options.balanced: "),
        ("options.store", "none", "Store must be one of auto, csr, "),
        ("options.extra", 3, "Key 'options.extra' is unknown"),
        ("options.multiplier", "dsp", "options.multiplier must be 'sequential' in this core"),
        ("options.sweep_inputs", 2, "sweep_inputs must be 1 for a core that cannot learn"),
        ("layout", None, "hardware.store must be 'learning' in this core, not 'packed'"),
        ("layout", {}, "layout.format is missing; "),
        ("layout.format", "lists", "format must be one of csr, dense, bitmask, not 'lists'"),
        ("layout.format", "dense", "depths of lane 0 must be ['147..147'], not [50, 81]"),
        ("layout.inputs", 0, "inputs must be in 1..65536, not 0"),
        ("layout.inputs", 48, "depths of lane 0 must be [49, '1..16528'], not [50, 81]"),
        ("layout.weight_bits", 9, "weight_bits must be in 1..8, not 9"),
        ("layout.weight_bits", 7, "Images must have lanes, inputs, slots, weight_bits (4, 49, 3, "),
        ("layout.depths", [], "lanes of depths must be in 1..64, not 0"),
        ("layout.depths", [[]] * 4, "depths of lane 0 must be [50, '1..16531'], not []"),
        ("layout.depths", [[50, 81]], "Images must have lanes, inputs, slots, weight_bits (4, "),
        ("layout.depths", [[50, 0]] * 4, "depths of lane 0 must be [50, '1..16531'], not [50, 0]"),
        ("layout.depths", [[50, 10**12]] * 4, "depths of lane 0 must be [50, '1..16531'], not [50"),
        ("layout.depths", [[50, "x"]] * 4, "layout.depths.0.1 must be an integer, not 'x'"),
    ],
)
def test_value_that_cannot_be_is_named(
    tmp_path: Path, where: str, value: object, said: str
) -> None:
    path = tmp_path / "core.json"
    core().save(path)
    values = json.loads(path.read_text())
    *tables, key = where.split(".")
    table = values
    for name in tables:
        table = table[name]
    table[key] = value
    path.write_text(json.dumps(values))
    assert said in refused(path)


def leaves(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where there is anything in a file, tables and lists included."""
    if path:
        yield path
    if isinstance(values, dict | list):
        for key in values if isinstance(values, dict) else range(len(values)):
            yield from leaves(values[key], (*path, key))


#: What is put in place of everything.
WRONG: tuple[Any, ...] = (None, "x", -1, 0, 7, 2**31, 2**70, 1.5, True, [], {}, [[]], float("nan"))


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
def test_whatever_is_changed_is_refused_or_can_be_used(
    tmp_path: Path, options: ExportOptions
) -> None:
    """Every value of a file replaced by others, and left out."""
    path = tmp_path / "core.json"
    core(options, clock_hz=25_000_000).save(path)
    text = path.read_text()
    used = refusals = 0
    for where in leaves(json.loads(text)):
        for wrong in (*WRONG, "left out"):
            values = json.loads(text)
            table = values
            for key in where[:-1]:
                table = table[key]
            table[where[-1]] = wrong
            if wrong == "left out":
                del table[where[-1]]
            path.write_text(json.dumps(values))
            try:
                found = CoreDescription.load(path)
                plan = found.plan(network())
            except PrunusError as e:
                assert "\n" not in str(e)
                refusals += 1
                continue
            with Device(GoldenTransport(plan), core=found) as device:
                device.attach(network())
            used += 1
    assert used > 10 and refusals > 10 * used
