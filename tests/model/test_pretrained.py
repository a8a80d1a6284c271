"""The bundled networks: each is what its README says, and does what it is known for."""

import pytest

from prunus_model.cli.common import BUNDLED, bundled
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate

#: By bundled network: content hash; vote, hard, undecided images, forward SOPs and output spikes
#: on the 1,000 test images of the sample.
KNOWN: dict[str, tuple[str, float, float, int, int, int]] = {
    "demo": (
        "f19e78b29656624bad1c3d131e67dbc0a5025e4f00505e182a70d22aea542eff",
        0.87,
        0.865,
        2,
        138038631,
        2621,
    ),
    "400": (
        "f62a12c240117182869d5116ba412debcc9e46c643bbd00838ad472dbf29741c",
        0.913,
        0.911,
        0,
        499568439,
        4056,
    ),
    "up5k": (
        "cad5b2749f7e9f58ad5810fa72e7b8e812fd867d9c4d7ff299cca79fb0dfc121",
        0.92,
        0.914,
        0,
        489573461,
        4080,
    ),
    "windows": (
        "27aca646eb0eac50319b3b5577efe19423c6b6880578b73890769736984ade97",
        0.949,
        0.865,
        0,
        55000684,
        10282,
    ),
}


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_networks_do_what_they_are_known_for(name: str) -> None:
    artifact = Artifact.load(bundled(name))
    content_hash, vote, hard, undecided, sops, spikes = KNOWN[name]
    assert artifact.content_hash == content_hash
    assert artifact.content_hash in (bundled(name).parent / "README.md").read_text()
    assert artifact.complete
    assert artifact.config == NetworkConfig.named(name)
    assert artifact.config.pruning.policy == "adaptive"
    assert bundled(name).stat().st_size < 1_000_000
    e = evaluate(artifact, load("sample", "test"))
    assert (e.vote_accuracy, e.hard_accuracy, e.undecided) == (vote, hard, undecided)
    assert (e.counters.forward_sops, e.counters.output_spikes) == (sops, spikes)
