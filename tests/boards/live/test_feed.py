"""How frames come to pages: when they are due, who is told of them, and readers that are slow."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from prunus_live import Frames, serving

pytest.importorskip("starlette")

from starlette.websockets import WebSocket
from websockets.sync.client import ClientConnection, connect

from prunus_boards.live import learning as module
from prunus_boards.live.drawing import Shower
from prunus_boards.live.learning import Learning
from prunus_boards.live.server import _feed
from prunus_model.cli.common import load_network
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.training.trainer import Trainer

ARTIFACT = load_network("demo")
URL = "ws://127.0.0.1:{}/socket"


class Clock:
    """A learning whose frames take a time that is given, and when they were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.takes, self.made = 1000.0, 0.0001, list[float]()
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(module, "frame", self._frame)
        trainer = Trainer(NetworkConfig.named("demo"), load("sample", "train"), epochs=1)
        self.learning = Learning(trainer)

    def _frame(self, *_: object) -> bytes:
        self.made.append(self.now)
        self.now += self.takes
        return b""

    def part(self, seconds: float) -> None:
        """Train for a time, then show it."""
        self.now += seconds
        self.learning._show(Counters())


def test_ten_frames_a_second_however_parts_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    for part in range(1000):
        clock.part((0.07, 0.03)[part % 2])
    # 50 seconds. A tenth after the last would have been 1 of 2 parts, a few of 3.
    assert 498 <= len(clock.made) <= 502
    gaps = [b - a for a, b in zip(clock.made, clock.made[1:], strict=False)]
    assert min(gaps) > 0.06 and max(gaps) < 0.14
    clock.made.clear()
    for _ in range(500):
        clock.part(0.07)
    assert 348 <= len(clock.made) <= 352


def test_what_was_missed_is_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.part(0.05)
    clock.part(30)
    clock.made.clear()
    for _ in range(20):
        clock.part(0.05)
    assert 9 <= len(clock.made) <= 11


def test_frames_take_a_hundredth_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.takes = 0.004
    began = clock.now
    for _ in range(2000):
        clock.part(0.01)
    seconds = clock.now - began
    # One every 0.4 s, at the end of a part.
    assert seconds * 0.0095 < len(clock.made) * clock.takes < seconds * 0.01


def test_what_a_listener_takes_makes_no_frame_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def listener() -> None:
        # Who is told reads the frame.
        assert clock.learning.newest == (len(clock.made), b"")
        clock.now += 0.02

    with clock.learning.telling(listener):
        for _ in range(100):
            clock.part(0.03)
    assert 30 <= len(clock.made) <= 50


def test_who_listens_is_told_of_frames_and_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(NetworkConfig.named("demo"), load("sample", "train").take(0, 50), epochs=1)
    learning = Learning(trainer)
    told: list[tuple[int, str]] = []

    def listener() -> None:
        told.append((learning._newest[0], learning.error))

    with learning.telling(listener):
        learning.start()
        learning.wait()
    assert told == [(1, "")]
    monkeypatch.setattr(trainer, "advance", lambda **_: 1 / 0)
    monkeypatch.setattr(Trainer, "done", False)
    broken = Learning(trainer)
    with broken.telling(listener):
        pass
    with broken.telling(lambda: told.append((0, broken.error))):
        broken.start()
        broken.wait()
    # The first has gone.
    assert told[1:] == [(0, "Training has ended: division by zero")]


def hello(ws: ClientConnection) -> None:
    assert json.loads(ws.recv(timeout=60))["type"] == "hello"


def test_a_slow_reader_holds_nobody_up_and_misses_frames() -> None:
    frames = Frames()
    with (
        serving(ARTIFACT, frames) as port,
        connect(URL.format(port), max_size=None, max_queue=1) as slow,
        connect(URL.format(port), max_size=None) as quick,
    ):
        hello(quick)
        frames.wait_for(2)
        numbers = []
        for number in range(100):
            frames.make(bytes([number]) * (1 << 20))
            # Who reads gets each.
            data = quick.recv(timeout=60)
            assert isinstance(data, bytes)
            numbers.append(data[0])
        assert numbers == list(range(100))
        hello(slow)
        had = [0]
        while had[-1] != 99:
            data = slow.recv(timeout=60)
            assert isinstance(data, bytes) and len(data) == 1 << 20
            had.append(int(data[0]))
        assert had[1:] == sorted(set(had)) and len(had) < 60


def test_a_tab_that_is_closed_within_a_frame_is_forgotten() -> None:
    frames = Frames()
    with serving(ARTIFACT, frames) as port, connect(URL.format(port)) as other:
        hello(other)
        gone = connect(URL.format(port), max_size=None, max_queue=1)
        frames.wait_for(2)
        frames.make(bytes(1 << 26))
        gone.socket.shutdown(socket.SHUT_RDWR)
        with connect(URL.format(port), max_size=None) as new:
            hello(new)
            # The other refuses what is so long, too.
            frames.wait_for(1)
            frames.make(b"next")
            while (data := new.recv(timeout=60)) != b"next":
                assert len(data) == 1 << 26
    frames.wait_for(0)
    frames.make(b"nobody is there")


def test_a_loop_that_was_closed_does_not_end_a_training() -> None:
    frames = Frames()
    loop = asyncio.new_event_loop()
    task = loop.create_task(_feed(cast(WebSocket, None), cast(Learning, frames)))
    loop.run_until_complete(asyncio.sleep(0))
    assert len(frames.listeners) == 1
    loop.close()
    # It would be raised in the thread of the training.
    frames.make(b"a frame")
    task.get_coro().close()
    # It was left alone on purpose, which asyncio would tell.
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_training_that_ends_while_a_drawing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go = Event(), Event()
    shown = Shower.shown

    def waits(self: Shower, pixels: Any) -> dict[str, Any]:
        asked.set()
        assert go.wait(60)
        return shown(self, pixels)

    monkeypatch.setattr(Shower, "shown", waits)
    frames = Frames()
    with serving(ARTIFACT, frames) as port, connect(URL.format(port)) as ws:
        hello(ws)
        pixels = base64.b64encode(bytes(112 * 112)).decode()
        ws.send(json.dumps({"version": 1, "type": "draw", "pixels": pixels}))
        assert asked.wait(60)
        frames.error = "Training has ended: somehow"
        frames.make(b"the last")
        assert ws.recv(timeout=60) == b"the last"
        assert json.loads(ws.recv(timeout=60))["text"] == frames.error
        go.set()
        assert json.loads(ws.recv(timeout=60))["type"] == "result"
        # An error is told once.
        frames.make(b"one more")
        assert ws.recv(timeout=60) == b"one more"
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.3)
