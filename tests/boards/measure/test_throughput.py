"""Images per second over a serial line: what is counted, and that the gateware keeps up with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner

from prunus_boards.measure import throughput
from prunus_boards.measure.throughput import measured, simulated
from prunus_devices import network, shown
from prunus_model.cli.common import load_network
from prunus_model.training.artifact import Artifact

#: What is simulated takes minutes to build; here it is only handed on.
GATEWARE = {
    "images": 20,
    "baud": 3_000_000,
    "cycles_per_image": 9,
    "core_cycles_per_image": 5,
    "images_per_s": 7.0,
}


def test_every_latency_and_rate_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_networks", lambda: [(load_network("demo"), 5000)])
    monkeypatch.setattr(throughput, "_IMAGES", 30)
    asked: list[dict[str, Any]] = []

    def lines(artifact: Artifact, images: npt.NDArray[np.uint8], **how: Any) -> Any:
        asked.append(how | {"network": artifact.config.neurons, "images": len(images)})
        return GATEWARE | {"baud": how["baud"]}

    monkeypatch.setattr(throughput, "simulated", lines)
    for digest in ("gateware_digest", "link_digest"):
        monkeypatch.setattr(throughput, digest, lambda: "0" * 16)
    path = tmp_path / "throughput.json"
    done = CliRunner().invoke(throughput.main, ["--output", str(path)])
    assert done.exit_code == 0, done.output
    found = json.loads(path.read_text())
    rows = {(row["latency_ms"], row["baud"]): row for row in found["rows"]}
    assert set(rows) == {
        (latency, baud) for latency in (0, 1, 16) for baud in (115_200, 1_000_000, 3_000_000)
    }
    assert {row["network"] for row in rows.values()} == {"100"}
    for row in rows.values():
        assert row["round_trips_per_image"] <= 1.1
        # No more than there is room for on the line, nor than the core can do.
        assert row["images_per_s"] * row["bytes_in_per_image"] * 10 <= 1.02 * row["baud"]
        assert row["images_per_s"] <= 30e6 / 5000
    assert rows[1, 3_000_000]["images_per_s"] >= 400
    assert rows[0, 1_000_000]["images_per_s"] > rows[16, 1_000_000]["images_per_s"]
    assert found["simulated"] == {"network": "100", **GATEWARE}
    # SPI at its fastest: an eighth of the clock.
    assert found["simulated_spi"] == {"network": "100", **GATEWARE, "baud": 3_750_000}
    of = {"network": 100, "images": 20}
    assert asked == [of | {"baud": 3_000_000}, of | {"baud": 3_750_000, "link": "spi"}]


def test_it_is_the_same_whenever_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_LANES", 4)
    how: dict[str, Any] = {"cycles": 700, "latency_ms": 1, "baud": 1_000_000}
    one, two = (measured(network(), shown(12), **how) for _ in range(2))
    assert one == two


@pytest.mark.sim
def test_gateware_keeps_up_with_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cycle by cycle: little more than the line and the core need, one beside the other."""
    monkeypatch.setattr(throughput, "_LANES", 4)
    images = shown(30)
    found = simulated(network(), images, baud=3_000_000)
    cycles = int(found["core_cycles_per_image"])
    line = measured(network(), images, cycles=cycles, latency_ms=0, baud=3_000_000)
    assert found["images"] == 30
    assert 0 < found["core_cycles_per_image"] < found["cycles_per_image"]
    assert found["cycles_per_image"] >= 100 * line["bytes_in_per_image"] * 0.9
    assert found["images_per_s"] >= 0.7 * line["images_per_s"]
