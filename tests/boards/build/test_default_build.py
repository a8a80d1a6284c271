# amaranth: UnusedElaboratable=no
"""The smallest board carries its default network, with the link and the pins of today."""

import json
from pathlib import Path

import pytest

from prunus_boards.build.flow import build
from prunus_boards.build.options import build_options
from prunus_boards.platforms import find_board
from prunus_model.cli.common import load_network


@pytest.mark.tools
def test_icebreaker_carries_its_default_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but placing and routing it tells: minutes, and so the one board in CI."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    board = find_board("icebreaker")
    artifact = load_network(board.network)
    options = build_options(board, artifact, mode="inference")
    built = build(artifact, board, options, folder=tmp_path / "out")
    assert json.loads((tmp_path / "out/report.json").read_text()) == built.report
    assert (built.report["neurons"], built.report["store"]) == (400, "csr")
    # Three of a hundred cells are left, without which hardly any seed is routed in time.
    assert built.report["lut"] < 5_280 * 0.97
    assert min(built.report["fmax_mhz"]) * 1e6 >= board.clock_hz
