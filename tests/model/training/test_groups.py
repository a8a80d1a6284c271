"""Networks of groups: trained, stopped and continued, saved, tested, drawn."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from prunus_cli import Cli, digits, same, tiny_contrast, tiny_windows, write_digits
from prunus_model.common.errors import ArtifactError, DataError
from prunus_model.data.datasets import check_for
from prunus_model.data.split import Split
from prunus_model.engine.engine import Engine
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training import plots
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation, evaluate, whole_dense
from prunus_model.training.groups import group_facts, silent_groups
from prunus_model.training.history import percentiles
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import Trainer, pruning_thresholds, train

WINDOWS = tiny_windows()
TEST = digits(200, seed=1, name="test digits")


@pytest.fixture(scope="module")
def grouped() -> Artifact:
    """A network of four groups. Not to be changed."""
    return train(WINDOWS, digits(2300))


def test_training_stopped_and_continued_is_the_same(grouped: Artifact, tmp_path: Path) -> None:
    trainer = Trainer(WINDOWS, digits(2300), epochs=1)
    for _ in range(2):
        trainer.advance()
        trainer.checkpoint().save(tmp_path / "c.npz")
        checkpoint = Artifact.load(tmp_path / "c.npz")
        assert not checkpoint.complete
        trainer = Trainer(WINDOWS, digits(2300), epochs=1, checkpoint=checkpoint)
    while not trainer.done:
        trainer.advance()
    continued = trainer.finish()
    assert same(continued, grouped)
    assert continued.content_hash == grouped.content_hash


def test_checkpoint_of_other_groups_is_refused() -> None:
    trainer = Trainer(WINDOWS, digits(1100), epochs=1)
    trainer.advance()
    assert WINDOWS.groups is not None
    other = replace(WINDOWS, groups=replace(WINDOWS.groups, order="given"))
    with pytest.raises(ArtifactError) as info:
        Trainer(other, digits(1100), epochs=1, checkpoint=trainer.checkpoint())
    assert str(info.value) == (
        "Checkpoint must be of this training, but differs in groups.order ('centre', not 'given')"
    )


def test_file_holds_all_groups(grouped: Artifact, tmp_path: Path) -> None:
    grouped.save(tmp_path / "n.npz")
    loaded = Artifact.load(tmp_path / "n.npz")
    assert same(loaded, grouped)
    assert loaded.config == WINDOWS
    assert loaded.state.weights.shape == (64, 10)
    assert loaded.readout.votes.shape == (40, 10)
    loaded.response = loaded.response[:10]
    loaded.save(tmp_path / "wrong.npz")
    with pytest.raises(ArtifactError) as info:
        Artifact.load(tmp_path / "wrong.npz")
    assert str(info.value).endswith(
        "must be consistent: response must be int64 of shape (40, 10), not int64 of shape (10, 10)"
    )


def test_records_are_of_all_groups(grouped: Artifact) -> None:
    state, history = grouped.state, grouped.history
    assert history.plastic[-1] == np.count_nonzero(state.plastic)
    assert grouped.density == history.plastic[-1] / 640
    thresholds = pruning_thresholds(WINDOWS, state)
    assert thresholds.shape == (40,)
    assert history.w_prune[-1].tolist() == percentiles(thresholds)
    assert grouped.counters.presentations == 2300
    assert grouped.counters.steps == 2300 * 4 * 16


def test_evaluation_is_that_of_each_image_alone(grouped: Artifact) -> None:
    shown = levels(TEST.images, WINDOWS.encoder)
    for stop_after, margin in ((1, 60), (1, 0), (0, 0), (2, 110)):
        e = evaluate(grouped, TEST, stop_after=stop_after, margin=margin)
        predictions, steps = [], 0
        for number, image in enumerate(shown):
            state = grouped.state.copy()
            state.presentation = number
            engine = Engine(WINDOWS, state, grouped.readout.votes)
            one = engine.present(image, learn=False, stop_after=stop_after, margin=margin)
            predictions.append(one.prediction)
            steps += one.counters.steps
        assert e.vote.tolist() == predictions
        assert e.counters.steps == steps
        # Neurons of the group that is shown; the others are not updated.
        assert e.neuron_updates_per_image == steps * 10 / 200
        assert e.vote_accuracy > 0.9
    configured = evaluate(grouped, TEST)
    assert (configured.readout.stop_after, configured.readout.margin) == (1, 60)
    whole = evaluate(grouped, TEST, stop_after=0, margin=0)
    assert configured.sops_per_image < whole.sops_per_image / 3
    assert whole_dense(grouped, TEST) == whole.counters.forward_dense / 200


def test_neurons_are_labelled_with_the_early_exit_and_without_a_margin(grouped: Artifact) -> None:
    shown = levels(digits(2300).images, WINDOWS.encoder)
    engine = Engine(WINDOWS, grouped.state, grouped.readout.votes)
    _, spikes = engine.infer(shown, stop_after=1)
    assert grouped.response.sum(axis=1).tolist() == spikes.sum(axis=0, dtype=np.int64).tolist()
    assert spikes.sum() > 2300


def test_relabelled_as_a_plain_network_is(grouped: Artifact) -> None:
    other = relabelled(grouped, votes="shares", vote_bits=4, margin=9)
    assert other.readout.votes.shape == (40, 10)
    assert other.readout.votes.max() == 15
    assert evaluate(other, TEST).vote_accuracy > 0.8


def test_facts_of_each_group(grouped: Artifact) -> None:
    facts = group_facts(grouped)
    for group, one in enumerate(facts):
        assert one.density == grouped.state.plastic[16 * group : 16 * group + 16].mean()
        assignment = grouped.readout.assignment[10 * group : 10 * group + 10]
        assert one.silent_neurons == np.count_nonzero(assignment == UNDECIDED)
    assert len({one.density for one in facts}) > 1
    assert np.mean([one.density for one in facts]) == pytest.approx(grouped.density)
    assert silent_groups(grouped) == ""


@pytest.mark.parametrize(
    ("silent", "told"),
    [([2], "2"), ([0, 3], "0, 3"), ([0, 1, 2, 3, 4, 5, 8], "0, 1, 2, 3, 4 and 2 more")],
)
def test_groups_in_which_no_neuron_fires_are_named(silent: list[int], told: str) -> None:
    groups = GroupsParams(image_width=7, image_height=7, indices=tuple((n,) for n in range(9)))
    config = replace(WINDOWS, inputs=1, groups=groups)
    one = train(config, digits(3))
    one.readout.assignment[:] = 0
    # One neuron is not enough.
    one.readout.assignment[75] = UNDECIDED
    for group in silent:
        one.readout.assignment[10 * group : 10 * group + 10] = UNDECIDED
    assert silent_groups(one) == told


def test_fields_are_drawn_in_the_shape_of_the_window() -> None:
    groups = GroupsParams(
        image_width=7, image_height=7, window_width=5, window_height=2, positions=((0, 0), (5, 2))
    )
    artifact = train(replace(WINDOWS, inputs=10, groups=groups), digits(1200))
    figure = plots.receptive_fields(artifact, (7, 7))
    shown = [axis for axis in figure.axes if axis.images]
    order = np.argsort(artifact.readout.assignment, kind="stable").tolist()
    assert len(shown) == len(order) == 20
    for axis, post in zip(shown, order, strict=True):
        picture = np.asarray(axis.images[0].get_array())
        assert picture.shape == (2, 5, 3)
        group, own = divmod(post, 10)
        rows = slice(10 * group, 10 * group + 10)
        blue = (picture == plots._PRUNED).all(axis=2).ravel()
        assert blue.tolist() == (~artifact.state.plastic[rows, own]).tolist()
        weights = artifact.state.weights[rows, own]
        assert picture.sum(axis=2).ravel()[np.argmax(weights)] == picture.sum(axis=2).min()
    assert figure.get_suptitle().startswith(
        "Receptive fields of 20 of 20 neurons, by class; windows of 5 x 2 pixels. Light blue: "
    )


def test_fields_of_windows_of_contrasts_and_of_index_sets() -> None:
    contrast = tiny_contrast().encoder
    artifact = train(replace(WINDOWS, inputs=32, encoder=contrast), digits(300))
    figure = plots.receptive_fields(artifact, (7, 7))
    pictures = [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]
    assert {picture.shape for picture in pictures} == {(4, 4, 3)}
    assert "; windows of 4 x 4 pixels. Black: brighter" in figure.get_suptitle()
    sets = GroupsParams(
        image_width=7, image_height=7, indices=(tuple(range(12)), tuple(range(20, 32)))
    )
    figure = plots.receptive_fields(
        train(replace(WINDOWS, inputs=12, groups=sets), digits(300)), (7, 7)
    )
    curves = [np.asarray(line.get_ydata()) for axis in figure.axes for line in axis.lines]
    assert {curve.shape for curve in curves} == {(12,)}
    assert "by class; weights over 12 inputs. Light blue" in figure.get_suptitle()


def test_images_of_another_shape_are_refused() -> None:
    def of(height: int, width: int) -> Split:
        images = np.zeros((1, height * width), np.uint8)
        return Split(
            name="x", images=images, labels=np.zeros(1, np.uint8), image_shape=(height, width)
        )

    assert WINDOWS.groups is not None
    wide = replace(WINDOWS, groups=replace(WINDOWS.groups, image_width=8, image_height=6))
    # A row or a column has no shape.
    for shape in ((6, 8), (1, 48), (48, 1)):
        check_for(of(*shape), wide)
    with pytest.raises(DataError) as info:
        check_for(of(8, 6), wide)
    assert str(info.value) == (
        "Images of x must be 8 x 6 pixels (width x height) for the groups of this configuration, "
        "not 6 x 8"
    )
    with pytest.raises(DataError) as info:
        check_for(of(7, 7), wide)
    assert str(info.value) == "Images of x must have 48 pixels for this configuration, not 49"
    sets = GroupsParams(image_width=48, image_height=1, indices=((0, 47),))
    check_for(of(8, 6), replace(WINDOWS, inputs=2, groups=sets))


TEXT = """
[groups]
image_width = 7
image_height = 7
indices = [[0, 1, 2, 3, 4, 5], [20, 21, 22, 23, 24, 25]]
"""


def test_on_the_command_line(cli: Cli, grouped: Artifact) -> None:
    write_digits(cli.folder / "digits.npz")
    Path("w.toml").write_text(WINDOWS.to_toml())
    out = cli.succeed("train", "-c", "w.toml", "-d", "digits.npz", "-e", "1", "-o", "w.npz")
    assert out.startswith("4 groups of 10 neurons, adaptive pruning, seed 1: ")
    artifact = Artifact.load(Path("w.npz"))
    assert artifact.content_hash == grouped.content_hash
    shares = [100 * facts.density for facts in group_facts(artifact)]
    line = (
        "4 groups of 10 neurons, each on 16 of 49 levels, 4 views of an image; synapses left "
        f"{min(shares):.1f} % to {max(shares):.1f} %\n"
    )
    assert line in cli.succeed("inspect", "w.npz")
    facts = json.loads(cli.succeed("inspect", "w.npz", "--json"))
    assert facts["groups"] == [asdict(one) for one in group_facts(artifact)]
    left = np.concatenate(
        [artifact.state.plastic[16 * g : 16 * g + 16].sum(axis=0) for g in range(4)]
    )
    assert facts["neurons"]["synapses_left"] == percentiles(left.astype(np.int64))
    (shown,) = json.loads(
        cli.succeed("evaluate", "w.npz", "-d", "digits.npz", "--json", "--margin", "100")
    )
    e = evaluate(artifact, digits(200, seed=1), margin=100)
    assert (shown["vote"], shown["forward_sops_per_image"]) == (e.vote_accuracy, e.sops_per_image)
    assert (shown["stop_after"], shown["margin"]) == (1, 100)
    assert (
        cli.refuse("evaluate", "w.npz", "-d", "digits.npz", "--margin", "253")
        == "Configuration: readout.margin must be at most 252, which 4 output spikes reach with "
        "6-bit votes, not 253"
    )


def test_group_that_never_fires_is_told(cli: Cli) -> None:
    data = digits(300)
    dark = data.images.copy()
    dark[:, 20:26] = 0
    np.savez(
        "dark.npz",
        train_images=dark.reshape(-1, 7, 7),
        train_labels=data.labels,
        test_images=dark.reshape(-1, 7, 7)[:50],
        test_labels=data.labels[:50],
    )
    without = replace(WINDOWS, groups=None, inputs=6)
    Path("w.toml").write_text(without.to_toml().replace("margin = 60", "margin = 0") + TEXT)
    command = ("train", "-c", "w.toml", "-d", "dark.npz", "-e", "1", "-o", "w.npz")
    outcome = cli.run(*command)
    assert outcome.status == 0
    assert "No neuron fires for any training image in groups 1: they only cost steps" in outcome.err
    assert "; no neuron fires in 1\n" in cli.succeed("inspect", "w.npz")


def test_plots_are_of_the_margins_that_can_be_reached(
    cli: Cli, grouped: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prunus_model.training.plots._DPI", 20)
    drawn: list[tuple[list[Evaluation], list[Evaluation]]] = []
    draw = plots.sops_accuracy

    def spy(fixed: list[Evaluation], tests: list[Evaluation], dense: float) -> Figure:
        drawn.append((fixed, tests))
        return draw(fixed, tests, dense)

    monkeypatch.setattr("prunus_model.training.plots.sops_accuracy", spy)
    write_digits(cli.folder / "digits.npz")
    one_bit = relabelled(grouped, vote_bits=1, margin=1)
    one_bit.save(Path("w.npz"))
    cli.succeed("plot", "w.npz", "-d", "digits.npz")
    ((fixed, tests),) = drawn
    assert [(e.readout.stop_after, e.readout.margin) for e in fixed] == [
        (n, 0) for n in (1, 2, 3, 5, 0)
    ]
    # Four spikes of one vote: a margin of 3 can be reached.
    assert [(e.readout.stop_after, e.readout.margin) for e in tests] == [(1, 1), (1, 2), (1, 3)]
