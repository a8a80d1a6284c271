"""A training that is watched: its frames, its validation, and that it stays what it is."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from prunus_live import serving

pytest.importorskip("starlette")

from websockets.sync.client import connect

from prunus_boards.live.learning import Learning, Validation, frame
from prunus_model.cli.common import load_network
from prunus_model.data.events.split import Labelled, load_for, stimuli
from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import predict_vote
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.counters import Counters
from prunus_model.training.trainer import Trainer, train

CONFIG = NetworkConfig.named("demo")
ARTIFACT = load_network("demo")


def images() -> Labelled:
    return load_for(CONFIG.encoder, "sample", "train")


def read(data: bytes) -> tuple[dict[str, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    (length,) = struct.unpack("<I", data[:4])
    head = json.loads(data[4 : 4 + length])
    shape = (2, head["neurons"], head["inputs"])
    weights, alive = np.frombuffer(data[4 + length :], np.uint8).reshape(shape)
    return head, weights, alive


def test_a_watched_training_is_the_same() -> None:
    trained, kept = images().take(0, 1500), images().take(1500, 200)
    trainer = Trainer(CONFIG, trained, epochs=2)
    learning = Learning(trainer, Validation(trainer, kept))
    learning.start()
    url = "ws://127.0.0.1:{}/socket"
    heads: list[dict[str, Any]] = []
    with serving(ARTIFACT, learning) as port, connect(url.format(port)) as ws:
        ws.recv(timeout=60)
        while not heads or heads[-1]["presentation"] < 3000:
            data = ws.recv(timeout=120)
            assert isinstance(data, bytes)
            heads.append(read(data)[0])
        # The last is not sent again.
        with pytest.raises(TimeoutError):
            ws.recv(timeout=0.5)
    learning.wait()
    made, same = learning.end(), train(CONFIG, trained, epochs=2)
    assert learning.error == ""
    assert made.content_hash == same.content_hash
    assert made.counters == same.counters and (made.history.correct == same.history.correct).all()
    last = heads[-1]
    # Each frame once.
    made_at = [head["presentation"] for head in heads]
    assert made_at == sorted(set(made_at))
    assert [point[0] for point in last["curve"]] == [1000, 2000, 3000]
    # The last is measured however short the time is.
    assert 0 < last["curve"][-1][3] <= 1
    assert last["presentations"] == 3000
    assert last["sops"] == made.counters.forward_sops + made.counters.update_sops
    assert last["sops_unpruned"] == made.counters.forward_dense + made.counters.update_dense


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_frames_come_between_intervals(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prunus_model.training.trainer._WATCHED", seconds)
    trainer = Trainer(CONFIG, images().take(0, 1050), epochs=1)
    seen = []
    counters = []

    def watch(now: Counters) -> None:
        counters.append(now.presentations)
        seen.append(read(frame(trainer, now, []))[0]["presentation"])

    assert trainer.readout is None
    trainer.advance(watch=watch)
    assert trainer.readout is not None
    trainer.advance(watch=watch)
    # Parts become as long as the time allows: one presentation at least, an interval at most.
    assert seen == counters == ([50] if seconds else [*range(50, 1000), *range(1001, 1050)])


def test_a_frame_is_the_state() -> None:
    trainer = Trainer(CONFIG, images().take(0, 1000), epochs=1)
    progress = trainer.advance()
    curve: list[tuple[int, float, float | None, float | None]] = [(1000, 0.5, None, 0.25)]
    head, weights, alive = read(frame(trainer, progress.counters, curve))
    state = trainer.engine.state
    assert np.array_equal(weights, state.weights.T)
    assert np.array_equal(alive, state.alive.T)
    assert (head["v_fire"], head["post_count"]) == (
        state.v_fire.tolist(),
        state.post_count.tolist(),
    )
    assert head["density"] == progress.density
    assert head["curve"] == [[1000, 0.5, None, 0.25]]
    assert (head["neurons"], head["of_neurons"], head["w_max"]) == (
        100,
        100,
        CONFIG.formats.w_max,
    )


def test_of_many_neurons_the_first_are_shown() -> None:
    config = NetworkConfig.named("paper")
    trainer = Trainer(config, images().take(0, 100), epochs=1)
    head, weights, _ = read(frame(trainer, Counters(), []))
    assert (head["neurons"], head["of_neurons"]) == (100, config.neurons)
    assert np.array_equal(weights, trainer.engine.state.weights[:, :100].T)


def test_validation_is_what_the_votes_get_right() -> None:
    config = CONFIG.with_readout(stop_after=1)
    trainer = Trainer(config, images().take(0, 1000), epochs=1)
    trainer.advance()
    readout, state = trainer.readout, trainer.engine.state
    assert readout is not None
    kept = images().take(1000, 150)
    found = Validation(trainer, kept).accuracy(readout)
    engine, exits = Engine(config, state, readout.votes), config.readout
    shown, right = stimuli(kept, CONFIG), 0
    for k in range(150):
        spikes = engine.infer(
            shown[k : k + 1], first=k, stop_after=exits.stop_after, margin=exits.margin
        )[1]
        right += int(predict_vote(spikes, readout)[0] == kept.labels[k])
    assert found == right / 150
    assert trainer.engine.state.differences(state) == []


def test_what_ends_a_training_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("something\nbroke")

    trainer = Trainer(CONFIG, images().take(0, 1000), epochs=1)
    monkeypatch.setattr(trainer, "advance", fails)
    learning = Learning(trainer)
    learning.start()
    learning.wait()
    url = "ws://127.0.0.1:{}/socket"
    with serving(ARTIFACT, learning) as port, connect(url.format(port)) as ws:
        ws.recv(timeout=60)
        told = json.loads(ws.recv(timeout=60))
    text = "Training has ended: something broke"
    assert told == {"version": 1, "type": "error", "text": text}
