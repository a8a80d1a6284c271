from dataclasses import replace

import numpy as np
import pytest

from prunus_cli import digits, tiny
from prunus_model.common.errors import ArtifactError, ConfigError, DataError
from prunus_model.data.datasets import Split
from prunus_model.reference.network import Network
from prunus_model.spec.counters import Counters
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation, evaluate, whole_dense
from prunus_model.training.trainer import Trainer, train

TEST = digits(300, seed=1, name="test digits")


def by_hand(
    artifact: Artifact, data: Split, stop_after: int, margin: int
) -> tuple[list[int], list[int], Counters]:
    """Show each image to the reference and count what it says: hard, vote, counters."""
    config = artifact.config
    hard, vote, counters = [], [], Counters()
    for n, image in enumerate(levels(data.images, config.encoder)):
        state = artifact.state.copy()
        state.presentation = n
        network = Network(config, state, artifact.readout.votes)
        result = network.present(image, learn=False, stop_after=stop_after, margin=margin)
        counters += result.counters
        votes = [0] * 10
        means: list[list[int]] = [[] for _ in range(10)]
        spikes = result.spike_counts(config.neurons).tolist()
        for post, count in enumerate(spikes):
            for c, value in enumerate(artifact.readout.votes[post].tolist()):
                votes[c] += count * value
            if (c := int(artifact.readout.assignment[post])) >= 0:
                means[c].append(count)
        vote.append(votes.index(max(votes)) if any(votes) else -1)
        # What the scores of the model elect, too.
        assert vote[-1] == result.prediction
        mean = [sum(counts) / len(counts) if counts else 0.0 for counts in means]
        hard.append(mean.index(max(mean)) if any(mean) else -1)
    return hard, vote, counters


@pytest.mark.parametrize(("stop_after", "margin"), [(0, 0), (1, 0), (2, 0), (0, 9), (2, 20)])
@pytest.mark.parametrize("policy", ["none", "soft", "adaptive"])
def test_evaluation_is_what_the_reference_does(policy: str, stop_after: int, margin: int) -> None:
    # So short a training that many images are undecided or wrong.
    artifact, data = train(tiny(policy), digits(40)), TEST.head(60)
    e = evaluate(artifact, data, stop_after=stop_after, margin=margin)
    hard, vote, counters = by_hand(artifact, data, stop_after, margin)
    assert e.hard.tolist() == hard
    assert e.vote.tolist() == vote
    assert e.counters == counters
    labels = data.labels.tolist()
    assert e.vote_accuracy == sum(a == b for a, b in zip(vote, labels, strict=True)) / 60
    assert e.hard_accuracy == sum(a == b for a, b in zip(hard, labels, strict=True)) / 60
    assert e.undecided == vote.count(-1)
    assert 0 < e.vote_accuracy < 1


def same_results(a: Evaluation, b: Evaluation) -> bool:
    return (
        a.hard.tolist() == b.hard.tolist()
        and a.vote.tolist() == b.vote.tolist()
        and a.counters == b.counters
    )


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_threads_do_not_matter(trained: Artifact, threads: int) -> None:
    assert same_results(evaluate(trained, TEST, threads=threads), evaluate(trained, TEST))


def test_chunks_do_not_matter(trained: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate(trained, TEST)
    monkeypatch.setattr("prunus_model.training.evaluation._CHUNK", 77)
    assert same_results(evaluate(trained, TEST), whole)


def test_evaluating_changes_nothing(trained: Artifact) -> None:
    before = trained.content_hash
    first = evaluate(trained, TEST)
    assert same_results(evaluate(trained, TEST), first)
    assert trained.content_hash == before


def test_confusion_has_every_image_once() -> None:
    e = evaluate(train(tiny("none"), digits(2300)), TEST)
    assert e.confusion.shape == (10, 11)
    assert e.confusion.sum(axis=1).tolist() == np.bincount(TEST.labels, minlength=10).tolist()
    assert e.confusion[:, 10].sum() == e.undecided > 0
    assert np.trace(e.confusion) == round(300 * e.vote_accuracy)
    for label, vote in zip(TEST.labels.tolist(), e.vote.tolist(), strict=True):
        assert e.confusion[label, vote] > 0


def test_early_exit_saves_sops(trained: Artifact) -> None:
    costs = [evaluate(trained, TEST, stop_after=n).counters for n in (1, 2, 3, 0)]
    assert all(c.output_spikes <= 300 * n for c, n in zip(costs, (1, 2, 3), strict=False))
    sops = [c.forward_sops for c in costs]
    assert sops == sorted(sops)
    assert sops[0] < sops[-1]
    assert all(c.forward_sops < c.forward_dense for c in costs)
    assert costs[-1].steps == 300 * 16


def test_early_exit_is_as_configured_by_default(trained: Artifact) -> None:
    config = replace(trained.config, readout=replace(trained.config.readout, stop_after=1))
    configured = evaluate(replace(trained, config=config), TEST)
    assert configured.readout.stop_after == 1
    assert same_results(configured, evaluate(trained, TEST, stop_after=1))
    assert evaluate(trained, TEST).readout.stop_after == 0


def test_margin_is_as_configured_by_default(trained: Artifact) -> None:
    config = trained.config.with_readout(margin=20)
    configured = evaluate(replace(trained, config=config), TEST)
    assert configured.readout.margin == 20
    assert same_results(configured, evaluate(trained, TEST, margin=20))
    assert not same_results(configured, evaluate(trained, TEST))
    whole = evaluate(replace(trained, config=config), TEST, margin=0)
    assert same_results(whole, evaluate(trained, TEST))


def test_margin_saves_sops(trained: Artifact) -> None:
    found = [evaluate(trained, TEST, margin=n) for n in (5, 20, 40, 0)]
    sops = [e.sops_per_image for e in found]
    assert sops == sorted(sops)
    assert sops[0] < sops[-1]
    assert [e.whole for e in found] == [False, False, False, True]


def test_cost_per_image_is_that_of_the_counters() -> None:
    config = replace(tiny(), membrane=replace(tiny().membrane, inhibition_steps=2))
    e = evaluate(train(config, digits(400)), TEST, margin=20)
    c = e.counters
    assert c.inhibited_steps > 0
    assert e.spikes_per_image == c.output_spikes / 300
    assert e.steps_per_image == c.steps / 300
    assert e.sops_per_image == c.forward_sops / 300
    assert e.neuron_updates_per_image == 10 * (c.steps - c.inhibited_steps) / 300


def test_spikes_without_votes_are_undecided(trained: Artifact) -> None:
    votes = np.zeros_like(trained.readout.votes)
    e = evaluate(replace(trained, readout=replace(trained.readout, votes=votes)), TEST, margin=1)
    assert e.counters.output_spikes > 0
    # A lead that is never there ends nothing.
    assert e.steps_per_image == 16
    assert (e.undecided, e.vote_accuracy) == (300, 0)
    assert e.hard_accuracy > 0


def test_whole_presentations_are_what_costs_are_compared_with(
    trained: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, whole = evaluate(trained, TEST, margin=5), evaluate(trained, TEST)
    late = replace(trained, config=trained.config.with_readout(stop_after=1, margin=5))
    expected = whole.counters.forward_dense / 300
    assert whole_dense(late, TEST) == expected
    assert whole_dense(late, TEST, known=[early]) == expected
    monkeypatch.setattr("prunus_model.training.evaluation.evaluate", None)
    assert whole_dense(trained, TEST, known=[early, whole]) == expected


def test_black_images_are_undecided_and_wrong(trained: Artifact) -> None:
    black = replace(TEST, images=np.zeros_like(TEST.images))
    e = evaluate(trained, black)
    assert e.undecided == 300
    assert (e.vote_accuracy, e.hard_accuracy) == (0, 0)
    assert e.confusion[:, 10].sum() == 300
    # A pixel of 10 or less has a level above 0, a pixel of 0 has none.
    assert (e.counters.forward_sops, e.counters.forward_dense) == (0, 0)
    assert e.counters.forward_fraction == 1


def test_network_that_is_not_complete_is_refused() -> None:
    trainer = Trainer(tiny(), digits(2300), epochs=1)
    trainer.advance()
    with pytest.raises(ArtifactError) as caught:
        evaluate(trainer.checkpoint(), TEST)
    assert str(caught.value) == (
        "Network must be trained completely, but is at presentation 1000 of 2300"
    )


def test_images_that_do_not_fit_are_refused(trained: Artifact) -> None:
    small = Split(
        name="small", images=TEST.images[:, :48].copy(), labels=TEST.labels, image_shape=(6, 8)
    )
    with pytest.raises(DataError) as caught:
        evaluate(trained, small)
    assert str(caught.value) == (
        "Images of small must have 49 pixels for this configuration, not 48"
    )
    with pytest.raises(DataError) as caught:
        evaluate(trained, replace(TEST, labels=TEST.labels + np.uint8(1)))
    assert str(caught.value) == (
        "Labels of test digits must be in 0..9 for this configuration, not 10"
    )


def test_arguments_out_of_range_are_refused(trained: Artifact) -> None:
    for name in ("stop_after", "margin"):
        with pytest.raises(ConfigError, match=rf"^Configuration: readout.{name} .*, not -1$"):
            evaluate(trained, TEST, **{name: -1})
    with pytest.raises(ConfigError, match=r"margin must be at most 240, which 16 output spikes"):
        evaluate(trained, TEST, margin=241)
    with pytest.raises(ValueError, match=r"^Threads must be 1 or more, not 0$"):
        evaluate(trained, TEST, threads=0)
