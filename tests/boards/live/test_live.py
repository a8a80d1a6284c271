"""The page's server: its messages, and what a drawing and a training become."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_live import FACTS, serving, shower

pytest.importorskip("starlette")

from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.live import server
from prunus_boards.live.drawing import check_drawable, place
from prunus_model.cli.common import load_network
from prunus_model.common.errors import ConfigError
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_rtl.hardware import Space

ARTIFACT = load_network("demo")
STATIC = Path(server.__file__).parent / "static"


def drawing() -> np.ndarray[Any, np.dtype[np.uint8]]:
    canvas = np.zeros((112, 112), np.uint8)
    canvas[20:100, 50:59] = 255
    return canvas


def message(**changes: Any) -> str:
    pixels = base64.b64encode(drawing().tobytes()).decode()
    return json.dumps({"version": 1, "type": "draw", "pixels": pixels} | changes)


def answer(ws: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ws.recv(timeout=60))
    return found


@contextmanager
def client(port: int, **options: Any) -> Iterator[ClientConnection]:
    """Connect, and take the greeting."""
    with connect(f"ws://127.0.0.1:{port}/socket", **options) as ws:
        assert answer(ws) == {"version": 1, "type": "hello", **FACTS}
        # Compressing frames takes a processor a tenth of its time.
        assert not ws.protocol.extensions
        yield ws


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ARTIFACT) as port:
        yield port


def test_the_least_square_becomes_20_pixels_around_the_middle() -> None:
    canvas = np.zeros((112, 112), np.uint8)
    # 60 x 40: three canvas pixels to one. The mean row is 9.5, the mean column 5.8.
    canvas[10:70, 30:68] = 90
    canvas[10, 69] = 9
    placed = place(canvas).reshape(28, 28)
    expected = np.zeros((28, 28), np.uint8)
    expected[5:25, 9:21] = 90
    expected[5:25, 21] = 60
    expected[5, 22] = 1
    assert np.array_equal(placed, expected)


def test_a_dot_stays_one_and_nothing_is_nothing() -> None:
    canvas = np.zeros((112, 112), np.uint8)
    canvas[100:104, 3:7] = 200
    placed = place(canvas).reshape(28, 28)
    assert placed.sum() == 4 * 200 and (placed[14:16, 14:16] == 200).all()
    assert not place(np.zeros((112, 112), np.uint8)).any()
    faint = np.zeros((112, 112), np.uint8)
    faint[0, 0] = 1
    assert not place(faint).any()


def test_what_is_moved_out_is_lost() -> None:
    canvas = np.zeros((112, 112), np.uint8)
    canvas[0:80, 0:8] = 255
    canvas[0:8, 0:80] = 10
    placed = place(canvas).reshape(28, 28)
    # Nearly all is in the first two of the 20 columns: 13 more to the right are 7 too many.
    assert placed[:, :13].sum() == 0 and placed[4:24, 14].all() and placed[4, 27] == 10


def test_only_pictures_of_28_x_28_are_drawn() -> None:
    check_drawable(ARTIFACT.config)
    with pytest.raises(ConfigError, match="28 x 28"):
        check_drawable(NetworkConfig.named("tiny"))


def test_the_page_predicts_as_the_engine(port: int) -> None:
    with client(port) as ws:
        # The second is presentation 0, too.
        for _ in range(2):
            ws.send(message())
            told = answer(ws)
    state = ARTIFACT.state.copy()
    state.presentation = 0
    engine = Engine(ARTIFACT.config, state, ARTIFACT.readout.votes)
    readout = ARTIFACT.config.readout
    one = engine.present(
        levels(place(drawing()), ARTIFACT.config.encoder),
        learn=False,
        stop_after=readout.stop_after,
        margin=readout.margin,
    )
    fired = list(zip(one.spike_steps.tolist(), one.spike_posts.tolist(), strict=True))
    assert [(step["step"], post) for step in told["steps"] for post in step["fired"]] == fired
    assert [tuple(winner) for winner in told["winners"]] == fired
    assert (told["prediction"], told["lead"], told["equal"]) == (one.prediction, one.lead, True)
    assert told["scores"] == told["steps"][-1]["scores"] == engine.scores.tolist()
    assert len(told["steps"]) == one.counters.steps == told["counters"]["steps"]
    assert sum(len(step["inputs"]) for step in told["steps"]) == one.counters.input_spikes
    assert told["pixels"] == place(drawing()).tolist()


BAD = [
    ("{", "Message must be JSON"),
    ("[]", "Message must be a JSON object"),
    ("[" * 60_000, "Message must be JSON"),
    (message(version=2), "version must be 1, not '2'"),
    (message(type="x"), "type must be 'draw', not 'x'"),
    (message(pixels=3), "pixels must be a string of base64"),
    (message(pixels="?"), "pixels must be base64"),
    (message(pixels="AAAA"), "pixels must be 12544 bytes, not 3"),
    (" " * 65537, "Message must have at most 65536 characters, not 65537"),
    (b"{}", "Message must be text, not bytes"),
]


@pytest.mark.parametrize(("text", "told"), BAD)
def test_a_bad_message_is_told_and_nothing_stops(port: int, text: str | bytes, told: str) -> None:
    with client(port) as ws, client(port) as other:
        ws.send(text)
        assert answer(ws) == {"version": 1, "type": "error", "text": told}
        for each in (ws, other):
            each.send(message())
            assert answer(each)["type"] == "result"


def test_a_closed_tab_stops_nothing(port: int) -> None:
    with client(port) as other:
        with client(port) as gone:
            gone.send(message())
            gone.socket.shutdown(socket.SHUT_RDWR)
        with client(port) as huge:
            huge.send(" " * (1 << 18))
            with pytest.raises(ConnectionClosedError, match="1009"):
                huge.recv(timeout=60)
        other.send(message())
        assert answer(other)["type"] == "result"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:{}", None),
        ("evil.example:{}", "http://evil.example:{}"),
        ("127.0.0.1", None),
        ("127.0.0.1:{}", "http://evil.example"),
        ("127.0.0.1:{}", "http://localhost:{}"),
        ("127.0.0.1:{}", "null"),
    ],
)
def test_others_are_refused(port: int, host: str, origin: str | None) -> None:
    headers = {"Host": host.format(port)}
    if origin is not None:
        headers["Origin"] = origin.format(port)
    assert get(port, "/", headers)[0] == 403
    with socket.create_connection(("127.0.0.1", port)) as raw, pytest.raises(InvalidStatus) as e:
        url = f"ws://{host.format(port)}/socket"
        more = {} if origin is None else {"Origin": headers["Origin"]}
        with connect(url, sock=raw, additional_headers=more, proxy=None):
            pass
    assert e.value.response.status_code == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_page_is_let_in(port: int, name: str) -> None:
    with client(port, origin=f"http://127.0.0.1:{port}"):
        pass
    headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
    for path in ("/", *(f"/{file.name}" for file in STATIC.iterdir())):
        status, policy, text = get(port, path, headers)
        assert status == 200
        assert "default-src 'none'" in policy

        assert "https://" not in text


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, str, str]:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    asked.request("GET", path, headers=headers)
    told = asked.getresponse()
    policy = told.getheader("content-security-policy") or ""
    found = told.status, policy, told.read().decode()
    asked.close()
    return found


def test_a_device_that_differs_is_told() -> None:
    with shower(ARTIFACT) as (made, device):
        assert made.shown(place(drawing()))["equal"]
        device.write(Space.VOTES, 0, np.zeros(1000, np.int64))
        told = made.shown(place(drawing()))
    # What the device tells, not what it should have told.
    assert (told["equal"], told["prediction"], told["lead"]) == (False, -1, 0)
    assert max(told["scores"]) > 0


def test_a_device_that_is_gone_is_told_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise TransportError("Device at golden must be there\nstill")

    with serving(ARTIFACT) as port, client(port) as ws:
        with monkeypatch.context() as patched:
            patched.setattr(GoldenTransport, "write", gone)
            ws.send(message())
            told = answer(ws)
            assert told["type"] == "error"
            assert told["text"] == "Device at golden must be there still"
        ws.send(message())
        assert answer(ws)["type"] == "result"
