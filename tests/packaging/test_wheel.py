"""The wheel alone, outside the checkout: without extras, with each, with all; each Python here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prunus_model import NetworkConfig, load_data, train

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="needs the checkout"),
]
#: Tests that share a plain installation; the other Pythons take about as long.
one_worker = pytest.mark.xdist_group("this Python")

#: Versions of Python that Prunus is for; those that are not on this machine are skipped.
PYTHONS = ("3.11", "3.12", "3.13")
#: For each extra, commands that need it; each is run in a folder with the inputs below.
EXTRAS = {
    "rtl": ["prunus generate tiny.npz -d sample49.npz -n 1 -o core --simulator none"],
    "soc": ["prunus generate tiny.npz -d sample49.npz -n 1 -o soc --bus axi --simulator none"],
    "sim": ["python -m prunus_sim.measure.regression --bounded --only pruning --output sim.json"],
    "events": ["python -c 'import aedat, h5py'"],
    "live": ["python -c 'import prunus_boards.cli.live'"],
    "prophesee": ["python -c 'import expelliarmus'"],
    "nir": [
        "prunus export nir demo -n 5 -o demo.nir",
        "prunus export nir-data demo -o trace.nir",
    ],
    "search": ["python -c 'import prunus_overhead.search.command'"],
    "cluster": ["python -c 'import prunus_model.study.cluster, distributed'"],
    "docs": ["python -c 'import furo, latex2mathml, myst_parser, sphinx_click'"],
    "datasets": ["python -c 'import sklearn.datasets'"],
    "formal": ["python -m prunus_sim.formal.prove pruning"],
    "driver": [
        "prunus run demo sample -n 2 --on golden",
        "prunus verify demo -n 2 --on golden",
        "prunus selftest --on golden -o selftest.json",
    ],
    "boards": ["prunus bitstream tiny.npz --board icebreaker --mode inference --lanes 1 -o bits"],
}
#: Commands that a plain installation runs.
PLAIN = [
    "prunus --help",
    "prunus -h",
    "prunus config tiny",
    "prunus train --config tiny -d sample49.npz --epochs 1 -o small.npz",
    "prunus evaluate small.npz -d sample49.npz",
    "prunus inspect small.npz",
    "prunus train --epochs 1 -o demo.npz",
    "prunus evaluate demo.npz",
    "prunus estimate demo",
    "prunus metrics demo",
]


def extras() -> set[str]:
    """Return the extras of the project that are for users."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return set(table["optional-dependencies"]) - {"dev"}


def python_of(version: str) -> str | None:
    """Return another interpreter than that of the tests, of that version, or None.

    pyenv puts a shim of each installed version on the path; those not chosen fail when run.
    """
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return None
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    ask = [found, "-c", "import sys, venv; print(sys.executable)"]
    environment = os.environ | {"PYENV_VERSION": version}
    said = subprocess.run(ask, env=environment, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, cwd=folder)
    (found,) = folder.glob("prunus-*.whl")
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands take: images of 7 x 7 pixels, and a network of ten neurons."""
    folder = tmp_path_factory.mktemp("inputs")
    arrays = {}
    for part in ("train", "test"):
        split = load_data("sample", part)
        blocks = split.images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))
        arrays[f"{part}_images"] = blocks.astype(np.uint8)
        arrays[f"{part}_labels"] = split.labels
    np.savez(folder / "sample49.npz", **arrays)
    data = load_data(str(folder / "sample49.npz"), "train")
    train(NetworkConfig.named("tiny"), data, epochs=1).save(folder / "tiny.npz")
    return folder


class Installed:
    """An environment with the wheel, and a folder with the inputs to run commands in.

    With `plain`, a plain installation, what that has is seen and not installed again: then kernels
    are compiled once, too, as numba keeps them for one place of their source.
    """

    def __init__(
        self,
        python: str,
        wheel: Path,
        inputs: Path,
        folder: Path,
        *,
        extra: str = "",
        plain: Installed | None = None,
    ) -> None:
        self.bin = folder / "venv" / "bin"
        self.folder = folder / "work"
        shutil.copytree(inputs, self.folder)
        self._wheel = wheel
        # Without pip, which would take as long as what is tested: that of the tests installs.
        subprocess.run([python, "-m", "venv", "--without-pip", self.bin.parent], check=True)
        if plain is not None:
            (self.packages / "plain.pth").write_text(f"{plain.packages}\n")
            script = self.bin / "prunus"
            script.write_text(
                (plain.bin / "prunus").read_text().replace(str(plain.bin), str(self.bin))
            )
            script.chmod(0o755)
        self.install(extra)

    @property
    def packages(self) -> Path:
        """Where packages are installed."""
        (found,) = self.bin.parent.glob("lib/python*/site-packages")
        return found

    def install(self, extras: str) -> None:
        """Install the wheel with extras, separated by commas."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install"]
        what = f"prunus[{extras}] @ {self._wheel.as_uri()}"
        command = [*pip, "--quiet", "--disable-pip-version-check", "--no-compile", what]
        subprocess.run(command, check=True, cwd=self.folder)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a user of this environment does, without settings of the checkout."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PRUNUS"))}
        return subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=kept | {"PATH": f"{self.bin}{os.pathsep}{kept['PATH']}", "VIRTUAL_ENV": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, command: str) -> str:
        """Run a command that must end well; return what it prints."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout


def test_every_extra_is_tried() -> None:
    assert extras() == set(EXTRAS)


@pytest.fixture(scope="module")
def plain(
    wheel: Path, inputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    """The wheel without extras, on the Python of the tests."""
    folder = tmp_path_factory.mktemp("plain")
    yield Installed(sys.executable, wheel, inputs, folder)
    shutil.rmtree(folder / "venv", ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for an environment of half a gigabyte, which pytest would keep."""
    yield tmp_path
    shutil.rmtree(tmp_path / "venv", ignore_errors=True)


def check_plain(here: Installed) -> None:
    """Check what an installation without extras does, and what it says it cannot."""
    bare = here.run("prunus")
    assert "Usage: prunus" in bare.stdout + bare.stderr
    for command in PLAIN:
        here.must(command)
    assert "pip install 'prunus[boards]'" in here.must("prunus --help")
    broken = here.run("prunus bitstream demo --board icebreaker")
    assert broken.returncode == 2
    assert broken.stderr.splitlines() == [
        "prunus: Command bitstream needs pip install 'prunus[boards]'"
    ]
    # What is installed is the wheel, not the checkout.
    where = here.must("python -c 'import prunus_model; print(prunus_model.__file__)'")
    assert where == f"{here.packages / 'prunus_model' / '__init__.py'}\n"


@one_worker
def test_plain_installation(plain: Installed) -> None:
    check_plain(plain)


@one_worker
@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_alone(
    extra: str, plain: Installed, wheel: Path, inputs: Path, folder: Path
) -> None:
    here = Installed(sys.executable, wheel, inputs, folder, extra=extra, plain=plain)
    for command in EXTRAS[extra]:
        here.must(command)


@pytest.mark.parametrize("version", PYTHONS)
def test_another_python(version: str, wheel: Path, inputs: Path, folder: Path) -> None:
    python = python_of(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine, or that of the tests")
    here = Installed(python, wheel, inputs, folder)
    check_plain(here)
    # The extras together, each alone on the Python of the tests; without `boards`, whose tools
    # are large, and the same WebAssembly on every Python.
    others = sorted(EXTRAS.keys() - {"boards"})
    here.install(",".join(others))
    for extra in others:
        for command in EXTRAS[extra]:
            here.must(command)
