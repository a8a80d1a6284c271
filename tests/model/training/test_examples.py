"""Pictures of data sets."""

from dataclasses import replace

import numpy as np

from prunus_cli import digits
from prunus_data import small_split
from prunus_model.training.examples import examples, picture_of


def test_images_of_each_class_are_drawn() -> None:
    data = digits(60)
    figure = examples(data, lambda label: f"class {label}")
    for label in range(10):
        row = figure.axes[8 * label : 8 * label + 8]
        assert row[0].get_ylabel() == f"class {label}"
        chosen = data.images[data.labels == label][:8]
        drawn = [np.asarray(axis.images[0].get_array()) for axis in row if axis.images]
        assert len(drawn) == len(chosen)
        assert (np.array(drawn).reshape(-1, 49) == chosen).all()


def test_series_are_curves() -> None:
    images = np.arange(12, dtype=np.uint8).reshape(3, 4)
    labels = np.array([0, 2, 2], np.uint8)
    for shape in ((1, 4), (4, 1)):
        figure = examples(small_split(images=images, labels=labels, image_shape=shape))
        lines = [[np.asarray(line.get_ydata()).tolist() for line in a.lines] for a in figure.axes]
        assert lines == [[[0, 1, 2, 3]], [[4, 5, 6, 7], [8, 9, 10, 11]]]


def test_colours_are_drawn_as_they_are() -> None:
    grey = digits(30)
    images = np.hstack([grey.images, grey.images // 2, grey.images // 3])
    figure = examples(replace(grey, images=images, channels=3))
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    assert drawn.shape == (7, 7, 3)
    first = np.flatnonzero(grey.labels == 0)[0]
    assert (drawn[:, :, 1].ravel() == grey.images[first] // 2).all()


def test_two_channels_are_red_and_green() -> None:
    both = picture_of(np.arange(8).reshape(2, 2, 2))
    assert both.tolist() == [[[0, 4, 0], [1, 5, 0]], [[2, 6, 0], [3, 7, 0]]]
