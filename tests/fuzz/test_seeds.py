"""What is mutated covers all that a reader may be given."""

import io
import random
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from prunus_fuzz.seeds import Seeds, resigned
from prunus_model.common.errors import ArtifactError
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import POLICIES
from prunus_model.training.artifact import Artifact
from prunus_rtl.link.protocol.description import CoreDescription


def test_configurations_have_every_policy() -> None:
    found = [NetworkConfig.from_toml(content.decode()) for content in Seeds.configs()]
    assert {config.pruning.policy for config in found} == set(POLICIES)


def test_cores_have_every_store(tmp_path: Path) -> None:
    stores = set()
    for content in Seeds.cores():
        (tmp_path / "core.json").write_bytes(content)
        stores.add(CoreDescription.load(tmp_path / "core.json").hardware.store)
    assert stores == {"learning", "packed"}
    formats = re.findall(rb'"format": "(csr|dense|bitmask)"', b"".join(Seeds.cores()))
    assert sorted(formats) == [b"bitmask", b"csr", b"dense"]


def test_pictures_have_every_mode() -> None:
    found = [Image.open(io.BytesIO(content)).mode for content in Seeds.pictures()]
    assert sorted(found) == ["1", "I;16", "L", "LA", "P", "RGB", "RGBA"]


def test_archives_are_packed_and_not_and_hold_both_splits(tmp_path: Path) -> None:
    methods = []
    for content in Seeds.archives():
        path = tmp_path / "data.npz"
        path.write_bytes(content)
        with zipfile.ZipFile(path) as archive:
            methods.append({one.compress_type for one in archive.infolist()})
        assert load(str(path), "train").sha256 == Seeds.images().sha256
        assert load(str(path), "test").sha256 == Seeds.tests().sha256
    assert methods == [{zipfile.ZIP_STORED}, {zipfile.ZIP_DEFLATED}]


def test_checkpoint_is_half_of_the_training() -> None:
    assert 0 < Seeds.checkpoint().state.presentation < Seeds.trained().state.presentation
    assert (Seeds.checkpoint().complete, Seeds.trained().complete) == (False, True)


def test_store_has_the_training_at_each_exit() -> None:
    exits = [rule.early_exit for rule in Seeds.training().rules]
    assert [row["early_exit"] for row in Seeds.rows()] == exits


@pytest.mark.parametrize("artifact", ["checkpoint", "trained"])
def test_networks_that_are_signed_anew_differ_in_a_value_and_have_right_hashes(
    artifact: str, tmp_path: Path
) -> None:
    seed = Seeds.saved(getattr(Seeds, artifact)())
    before, path = Seeds.artifact(seed), tmp_path / "net.npz"
    taken: list[Artifact] = []
    for number in range(60):
        path.write_bytes(resigned(random.Random(number), seed))
        try:
            taken.append(Artifact.load(path))
        except ArtifactError as e:
            assert "content_hash" not in str(e)
    changed = [one for one in taken if one.content_hash != before.content_hash]
    assert 10 < len(changed) < 60
    assert len(taken) < 60
    assert any(one.state.differences(before.state) for one in changed)
    # The seed itself is as it was.
    assert Seeds.saved(Seeds.artifact(seed)) == seed
