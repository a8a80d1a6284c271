"""The programs around the page: what slows a training, and the pictures."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("starlette")

from prunus_boards.live import browser, pictures
from prunus_boards.measure import live_slowdown
from prunus_model.data.datasets import load


def test_pairs_of_trainings_are_compared() -> None:
    ports = []

    def reader(port: int) -> AbstractContextManager[None]:
        ports.append(port)
        return nullcontext()

    found = live_slowdown.measured(load("sample", "train").take(0, 400), reader, pairs=3, epochs=1)
    assert len(ports) == 3
    for name in ("ratio", "cpu_ratio"):
        assert 0 < found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
    assert found["presentations_per_s"] > 0
    # The last frame is made however short the training is.
    assert found["frames_per_s"] > 0


@pytest.mark.skipif(browser.found() is None, reason="needs Chromium")
def test_pictures_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_EPOCHS", 1)
    done = CliRunner().invoke(pictures.main, ["-o", str(tmp_path), "--dark"])
    assert done.exit_code == 0, done.output
    for name in ("live-learning.png", "live-drawing.png"):
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG") and 10_000 < len(content) < 200_000


def test_without_a_browser_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert browser.found() is None
    with pytest.raises(browser.BrowserError, match="Browser must be installed, as one of chromium"):
        browser.Browser()
