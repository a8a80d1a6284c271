from dataclasses import replace

import numpy as np
import pytest

from prunus_cli import digits, same, tiny
from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.common.errors import ConfigError
from prunus_model.reference.readout import Readout
from prunus_model.spec.readout import ReadoutParams
from prunus_model.training.artifact import Artifact
from prunus_model.training.relabelling import relabelled
from prunus_model.training.trainer import train


@pytest.mark.parametrize("name", BUNDLED)
def test_votes_of_a_bundled_network_are_those_of_its_response(name: str) -> None:
    artifact = Artifact.load(bundled(name))
    again = relabelled(artifact)
    assert same(again, artifact)
    assert again.content_hash == artifact.content_hash


def test_other_votes_are_those_of_a_training_with_them() -> None:
    readout = ReadoutParams(votes="logarithms", vote_bits=6, margin=56)
    expected = train(replace(tiny(), readout=readout), digits(400))
    before = train(tiny(), digits(400))
    kept = before.content_hash
    found = relabelled(before, votes="logarithms", vote_bits=6, margin=56)
    assert same(found, expected)
    assert found.content_hash == expected.content_hash != kept
    assert before.content_hash == kept
    assert found.readout.votes.max() > 15


def test_what_is_not_given_is_as_configured(trained: Artifact) -> None:
    first = relabelled(trained, votes="logarithms", vote_bits=6, margin=56, stop_after=3)
    assert relabelled(first).config == first.config
    readout = relabelled(first, vote_bits=5, margin=40).config.readout
    assert readout == ReadoutParams(votes="logarithms", vote_bits=5, margin=40, stop_after=3)


def test_margin_of_other_votes_is_not_taken_over(trained: Artifact) -> None:
    first = relabelled(trained, votes="logarithms", vote_bits=6, margin=56)
    for other in ({"vote_bits": 5}, {"votes": "shares"}):
        with pytest.raises(ConfigError) as caught:
            relabelled(first, **other)
        assert str(caught.value) == (
            "Margin must be given with other votes, 0 for none: 56 is one of 6-bit logarithms"
        )
        assert relabelled(first, **other, margin=0).config.readout.margin == 0


def test_classes_of_the_neurons_stay(trained: Artifact) -> None:
    found = relabelled(trained, votes="logarithms", vote_bits=8)
    assert found.readout.assignment.tolist() == trained.readout.assignment.tolist()
    learnt = Readout.learn(trained.response, trained.response_images, found.config.readout)
    assert np.array_equal(found.readout.votes, learnt.votes)


def test_margin_that_fewer_bits_never_reach_is_refused(trained: Artifact) -> None:
    first = relabelled(trained, margin=240)
    with pytest.raises(ConfigError) as caught:
        relabelled(first, vote_bits=3)
    assert str(caught.value) == (
        "Configuration: readout.margin must be at most 112, which 16 output spikes reach with "
        "3-bit votes, not 240"
    )
