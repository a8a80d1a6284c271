"""Networks of events at a host link, which carries none: refused in one line."""

from pathlib import Path

import pytest

from prunus_cli import Cli
from prunus_events import write_event_digits
from prunus_model.common.errors import ConfigError
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.link.protocol.description import link_plan


def test_events_are_not_sent_over_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cli = Cli(tmp_path, monkeypatch, capsys)
    write_event_digits(tmp_path / "ev", 60, 20)
    assert cli.run("train", "-c", "tiny", "-d", "ev", "-e", "1", "-o", "n.npz").status == 0
    line = "Network must be of images to be shown to a device: a host link carries no events"
    assert cli.refuse("run", "n.npz", "ev") == line
    assert cli.refuse("verify", "n.npz") == line
    assert cli.refuse("verify", "n.npz", "ev", "--learn") == line
    built = cli.run("bitstream", "n.npz", "--board", "ulx3s-85f")
    assert built.status == 2
    assert built.err.startswith(
        "prunus: Network must be of images for a host link, which carries no events "
    )
    artifact = Artifact.load(Path("n.npz"))
    for source in ("levels", "events"):
        with pytest.raises(ConfigError, match="which carries no events"):
            link_plan(artifact, ExportOptions(source=source))
