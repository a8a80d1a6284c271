import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prunus_devices import LEARNING, PACKED, network
from prunus_model.common.errors import ConfigError
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import CoreDescription, DescriptionError, link_plan


def core(options: ExportOptions = PACKED, *, clock_hz: int = 0) -> CoreDescription:
    return CoreDescription.of(link_plan(network(), options), clock_hz=clock_hz)


def message(call: Callable[[], object]) -> str:
    with pytest.raises((DescriptionError, ConfigError)) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("options", [LEARNING, PACKED], ids=["learning", "packed"])
def test_file_says_everything(tmp_path: Path, options: ExportOptions) -> None:
    before = core(options, clock_hz=25_000_000)
    before.save(tmp_path / "core.json")
    after = CoreDescription.load(tmp_path / "core.json")
    assert after == before
    assert after.digest == before.digest
    assert len(after.digest) == 16


def test_digest_tells_cores_apart_but_for_the_clock() -> None:
    one = core()
    assert core(clock_hz=1).digest == one.digest
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


def test_events_are_refused() -> None:
    plan = link_plan(network(), replace(PACKED, source="events"))
    assert message(lambda: CoreDescription.of(plan)) == (
        "source must be 'levels' for a core behind a link, not 'events'"
    )


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


def test_files_that_are_no_description_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "core.json"
    core().save(path)
    values = json.loads(path.read_text())

    def load(**changes: object) -> str:
        path.write_text(json.dumps(values | changes))
        return message(lambda: CoreDescription.load(path))

    assert load(format="x") == f"Core {path} is not valid: format must be 'prunus core', version 1"
    assert load(version=2).endswith("format must be 'prunus core', version 1")
    assert load(hardware=values["hardware"] | {"lanes": 3}).startswith(
        f"Core {path} is not valid: lanes must be a power of 2"
    ) or "lanes" in load(hardware=values["hardware"] | {"lanes": 3})
    assert "clock" in load(clock=3)
    assert "neurons" in load(network=values["network"] | {"neurons": "ten"})
    assert "depths" in load(layout={})
    path.write_text("[]")
    assert message(lambda: CoreDescription.load(path)).startswith(f"Core {path} is not valid: ")
    path.write_text("{")
    assert message(lambda: CoreDescription.load(path)).startswith(f"Core {path} is not valid: ")
    assert message(lambda: CoreDescription.load(tmp_path / "none")) == (
        f"Core {tmp_path / 'none'} can't be read: No such file or directory"
    )
