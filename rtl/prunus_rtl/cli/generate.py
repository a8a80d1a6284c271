"""`prunus generate`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from prunus_model.cli import INTERRUPTED
from prunus_model.cli.common import console, load_network, terminable
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.outputs import clean_beside
from prunus_model.common.errors import ConfigError
from prunus_model.data.events.split import load_for
from prunus_model.spec.labels import size_label
from prunus_rtl.cli.options import choice_option, lanes_option
from prunus_rtl.counts.memories import memories
from prunus_rtl.counts.multipliers import preferred_multiplier
from prunus_rtl.export.package import Written, check_folder, write_package
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.export.simulators import SIMULATORS, find_simulator
from prunus_rtl.link.protocol.protocol import BAUD
from prunus_rtl.memory_image.devices import DEVICES
from prunus_rtl.soc.interfaces import INTERFACES, make_interface
from prunus_rtl.soc.serial import CLOCK_HZ

__all__ = ["generate"]


@click.command(name="generate")
@click.argument("network", metavar="NETWORK")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("prunus_core"),
    show_default=True,
    metavar="FOLDER",
    help="Folder to make.",
)
@choice_option("mode", "Whether the core can learn.")
@lanes_option("16, or fewer for few neurons")
@choice_option("store", "What holds the weights: the smallest packed format, or the one named.")
@choice_option("source", "Input: one level per pixel, or address events.")
@choice_option(
    "multiplier",
    "Of a core that learns. Default: dsp if --device names one with multiplier blocks enough, else "
    "sequential.",
    default=False,
)
@click.option(
    "--bus",
    type=click.Choice(list(INTERFACES)),
    default="native",
    show_default=True,
    help="How the core is reached: by its own streams, from a bus, or over a serial line.",
)
@click.option(
    "--clock-hz",
    type=WholeNumber(min=1),
    default=CLOCK_HZ,
    show_default=True,
    help="Clock that a serial line is divided from.",
)
@click.option(
    "--baud", type=int, default=BAUD, show_default=True, help="Bits per second of a serial line."
)
@choice_option("encoder_inputs", "Inputs that the encoder handles per cycle.")
@choice_option("sweep_inputs", "Inputs per cycle of the learning sweep.")
@choice_option("neuron_memory", "What potentials and thresholds are kept in.")
@choice_option("host_access", "What of the memories a host reaches: all, to load a network, none.")
@click.option(
    "--balance/--no-balance",
    "balanced",
    default=True,
    show_default=True,
    help="Distribute the neurons over the lanes so that all are equally busy.",
)
@click.option("--device", type=click.Choice(list(DEVICES)), help="Refuse what does not fit it.")
@click.option(
    "-d",
    "--data",
    default="sample",
    show_default=True,
    metavar="DATA",
    help="Images, or events, of the bench, as for `prunus evaluate`.",
)
@click.option(
    "-n", "--images", type=WholeNumber(min=1), default=3, show_default=True, help="How many."
)
@click.option(
    "--simulator",
    type=click.Choice(["auto", *SIMULATORS, "none"]),
    default="auto",
    show_default=True,
    help="Runs the bench before the folder gets its name, and measures the cycles.",
)
@click.option("--force", is_flag=True, help="Replace an older package.")
def generate(
    *,
    network: str,
    output: Path,
    data: str,
    images: int,
    simulator: str,
    bus: str,
    clock_hz: int,
    baud: int,
    force: bool,
    **choices: Any,
) -> int | None:
    """Write NETWORK as Verilog with a self-checking bench.

    NETWORK is a file or one of demo, 400, up5k, windows.

    If the bench is interrupted, the package is kept, and the exit status is 130.
    """
    multiplier = choices.pop("multiplier")
    options = ExportOptions(**choices)
    if bus != "uart" and (clock_hz, baud) != (CLOCK_HZ, BAUD):
        raise ConfigError(f"--clock-hz and --baud are of a serial line: --bus uart, not {bus}")
    interface = make_interface(bus, clock_hz=clock_hz, baud=baud)
    clean_beside(output)
    check_folder(output, force=force)
    bench = find_simulator(simulator)
    artifact = load_network(network)
    learn = options.mode == "learning"
    preferred = preferred_multiplier(
        artifact.config, learn=learn, device=options.device, sweep_inputs=options.sweep_inputs
    )
    options = replace(options, multiplier=multiplier or preferred)
    encoder, trained_on = artifact.config.encoder, artifact.trained_on.unlabelled
    line = [] if bus == "native" else ["--bus", bus]
    if bus == "uart":
        line += ["--clock-hz", str(clock_hz), "--baud", str(baud)]
    with terminable():
        written = write_package(
            artifact,
            options,
            folder=output,
            data=load_for(encoder, data, "test", progress=True, trained_on=trained_on),
            images=images,
            typical=load_for(encoder, data, "train", progress=True, trained_on=trained_on),
            simulator=bench,
            command=_command(network, output, options, data, images, line),
            interface=interface,
            force=force,
            report=lambda what: console.print(what, soft_wrap=True),
        )
    _report(written)
    if interface.missing():
        console.print(interface.missing(), soft_wrap=True)
    if written.interrupted:
        click.echo(
            "prunus: interrupted: the package is complete, but its bench was not finished", err=True
        )
        return INTERRUPTED
    return None


def _command(
    network: str,
    output: Path,
    options: ExportOptions,
    data: str,
    images: int,
    line: Sequence[str],
) -> str:
    """Return the command with every choice and without the folders of this machine."""
    words = ["prunus", "generate", Path(network).name, "--output", output.name]
    for name, value in asdict(options).items():
        if isinstance(value, bool):
            words.append("--balance" if value else "--no-balance")
        elif value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += line
    names = ",".join(Path(part).name for part in data.split(","))
    return shlex.join([*words, "--data", names, "--images", str(images)])


def _report(written: Written) -> None:
    plan, run = written.plan, written.run
    bits = sum(memory.bits for memory in memories(plan.widths))
    lanes = f"{size_label(plan.network)} in {plan.hardware.lanes} lanes"
    lines = [
        f"Wrote {written.folder}: {written.files} files, {written.size:,} bytes",
        f"{lanes}, store {plan.store}, {bits:,} bits of memory",
    ]
    if plan.sizes is not None:
        sizes = ", ".join(f"{row.format} {row.bits:,}" for row in plan.sizes.rows)
        lines.append(f"Bits of the synapses by format: {sizes}")
    check = f"sh {shlex.quote(str(written.folder))}/run_icarus.sh"
    if written.interrupted:
        lines.append(f"The bench was interrupted; run it with {check}")
    elif run is not None:
        lines += [f"{run.simulator}: {run.verdict}", f"Check it again: {check}"]
    else:
        lines.append(f"The bench was not run; with iverilog (apt install iverilog): {check}")
    for line in lines:
        console.print(line, soft_wrap=True)
