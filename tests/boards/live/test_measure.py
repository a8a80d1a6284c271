"""The programs around the page: what slows a training, and the pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from prunus_live import serving

pytest.importorskip("starlette")

from prunus_boards.live import browser, pictures
from prunus_boards.live.learning import Learning
from prunus_boards.measure import live_slowdown
from prunus_model.cli.common import load_network
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.trainer import Trainer


def test_pairs_of_trainings_are_compared() -> None:
    ports = []
    looks = count()

    def reader(port: int) -> AbstractContextManager[Callable[[], tuple[int, float]]]:
        ports.append(port)
        return nullcontext(lambda: (8, 2.0 * next(looks)))

    found = live_slowdown.measured(load("sample", "train").take(0, 400), reader, pairs=3, epochs=1)
    # The first warms up.
    assert len(ports) == 4
    for name in ("ratio", "cpu_ratio"):
        assert 0 < found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
    assert found["presentations_per_s"] > 0
    assert found["frames_per_s"] > 0
    # Each had 8 frames, in 2 s.
    assert found["reader_ms_per_frame"] == 250


@pytest.mark.parametrize(
    "reader",
    [
        live_slowdown._process,
        pytest.param(
            live_slowdown._page,
            marks=pytest.mark.skipif(browser.found() is None, reason="needs Chromium"),
        ),
    ],
)
def test_a_reader_tells_what_it_had(reader: live_slowdown._Reader) -> None:
    trainer = Trainer(NetworkConfig.named("demo"), load("sample", "train").take(0, 400), epochs=1)
    learning = Learning(trainer)
    with serving(load_network("demo"), learning) as port, reader(port) as had:
        learning.start()
        learning.wait()
        until = time.monotonic() + 60
        # The last frame is made and had however short the training is.
        before = had()[1]
        while not had()[0] and time.monotonic() < until:
            time.sleep(0.05)
        frames, seconds = had()
        assert 1 <= frames <= learning.newest[0]
        # What it took to start is told before.
        assert 0 < before <= seconds < 600


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
