"""`prunus import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import click

from prunus_model.cli.common import command_line, console, load_test, note, percent
from prunus_model.cli.configure import parsed
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option
from prunus_model.cli.outputs import claimed_file, save
from prunus_model.data.events.split import Labelled, load_for
from prunus_model.exchange.graph import DT
from prunus_model.exchange.importing import Imported, VotesBy, import_graph, with_agreement
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.feedforward import WEIGHT_BITS_MIN, Reset
from prunus_model.spec.formats import STEP_BITS, V_FIRE_BITS, WEIGHT_BITS_MAX, max_of

__all__ = ["command"]


@click.group(name="import")
def command() -> None:
    """Make a network of what another tool has written."""


@command.command(name="nir")
@click.argument("graph", metavar="GRAPH", type=click.Path(path_type=Path))
@data_option(None)
@click.option(
    "--dt", type=float, default=DT, show_default=True, help="Step in seconds; NIR has none."
)
@click.option(
    "--reset",
    type=click.Choice(get_args(Reset)),
    default="zero",
    show_default=True,
    help="What a spike leaves of the potential: nothing, or what is above the threshold. NIR does "
    "not say it.",
)
@click.option(
    "--weight-bits",
    type=WholeNumber(WEIGHT_BITS_MIN, WEIGHT_BITS_MAX),
    default=WEIGHT_BITS_MAX,
    show_default=True,
    help="Width of a weight, its sign included.",
)
@click.option(
    "--steps",
    type=WholeNumber(1, max_of(STEP_BITS)),
    default=EncoderParams().steps,
    show_default=True,
    help="Steps of a presentation.",
)
@click.option(
    "--leak-shift",
    type=WholeNumber(0, V_FIRE_BITS),
    help="Leak by 2^-N in a step, 0 for not at all, whatever the graph has. Default: the graph's, "
    "which must be a power of two.",
)
@click.option(
    "--votes-by",
    type=click.Choice(get_args(VotesBy)),
    help="A neuron has one vote, for the class of its number (of several for a class, the first "
    "are of the first); or votes by its answers to training images (response). Default: number if "
    "neurons are as many as classes, else response.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set one value, for example --set encoder.spikes=low-discrepancy. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--force", is_flag=True, help="Replace the output.")
def _nir(
    *,
    graph: Path,
    data: str | None,
    dt: float,
    reset: Reset,
    weight_bits: int,
    steps: int,
    leak_shift: int | None,
    votes_by: VotesBy | None,
    settings: tuple[str, ...],
    as_json: bool,
    output: Path,
    force: bool,
) -> None:
    """Make a network of GRAPH, a file of NIR with one layer of IF or LIF neurons.

    Weights become integers; what that costs is told. With --data, images are shown to the network
    and the same spikes to the graph in plain floating point, and predictions are compared: on test
    images, each to its end. Labels are those of the training images.
    """
    if output.suffix != ".npz":
        raise click.UsageError(f"Output must end with .npz, not {output.name!r}")
    said = parsed(settings)
    said["weight_bits"] = said.get("weight_bits", weight_bits)
    encoder = said.setdefault("encoder", {})
    if isinstance(encoder, dict):
        encoder.setdefault("steps", steps)

    def load(encoder: EncoderParams) -> Labelled:
        return load_for(encoder, str(data), "train", progress=True)

    with claimed_file(output, force=force):
        imported = import_graph(
            graph,
            said,
            dt=dt,
            reset=reset,
            leak_shift=leak_shift,
            load=None if data is None else load,
            votes_by=votes_by,
            command=command_line(),
        )
        if data is not None:
            imported = with_agreement(imported, load_test(imported.artifact, data))
        if wrong := save(imported.artifact, output, force=force):
            raise wrong
    if as_json:
        click.echo(json.dumps(imported.artifact.provenance, indent=1))
    else:
        _print(imported, output)
    for line in _warnings(imported):
        note(line)


def _print(imported: Imported, output: Path) -> None:
    """Print what has become of the graph."""
    artifact, loss, found = imported.artifact, imported.loss, imported.agreement
    config = artifact.config
    synapses = config.inputs * config.neurons
    told = artifact.provenance["imported"]
    leak = f"leak 2^-{config.membrane.leak_shift}" if config.membrane.leak_shift else "no leak"
    if not imported.leak.exact:
        leak += f" in place of {imported.leak.share:g}"
    saved = (
        f"Saved {output}: {told['nodes']}, {config.inputs} inputs, {config.neurons} neurons, "
        f"{config.encoder.steps} steps of {told['dt']:g} s, {leak}, reset "
        f"{'to 0' if told['reset'] == 'zero' else 'by subtraction'}, votes by {told['votes_by']}"
    )
    errors = (
        f"{config.weight_bits}-bit weights, scale {loss.scale:.6g}: largest error of a weight "
        f"{loss.weight_error:.3g} ({_of(loss.weight_error, loss.largest_weight)} of the largest), "
        f"of a bias {loss.bias_error:.3g}, of a threshold {loss.threshold_error:.3g}; "
        f"{loss.biases_clipped} biases and {loss.thresholds_clipped} thresholds clipped"
    )
    zeros = (
        f"{percent(loss.zeros, synapses)} of the synapses are 0 and pruned, of which "
        f"{loss.rounded_to_zero:,} were not 0"
    )
    lines = [saved, errors, zeros]
    if found:
        lines.append(
            f"{100 * found.equal_predictions:.2f} % equal predictions on {found.images} images: "
            f"{100 * found.golden_accuracy:.2f} % right here, {100 * found.graph_accuracy:.2f} % "
            f"in floating point; {found.golden_spikes:.2f} and {found.graph_spikes:.2f} output "
            f"spikes per image, all equal for {100 * found.equal_counts:.1f} % of the images"
        )
    else:
        lines.append("Predictions were not compared: that needs images (--data)")
    for line in lines:
        console.print(line, soft_wrap=True)


def _warnings(imported: Imported) -> list[str]:
    """Return what is wrong with a network that can hardly be meant."""
    loss, found = imported.loss, imported.agreement
    config, found_lines = imported.artifact.config, []
    if loss.never_fire:
        which = "No neuron" if loss.never_fire == config.neurons else f"{loss.never_fire} neurons"
        can = "can ever fire" if loss.never_fire == config.neurons else "can never fire"
        found_lines.append(
            f"{which} {can} in {config.encoder.steps} steps, whatever is shown: is dt the one that "
            f"was trained with (--dt; 1 for tools that integrate currents as they are)?"
        )
    if found and not found.golden_spikes:
        found_lines.append("No neuron has fired for any image")
    if loss.biases_clipped or loss.thresholds_clipped:
        found_lines.append(
            f"{loss.biases_clipped + loss.thresholds_clipped} biases or thresholds are too large "
            f"for weights of {config.weight_bits} bits at this scale, and are clipped"
        )
    return found_lines


def _of(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "0 %"
