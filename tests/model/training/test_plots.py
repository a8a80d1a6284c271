import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from prunus_cli import digits, listing, tiny, tiny_contrast
from prunus_model.data.datasets import Split
from prunus_model.training import plots
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation, evaluate
from prunus_model.training.history import UNKNOWN
from prunus_model.training.trainer import train

TEST = digits(100, seed=1, name="test digits")


def exits(artifact: Artifact, data: Split = TEST) -> tuple[list[Evaluation], list[Evaluation]]:
    return (
        [evaluate(artifact, data, stop_after=n) for n in (1, 2, 0)],
        [evaluate(artifact, data, margin=n) for n in (5, 20)],
    )


def figures(artifact: Artifact) -> list[Figure]:
    return [
        plots.receptive_fields(artifact, (7, 7)),
        plots.distributions(artifact),
        plots.training(artifact),
        plots.sops_accuracy(*exits(artifact), dense=3000.0),
    ]


def test_files_are_png_of_a_useful_size(trained: Artifact, tmp_path: Path) -> None:
    plots.save(plots.training(trained), tmp_path / "training.png")
    content = (tmp_path / "training.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1200, 480)


def test_files_are_always_the_same(
    trained: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "_DPI", 20)
    for round_ in ("a", "b"):
        for name, figure in zip(plots.PLOTS, figures(trained), strict=True):
            plots.save(figure, tmp_path / f"{round_}_{name}")
    assert len(listing(tmp_path)) == 8
    for name in plots.PLOTS:
        content = (tmp_path / f"a_{name}").read_bytes()
        assert content == (tmp_path / f"b_{name}").read_bytes()


def test_receptive_fields_are_ordered_by_class_and_mark_what_is_pruned(trained: Artifact) -> None:
    figure = plots.receptive_fields(trained, (7, 7))
    shown = [axis for axis in figure.axes if axis.images]
    classes = trained.readout.assignment
    assert [axis.get_title() for axis in shown] == [str(c) for c in sorted(classes.tolist())]
    for axis, post in zip(shown, np.argsort(classes, kind="stable").tolist(), strict=True):
        picture = np.asarray(axis.images[0].get_array())
        blue = (picture == plots._PRUNED).all(axis=2).ravel()
        assert blue.tolist() == (~trained.state.alive[:, post]).tolist()
        # The darker, the larger the weight.
        weights = trained.state.weights[:, post]
        lit = picture.sum(axis=2).ravel()
        assert lit[np.argmax(weights)] == lit[~blue].min()
    assert figure.get_suptitle() == (
        "Receptive fields of 10 of 10 neurons, by class. Light blue: pruned (66 %)"
    )


def test_receptive_fields_of_contrasts_are_one_channel_less_the_other() -> None:
    artifact = train(tiny_contrast(), digits(300))
    figure = plots.receptive_fields(artifact, (7, 7))
    shown = [axis for axis in figure.axes if axis.images]
    order = np.argsort(artifact.readout.assignment, kind="stable").tolist()
    seen = set()
    for axis, post in zip(shown, order, strict=True):
        picture = np.asarray(axis.images[0].get_array()).reshape(49, 3)
        weights = artifact.state.weights[:, post].astype(int)
        alive = artifact.state.alive[:, post]
        for pixel, (red, green, _) in enumerate(picture):
            difference = weights[pixel] - weights[49 + pixel]
            blue = (picture[pixel] == plots._PRUNED).all()
            assert blue == (not alive[pixel] and not alive[49 + pixel])
            seen.add("blue" if blue else np.sign(difference))
            # Red is what is redder than green; grey, from black to white, is neither.
            if not blue and abs(difference) > 60:
                assert (red > green + 0.1) == (difference < 0)
    assert seen >= {"blue", -1, 1}
    assert "Black: brighter than around, red: darker. Light blue: " in figure.get_suptitle()


def test_frozen_synapses_are_marked_too() -> None:
    soft = train(tiny("soft"), digits(2300))
    figure = plots.receptive_fields(soft, (7, 7))
    blue = sum(
        int((np.asarray(axis.images[0].get_array()) == plots._PRUNED).all(axis=2).sum())
        for axis in figure.axes
        if axis.images
    )
    assert blue == np.count_nonzero(soft.state.frozen) > 0


@pytest.mark.parametrize(("neurons", "fields"), [(1, 1), (2, 2), (250, 100)])
def test_at_most_a_hundred_fields_are_drawn(neurons: int, fields: int) -> None:
    artifact = train(replace(tiny(), neurons=neurons), digits(20))
    figure = plots.receptive_fields(artifact, (7, 7))
    assert len([axis for axis in figure.axes if axis.images]) == fields
    # Neurons that never spiked have no class.
    if neurons == 250:
        assert "?" in [axis.get_title() for axis in figure.axes]


def test_distribution_has_every_synapse_that_is_left(trained: Artifact) -> None:
    left, right = plots.distributions(trained).axes
    heights = [bar.get_height() for bar in left.patches if isinstance(bar, Rectangle)]
    weights = trained.state.weights[trained.state.plastic]
    assert heights == np.bincount(weights, minlength=256).tolist()
    assert np.asarray(right.lines[0].get_xdata()).tolist() == [1000, 2000, 2300]
    assert np.asarray(right.lines[0].get_ydata()).tolist() == trained.history.w_prune[:, 3].tolist()


def test_training_shows_the_history(trained: Artifact) -> None:
    left, right = plots.training(trained).axes
    history = trained.history
    known = history.correct != UNKNOWN
    assert np.asarray(left.lines[0].get_xdata()).tolist() == [2000, 2300]
    assert (
        np.asarray(left.lines[0].get_ydata()).tolist()
        == (history.correct / history.presentations)[known].tolist()
    )
    values = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in right.lines}
    assert values == {
        "synapses left": (history.plastic / 490).tolist(),
        "forward SOPs": (history.forward_sops / history.forward_dense).tolist(),
        "update SOPs": (history.update_sops / history.update_dense).tolist(),
    }


def test_accuracy_is_drawn_against_cost(trained: Artifact) -> None:
    both = exits(trained)
    (axis,) = plots.sops_accuracy(*both, dense=3000.0).axes
    *lines, dense = axis.lines
    for line, evaluations in zip(lines, both, strict=True):
        sops = [e.counters.forward_sops / 100 for e in evaluations]
        assert np.asarray(line.get_xdata()).tolist() == sops
        assert np.asarray(line.get_ydata()).tolist() == [e.vote_accuracy for e in evaluations]
    assert np.asarray(dense.get_xdata()).tolist() == [3000.0, 3000.0]
    assert [text.get_text() for text in axis.texts] == ["1", "2", "all steps", "5", "20"]
    assert [line.get_label() for line in lines] == [
        "ends after so many output spikes",
        "ends at a lead of so many votes",
    ]
    assert axis.get_title() == "Accuracy against cost, test digits; votes: shares, 4 bits"
    assert axis.get_xscale() == "log"


@pytest.mark.parametrize("policy", ["none", "soft", "post"])
def test_every_policy_can_be_drawn(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "_DPI", 20)
    for n, figure in enumerate(figures(train(tiny(policy), digits(1100)))):
        plots.save(figure, tmp_path / f"{n}.png")


def test_extremes_can_be_drawn(tmp_path: Path) -> None:
    """One neuron, one interval, everything pruned, no spike at all."""
    artifact = train(replace(tiny(), neurons=1), digits(1))
    artifact.state.alive[:] = False
    artifact.state.weights[:] = 0
    artifact.state.strength[:] = 0
    black = replace(TEST, images=np.zeros_like(TEST.images), name=r"a$\foo$ [/b]")
    for n, figure in enumerate(
        (
            plots.receptive_fields(artifact, (7, 7)),
            plots.distributions(artifact),
            plots.training(artifact),
            plots.sops_accuracy(*exits(artifact, black), dense=0.0),
        )
    ):
        plots.save(figure, tmp_path / f"{n}.png")


def test_weights_of_one_row_are_curves_with_what_is_pruned_behind(trained: Artifact) -> None:
    for shape in ((1, 49), (49, 1)):
        figure = plots.receptive_fields(trained, shape)
        order = np.argsort(trained.readout.assignment, kind="stable").tolist()
        for axis, post in zip(figure.axes[:10], order, strict=True):
            (line,) = axis.lines
            weights = trained.state.weights[:, post]
            assert np.asarray(line.get_ydata()).tolist() == (weights / 255).tolist()
            spans = [p for p in axis.patches if isinstance(p, Rectangle)]
            pruned = {
                place
                for span in spans
                for place in range(
                    round(span.get_x() + 0.5), round(span.get_x() + span.get_width() + 0.5)
                )
            }
            assert pruned == {*np.flatnonzero(~trained.state.alive[:, post]).tolist()}
        assert "by class; weights over 49 inputs. Light blue" in figure.get_suptitle()
    assert "by class. Light" in plots.receptive_fields(trained, (7, 7)).get_suptitle()


def test_contrasts_of_one_row_are_two_curves() -> None:
    figure = plots.receptive_fields(train(tiny_contrast(), digits(20)), (1, 49))
    for axis in figure.axes[:10]:
        assert [line.get_color() for line in axis.lines] == ["k", "r"]


def test_colours_have_the_brightness_of_their_weights() -> None:
    grey = digits(60)
    images = np.hstack([grey.images // 2, grey.images, grey.images // 3])
    data = replace(grey, images=images, channels=3)
    artifact = train(replace(tiny(), inputs=147), data)
    artifact.state.alive[[3, 52, 101], 0] = False
    artifact.state.alive[4, 0] = False
    figure = plots.receptive_fields(artifact, (7, 7), channels=3)
    shown = [np.asarray(axis.images[0].get_array()).reshape(49, 3) for axis in figure.axes[:10]]
    order = np.argsort(artifact.readout.assignment, kind="stable").tolist()
    for picture, post in zip(shown, order, strict=True):
        expected = artifact.state.weights[:, post].reshape(3, 49).T / 255
        pruned = ~np.any(artifact.state.alive[:, post].reshape(3, 49), axis=0)
        assert pruned[3] == (post == 0) and not pruned[4]
        assert (picture[pruned] == plots._PRUNED).all()
        assert picture[~pruned].tolist() == expected[~pruned].tolist()


def test_a_single_record_of_the_history_is_seen() -> None:
    """A line through one point is no line."""
    artifact = train(tiny(), digits(50))
    left, right = plots.training(artifact).axes
    assert [text.get_text() for text in left.texts] == ["none yet: it needs more presentations"]
    assert {line.get_marker() for line in right.lines} == {"."}
    assert plots.distributions(artifact).axes[1].lines[0].get_marker() == "."
