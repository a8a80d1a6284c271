"""Scales: what is black and white, found from the training split only and kept by a network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prunus_data import message_of
from prunus_model.data.datasets import load
from prunus_model.data.scaling import BYTES, UNIT, Scale, grey_levels
from prunus_model.data.trained_on import TrainedOn

LABELS = np.array([0, 1])


def archive(folder: Path, train: np.ndarray, test: np.ndarray) -> str:
    path = folder / "d.npz"
    np.savez(path, x_train=train, y_train=LABELS, x_test=test, y_test=LABELS)
    return str(path)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        pytest.param(np.array([0, 16], np.uint8), BYTES, id="bytes stay, however dark"),
        pytest.param(np.array([3, 255], np.int64), BYTES, id="integers in 0..255"),
        pytest.param(np.array([False, True]), UNIT, id="bits"),
        pytest.param(np.array([0.2, 1.0]), UNIT, id="floats in 0..1"),
        pytest.param(np.array([-3, 200]), Scale(black=-3, white=200, measured=True), id="below 0"),
        pytest.param(np.array([0.0, 16.0]), Scale(black=0, white=16, measured=True), id="floats"),
        pytest.param(
            np.array([-3, 4095], np.int16),
            Scale(black=-3, white=4095, measured=True),
            id="integers",
        ),
    ],
)
def test_scale_is_usual_or_the_extremes(values: np.ndarray, scale: Scale) -> None:
    assert Scale.of(values, "x") == scale


def test_levels_are_rounded_half_up_and_cut_off() -> None:
    scale = Scale(black=-1.0, white=4.1, measured=True)
    values = np.array([[-9.0, -1.0, 4.1, 99.0, -1 + 5.1 * 0.5 / 255, -1 + 5.1 * 0.49 / 255]])
    levels, cut = grey_levels(values.astype(np.float64), scale)
    assert levels.tolist() == [[0, 0, 255, 255, 1, 0]]
    assert cut == 2 / 6


def test_many_values_are_scaled_in_parts_to_the_same_levels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(1).normal(size=(50, 20))
    scale = Scale.of(values, "x")
    whole, _ = grey_levels(values, scale)
    monkeypatch.setattr("prunus_model.data.scaling._SLICE", 60)
    assert (grey_levels(values, scale)[0] == whole).all()


def test_test_images_have_the_scale_of_the_training(tmp_path: Path) -> None:
    path = archive(tmp_path, np.array([[0.0, 4.0], [2.0, 1.0]]), np.array([[1.0, 2.0], [0.5, 8.0]]))
    train, test = load(path, "train"), load(path, "test")
    assert train.images.tolist() == [[0, 255], [128, 64]]
    assert test.images.tolist() == [[64, 128], [32, 255]]
    assert train.scale == test.scale == Scale(black=0, white=4, measured=True)
    assert train.notes == ()
    assert test.notes == (
        (
            f"25 % of the values of {path} test are beyond 0..4, those of the training, "
            "and are cut off"
        ),
    )


def test_usual_ranges_are_read_each_by_itself(tmp_path: Path) -> None:
    path = archive(tmp_path, np.array([[0, 255], [1, 2]], np.uint8), np.array([[0.0, 1], [1, 0]]))
    assert load(path, "test").images.tolist() == [[0, 255], [255, 0]]


def test_values_a_little_beyond_a_usual_range_of_the_training_are_cut_off(tmp_path: Path) -> None:
    path = archive(tmp_path, np.array([[0.0, 1.0], [0.5, 1]]), np.array([[0.0, 1.02], [0.5, 1]]))
    assert load(path, "test").images.tolist() == [[0, 255], [128, 255]]


def test_network_keeps_the_scale_and_others_data_get_it(tmp_path: Path) -> None:
    mine = Scale(black=0, white=16, measured=True)
    kept = TrainedOn(scale=mine)
    assert TrainedOn.of(kept.to_provenance()) == kept
    path = archive(tmp_path, np.array([[0.0, 4.0], [2.0, 1.0]]), np.array([[1.0, 2.0], [0.5, 8.0]]))
    assert load(path, "test", trained_on=kept).images.tolist() == [[16, 32], [8, 128]]
    # What has 8 bits has its own.
    path = archive(tmp_path, np.array([[0, 9], [3, 3]], np.uint8), np.array([[7]] * 2, np.uint8))
    assert load(path, "test", trained_on=kept).images.tolist() == [[7], [7]]


def test_network_of_usual_images_refuses_others(tmp_path: Path) -> None:
    assert TrainedOn(scale=BYTES).to_provenance() == TrainedOn(scale=UNIT).to_provenance() == {}
    assert TrainedOn.of({}) == TrainedOn(scale=BYTES)
    path = archive(tmp_path, np.array([[0.0, 4.0], [2.0, 1.0]]), np.array([[1.0, 2.0], [0.5, 8.0]]))
    assert message_of(lambda: load(path, "test", trained_on=TrainedOn())) == (
        f"Array x_test of {path} must have values in 0..255 or 0..1, as the images that the "
        "network was trained with, not 0.5..8.0"
    )


@pytest.mark.parametrize(
    "kept", [3, {"black": 1}, {"black": "a", "white": 1}, {"black": 2, "white": 1}]
)
def test_damaged_scale_of_a_network_is_refused(kept: Any) -> None:
    assert message_of(lambda: TrainedOn.of({"scale": kept})) == (
        f"provenance.scale must have black below white, not {kept!r}"
    )
