"""`prunus export` and `prunus metrics`."""

import json
from pathlib import Path

import h5py
import pytest

from prunus_cli import Cli, digits, listing, windows
from prunus_model.data.datasets import load
from prunus_model.exchange.agreement import measure
from prunus_model.exchange.files import read_data, read_graph
from prunus_model.exchange.graph import METADATA, float_layer
from prunus_model.exchange.metrics import metrics, to_mapping
from prunus_model.exchange.trace import trace
from prunus_model.training.artifact import Artifact

NIR = ("export", "nir", "tiny.npz", "-d", "digits.npz", "-o", "net.nir")
DATA = ("export", "nir-data", "tiny.npz", "-d", "digits.npz", "-o", "trace.nir")


def test_graph_is_written_with_its_rate(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed(*NIR, "-n", "60", "--inhibition", "2", "--dt", "0.001")
    graph = read_graph(Path("net.nir"))
    told = graph.metadata[METADATA]
    assert (told["dt"], told["inhibition"], told["reader"]) == (1e-3, 2.0, "nir")
    data = load("digits.npz", "test").head(60)
    found = measure(trained, data, float_layer(graph, dt=1e-3))
    assert told["agreement"]["equal_predictions"] == found.equal_predictions
    assert told["agreement"]["images"] == 60
    assert out.startswith("Wrote net.nir: dt 0.001 s, inhibition 2, for nir. ")
    assert f"{100 * found.equal_predictions:.1f} % equal predictions on 60 images" in out
    assert f"{100 * found.golden_accuracy:.1f} % right here" in out
    assert f"{100 * found.graph_accuracy:.1f} % as a graph" in out
    assert out.endswith(
        f"{found.golden_spikes:.1f} and {found.graph_spikes:.1f} output spikes per image\n"
    )


def test_graph_is_written_for_a_reader(tiny_cli: Cli) -> None:
    # More images than there are.
    assert "on 200 images" in tiny_cli.succeed(*NIR, "--for", "snntorch", "-n", "999")
    assert "relay" in read_graph(Path("net.nir")).nodes


def test_traces_are_written(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed(*DATA, "--first", "3", "-n", "2", "--dt", "0.01")
    data = load("digits.npz", "test")
    found = trace(trained, data, first=3, count=2)
    assert out == (
        f"Wrote trace.nir: 2 images of {data.name} from 3 on, 16 steps of 0.01 s, "
        f"{found.inputs.sum():,} input and {found.spikes.sum():,} output spikes\n"
    )
    written = read_data(Path("trace.nir")).nodes["lif"].observables
    assert (written["v"].data == found.v).all()
    assert written["v"].dt == 0.01
    with h5py.File("trace.nir") as file:
        assert dict(file.attrs) == {
            "__type__": "NIRGraphData",
            "prunus_content_hash": trained.content_hash,
            "prunus_data": data.identity,
            "prunus_data_sha256": data.sha256,
            "prunus_first": 3,
            "prunus_dt": 0.01,
        }


@pytest.mark.parametrize("command", [NIR, DATA])
def test_existing_file_is_replaced_only_with_force(tiny_cli: Cli, command: tuple[str, ...]) -> None:
    name = command[-1]
    Path(name).write_text("mine")
    assert tiny_cli.refuse(*command) == f"Output {name} must not exist, unless --force is given"
    tiny_cli.succeed(*command, "--force")
    assert Path(name).read_bytes().startswith(b"\x89HDF")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dt", "0"), "dt must be in 1e-12..1000, not 0"),
        (("--dt", "nan"), "dt must be in 1e-12..1000, not nan"),
        (("-o", "no/net.nir"), "Folder no of the output must exist"),
        (("-d", "none"), "Data must be sample, mnist"),
    ],
)
@pytest.mark.parametrize("command", [NIR, DATA])
def test_bad_input_is_one_line_and_nothing_is_written(
    tiny_cli: Cli, command: tuple[str, ...], options: tuple[str, ...], message: str
) -> None:
    assert message in tiny_cli.refuse(*command, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--inhibition", "0"), "inhibition must be in 1e-06..1e+06, not 0"),
        (("--for", "snntorch", "--dt", "1"), "dt must be 0.0001 for snnTorch"),
        (("--for", "lava"), "'lava' is not one of 'nir', 'spikingjelly', 'snntorch'"),
    ],
)
def test_graph_that_cannot_be_is_refused(
    tiny_cli: Cli, options: tuple[str, ...], message: str
) -> None:
    assert message in tiny_cli.refuse(*NIR, *options)


def test_images_that_are_not_there_are_refused(tiny_cli: Cli) -> None:
    assert "from image 199 on must be in 1..1" in tiny_cli.refuse(
        *DATA, "--first", "199", "-n", "2"
    )


def test_groups_are_refused_before_data_are_read(cli: Cli) -> None:
    windows().save(Path("windows.npz"))
    for kind in ("nir", "nir-data"):
        args = ("export", kind, "windows.npz", "-d", "nothing", "-o", "x.nir")
        assert cli.refuse(*args).startswith("Network must be one without groups for NIR: ")


def test_metrics_are_printed(tiny_cli: Cli, trained: Artifact) -> None:
    before = listing(tiny_cli.folder)
    found = metrics(trained, load("digits.npz", "test"))
    out = tiny_cli.succeed("metrics", "tiny.npz", "-d", "digits.npz")
    for metric in found:
        assert f"\n{metric.name} " in out
    values = {metric.name: metric.value for metric in found}
    assert f"{values['connection_sparsity']:.4f}" in out
    assert f" {values['effective_acs']:,.0f} " in out
    told = json.loads(tiny_cli.succeed("metrics", "tiny.npz", "-d", "digits.npz", "--json"))
    assert told.items() >= to_mapping(found).items()
    assert told["images"] == 200
    assert told["formulas"].keys() == told["sources"].keys() == values.keys()
    assert sum(told["footprint_bits"].values()) <= 8 * told["footprint"]
    assert listing(tiny_cli.folder) == before


def test_metrics_of_data_that_do_not_fit_are_refused(tiny_cli: Cli) -> None:
    digits(3)
    assert "must have 49" in tiny_cli.refuse("metrics", "tiny.npz", "-d", "sample")


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (NIR, ("--dt", "0")),
        (NIR, ("--inhibition", "0")),
        (NIR, ("--for", "snntorch", "--dt", "1")),
        (NIR, ("-o", "no/net.nir")),
        (DATA, ("--dt", "0")),
        (DATA, ("-o", "no/net.nir")),
    ],
)
def test_what_is_asked_is_checked_before_data_are_read(
    tiny_cli: Cli, command: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    assert "Data must be" not in tiny_cli.refuse(*command, "-d", "nothing", *wrong)
    assert "Data must be" in tiny_cli.refuse(*command, "-d", "nothing")


def test_one_image_is_not_several(tiny_cli: Cli) -> None:
    assert "equal predictions on 1 image of " in tiny_cli.succeed(*NIR, "-n", "1")
    assert tiny_cli.succeed(*DATA).startswith("Wrote trace.nir: 1 image of ")
