"""Small digits, and the command line run in this process or in one of its own."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from prunus_model.cli import main
from prunus_model.data.datasets import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train

#: 7 x 7 images.
TINY = NetworkConfig.named("tiny")
#: Every policy, so that it prunes a share of the synapses within 2,300 presentations of `TINY`.
PRUNING: dict[str, PruningParams] = {
    "none": NoPruning(),
    "constant": ConstantPruning(w_prune=70, start=700),
    "adaptive": AdaptivePruning(ramp_shift=2, strength_gain=1200),
    "lift": LiftPruning(length=1000),
    "soft": SoftPruning(after_presentations=40, min_spikes=1, percent=40),
    "post": PostPruning(w_prune=100),
}


def tiny(policy: str = "adaptive", *, seed: int = 1) -> NetworkConfig:
    return replace(TINY, pruning=PRUNING[policy], seed=seed)


def tiny_contrast() -> NetworkConfig:
    """Two channels for the same images."""
    contrast = ContrastParams(image_width=7, window=3)
    return replace(tiny(), inputs=98, encoder=replace(TINY.encoder, contrast=contrast))


def tiny_windows(policy: str = "adaptive") -> NetworkConfig:
    """Four windows of 4 x 4 on the same images, with logarithmic votes."""
    groups = GroupsParams(
        image_width=7, image_height=7, window_width=4, window_height=4, stride=3, order="centre"
    )
    readout = replace(TINY.readout, votes="logarithms", vote_bits=6, stop_after=1, margin=60)
    return replace(tiny(policy), inputs=16, readout=readout, groups=groups)


def tiny_views() -> NetworkConfig:
    """Four groups on corners of the same images that overlap, and two looks."""
    groups = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=4,
        window_height=4,
        stride=3,
        looks=((0, 0), (1, -1)),
    )
    encoder = replace(TINY.encoder, gain=300)
    pruning = AdaptivePruning(ramp_shift=1, strength_gain=3600)
    return replace(TINY, inputs=16, neurons=5, encoder=encoder, pruning=pruning, groups=groups)


def digits(count: int, *, seed: int = 0, name: str = "digits") -> Split:
    """Ten shapes of 7 x 7 pixels with noise, which `TINY` learns to tell apart."""
    shapes = np.random.default_rng(7).random((10, 49)) < 0.3
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count).astype(np.uint8)
    images = np.where(shapes[labels], 200, 10) + rng.integers(0, 50, (count, 49))
    return Split(name=name, images=images.astype(np.uint8), labels=labels, image_shape=(7, 7))


@cache
def windows(presentations: int = 600) -> Artifact:
    """Four groups of five neurons, and two looks; of the same images."""
    return train(tiny_views(), digits(presentations), epochs=1)


def write_digits(path: Path, train: int = 2300, test: int = 200) -> Path:
    """Write an archive of training and test images."""
    a, b = digits(train), digits(test, seed=1)
    np.savez(
        path,
        train_images=a.images.reshape(-1, 7, 7),
        train_labels=a.labels,
        test_images=b.images.reshape(-1, 7, 7),
        test_labels=b.labels,
    )
    return path


def same(a: Artifact, b: Artifact) -> bool:
    """Whether two artefacts are equal in every array and value but for the provenance."""
    arrays = all(
        np.array_equal(x, y) and x.dtype == y.dtype
        for x, y in (
            *((getattr(a.readout, n), getattr(b.readout, n)) for n in ("votes", "assignment")),
            (a.response, b.response),
            (a.response_images, b.response_images),
            *((getattr(a.history, f.name), getattr(b.history, f.name)) for f in fields(a.history)),
        )
    )
    values = (a.config, a.schedule, a.counters) == (b.config, b.schedule, b.counters)
    return arrays and values and a.state.differences(b.state) == []


def listing(folder: Path) -> dict[str, str]:
    """Every file below a folder with its content, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in folder.rglob("*")
    }


def process(
    *args: str, cwd: Path, before: str = "", stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start the command line as a process; `before` is Python that is run first."""
    # Where pytest runs in the background, its shell has let it ignore Ctrl-C, and nohup hang-ups.
    attend = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    )
    script = f"{attend}\n{before}\nfrom prunus_model.cli import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *args],
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


class Cli:
    """The command line in this process, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *args: str) -> Outcome:
        self._monkeypatch.setattr(sys, "argv", ["prunus", *args])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = self._capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Outcome(status=caught.value.code, out=out, err=err)

    def succeed(self, *args: str) -> str:
        """Run a command that succeeds in silence on stderr; return what it prints."""
        outcome = self.run(*args)
        assert (outcome.status, outcome.err) == (0, "")
        return outcome.out

    def refuse(self, *args: str) -> str:
        """Run a command that must be refused and change nothing; return the message."""
        before = listing(self.folder)
        outcome = self.run(*args)
        assert outcome.status == 2
        assert outcome.out == ""
        assert listing(self.folder) == before
        return message(outcome.err)


def message(err: str) -> str:
    """Return the one line that stderr must be, without the name of the program."""
    assert err.startswith("prunus: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("prunus: ").removesuffix("\n")
