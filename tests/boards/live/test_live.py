"""The page: its server, its messages, and what a drawing and a training become."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx2")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from prunus_boards.live.drawing import place, shown
from prunus_boards.live.learning import Learning
from prunus_boards.live.server import application
from prunus_model.cli.common import load_network
from prunus_model.data.events.split import load_for
from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.training.trainer import Trainer, train

ARTIFACT = load_network("demo")
URL = "http://127.0.0.1:8765"


def drawing() -> np.ndarray[Any, np.dtype[np.uint8]]:
    canvas = np.zeros((112, 112), np.uint8)
    canvas[20:100, 50:59] = 255
    return canvas


def message(**changes: Any) -> str:
    pixels = base64.b64encode(drawing().tobytes()).decode()
    return json.dumps({"version": 1, "type": "draw", "pixels": pixels} | changes)


@pytest.fixture
def client() -> TestClient:
    return TestClient(application(ARTIFACT, None, 8765), base_url=URL)


def test_the_centre_of_mass_is_in_the_middle() -> None:
    canvas = np.zeros((112, 112), np.uint8)
    canvas[4:8, 100:104] = 255
    canvas[4, 104] = 16
    placed = place(canvas).reshape(28, 28)
    assert placed[14, 14] == 255 and placed[14, 15] == 1 and placed.sum() == 256
    assert not place(np.zeros((112, 112), np.uint8)).any()


def test_the_page_predicts_as_the_engine(client: TestClient) -> None:
    with client.websocket_connect("ws://127.0.0.1:8765/socket") as ws:
        ws.send_text(message())
        answer = ws.receive_json()
    engine = Engine(ARTIFACT.config, ARTIFACT.state, ARTIFACT.readout.votes)
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
    fired = [(s["step"], n) for s in answer["steps"] for n in s["fired"]]
    assert fired == list(zip(one.spike_steps.tolist(), one.spike_posts.tolist(), strict=True))
    assert (answer["prediction"], answer["lead"]) == (one.prediction, one.lead)
    assert answer["scores"] == engine.scores.tolist()
    assert answer == {"version": 1, "type": "result", **shown(ARTIFACT, place(drawing()))}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Message must be JSON"),
        ("[]", "Message must be a JSON object"),
        (message(version=2), "version must be 1, not '2'"),
        (message(type="x"), "type must be 'draw', not 'x'"),
        (message(pixels=3), "pixels must be a string of base64"),
        (message(pixels="?"), "pixels must be base64"),
        (message(pixels="AAAA"), "pixels must be 12544 bytes, not 3"),
        (" " * 65537, "Message must have at most 65536 characters, not 65537"),
    ],
)
def test_a_bad_message_is_told_and_nothing_stops(client: TestClient, text: str, told: str) -> None:
    with (
        client.websocket_connect("ws://127.0.0.1:8765/socket") as ws,
        client.websocket_connect("ws://127.0.0.1:8765/socket") as other,
    ):
        ws.send_text(text)
        assert ws.receive_json() == {"version": 1, "type": "error", "text": told}
        for each in (ws, other):
            each.send_text(message())
            assert each.receive_json()["type"] == "result"


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example:8765"}, {"origin": "http://evil.example"}, {"origin": "null"}],
)
def test_others_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://127.0.0.1:8765/socket", headers=headers),
    ):
        pass


def test_the_page_needs_nothing_from_elsewhere(client: TestClient) -> None:
    for name in ("/", "/style.css", "/live.js"):
        answer = client.get(name, headers={"origin": URL})
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "https://" not in answer.text


def test_a_watched_training_is_the_same() -> None:
    config = NetworkConfig.named("demo")
    images = load_for(config.encoder, "sample", "train")
    learning = Learning(Trainer(config, images, epochs=1))
    learning.start()
    with (
        TestClient(application(ARTIFACT, learning, 8765), base_url=URL) as client,
        client.websocket_connect("ws://127.0.0.1:8765/socket") as ws,
    ):
        data = ws.receive_bytes()
        learning.wait()
    length = struct.unpack("<I", data[:4])[0]
    head = json.loads(data[4 : 4 + length])
    assert len(data) == 4 + length + 2 * head["neurons"] * head["inputs"]
    assert learning.error == ""
    assert learning.end().content_hash == train(config, images).content_hash
