"""`prunus bitstream` and `prunus flash`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from prunus_boards.build.flash import by_hand, find_build, load_board
from prunus_boards.build.flow import Built, build, build_name, check_output
from prunus_boards.build.options import build_options
from prunus_boards.build.report import Splits
from prunus_boards.build.tools import MINUTES, Tools
from prunus_boards.cli.common import BAUDS
from prunus_boards.platforms import BOARDS, find_board
from prunus_model.cli.common import console, load_network, note, terminable
from prunus_model.cli.number import Number, WholeNumber
from prunus_model.cli.outputs import clean_beside
from prunus_model.common.errors import ConfigError
from prunus_model.data.datasets import load
from prunus_model.data.doubts import doubts
from prunus_model.data.split import SplitName, check_for
from prunus_model.training.artifact import Artifact
from prunus_rtl.cli.options import choice_option, lanes_option
from prunus_rtl.link.protocol.description import LINES, Line
from prunus_rtl.link.protocol.protocol import BAUD

__all__ = ["bitstream", "flash", "parse_pins"]

#: Where builds are put.
_ROOT = Path("build")


@click.command(name="bitstream")
@click.argument("network", metavar="[NETWORK]", required=False)
@click.option("-b", "--board", required=True, metavar="BOARD", help=f"One of {', '.join(BOARDS)}.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder to make. Default: build/BOARD/MODE-NEURONS.",
)
@choice_option("mode", "Whether the core can learn.")
@lanes_option("that of the board")
@choice_option(
    "store",
    "What holds the weights. Default: that of the board, mostly the quickest that fits.",
    default=False,
)
@choice_option(
    "multiplier",
    "Of a core that learns. Default: dsp if the device has multiplier blocks enough, else "
    "sequential.",
    default=False,
)
@choice_option("encoder_inputs", "Inputs that the encoder handles per cycle.")
@choice_option("sweep_inputs", "Inputs per cycle of the learning sweep.")
@choice_option(
    "neuron_memory",
    "What potentials and thresholds are kept in. auto: block RAM, if a lane has more than 16 "
    "neurons and blocks are left.",
)
@choice_option(
    "host_access",
    "What of the memories a host reaches: all, what a network is loaded into, or none.",
)
@click.option(
    "--clock",
    type=Number(min=1, max=1000),
    metavar="MHZ",
    help="Clock of the core. Default: that of the board.",
)
@click.option(
    "--baud",
    type=BAUDS,
    default=BAUD,
    show_default=True,
    help="Bits per second on the line; with SPI at most an eighth of the clock.",
)
@click.option(
    "--link",
    type=click.Choice(LINES),
    default="uart",
    show_default=True,
    help="Line to the host: a serial port, or SPI on a header.",
)
@click.option("--pins", default="", metavar="NAME=PIN,...", help="Pins of a generic board.")
@click.option(
    "-d",
    "--data",
    metavar="DATA",
    help="Images that the report tells the cycles of, as of `prunus evaluate`. Default: the "
    "bundled sample, if the network takes images of its size.",
)
@click.option(
    "--seeds",
    type=WholeNumber(min=1),
    default=1,
    show_default=True,
    help="Place and route so many times, and take the fastest.",
)
@click.option(
    "--tools",
    type=click.Choice(["pypi", "native"]),
    default="pypi",
    show_default=True,
    help="Tools of the Python packages, or those that are installed.",
)
@click.option(
    "--minutes",
    type=Number(min=0, max=100_000),
    default=MINUTES,
    show_default=True,
    help="Most that one run of a tool may take; a seed that takes longer is left out.",
)
def bitstream(
    *,
    network: str | None,
    board: str,
    output: Path | None,
    mode: Literal["inference", "learning"],
    lanes: int | None,
    store: str | None,
    multiplier: Literal["sequential", "dsp"] | None,
    encoder_inputs: Literal[4, 8, 16],
    sweep_inputs: Literal[1, 2, 4, 8, 16],
    neuron_memory: Literal["auto", "block", "distributed"],
    host_access: Literal["all", "load", "none"],
    clock: float | None,
    baud: int,
    link: Line,
    pins: str,
    data: str | None,
    seeds: int,
    tools: Literal["pypi", "native"],
    minutes: float,
) -> None:
    """Build NETWORK, a file or one of demo, 400, up5k, windows, for a board.

    Default is a bundled network that fits the board.
    """
    chosen = find_board(board)
    artifact = load_network(network or chosen.network)
    folder = output or _ROOT / chosen.name / build_name(mode, artifact.config, link=link)
    clean_beside(folder)
    check_output(folder)
    options = build_options(
        chosen,
        artifact,
        mode=mode,
        lanes=lanes,
        store=store,
        multiplier=multiplier,
        encoder_inputs=encoder_inputs,
        sweep_inputs=sweep_inputs,
        neuron_memory=neuron_memory,
        host_access=host_access,
    )
    moved = parse_pins(pins)
    # Pins that there are not are told at once, not when data have been read.
    chosen.make_platform(moved, link=link)
    shown = None if data is None else _splits(artifact, data, learn=mode == "learning")
    with terminable():
        built = build(
            artifact,
            chosen,
            options,
            folder=folder,
            clock_hz=None if clock is None else round(clock * 1e6),
            baud=baud,
            pins=moved,
            link=link,
            seeds=range(1, seeds + 1),
            tools=Tools(tools, minutes),
            data=shown,
            report=lambda what: console.print(f"{what} ...", soft_wrap=True),
        )
    _print(built)


@click.command(name="flash")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("-b", "--board", metavar="BOARD", help="Take the latest build for this board.")
@click.option(
    "--permanent/--volatile",
    default=None,
    help="Write the flash memory, which stays when switched off, or only the device. "
    "Default: the device; the flash memory of icebreaker, whose jumpers are set for that.",
)
def flash(*, folder: Path | None, board: str | None, permanent: bool | None) -> None:
    """Load a board with the bitstream in FOLDER."""
    if (folder is None) == (board is None):
        raise click.UsageError("Give either a folder or --board")
    found = folder if folder is not None else find_build(_ROOT, find_board(str(board)))
    loaded = load_board(found, permanent=permanent)
    console.print(f"Loaded {loaded}", soft_wrap=True)


def _splits(artifact: Artifact, data: str, *, learn: bool) -> Splits:
    """Return the images of a build's report, which the network must take; tell what is odd."""
    if artifact.config.encoder.events is not None:
        raise ConfigError(
            "--data must be left out for a network of events: its cycles follow from when they come"
        )
    trained_on = artifact.trained_on.unlabelled
    names: tuple[SplitName, ...] = ("test", "train") if learn else ("test",)
    found = {name: load(data, name, progress=True, trained_on=trained_on) for name in names}
    for split in found.values():
        check_for(split, artifact.config)
        for line in doubts(split, artifact.config.encoder):
            note(line)
    return found


def parse_pins(text: str) -> dict[str, str]:
    """Return the pins that are moved, by name.

    Raises
    ------
    ConfigError
        If they are not written as ``name=pin,name=pin``, or one is named twice.

    Examples
    --------
    >>> parse_pins("rx=6,tx=9")
    {'rx': '6', 'tx': '9'}
    """
    pins: dict[str, str] = {}
    for part in text.split(",") if text else ():
        name, equals, pin = (word.strip() for word in part.partition("="))
        if not (name and equals and pin):
            raise ConfigError(f"Pins must be written as name=pin,name=pin, not {text!r}")
        if name in pins:
            raise ConfigError(f"Pin {name} must be named once, not as {pins[name]} and {pin}")
        pins[name] = pin
    return pins


def _print(built: Built) -> None:
    r = built.report
    fmax = ", ".join(f"{mhz:.1f}" for mhz in r["fmax_mhz"])
    cells = f"{r['lut']:,} LUT, {r['ff']:,} FF, {r['bram']} block RAMs"
    groups = f"{r['groups']} groups of " if "groups" in r else ""
    lines = [
        f"Wrote {built.bitstream}: {r['bitstream_bytes']:,} bytes",
        f"{groups}{r['neurons']} neurons in {r['lanes']} lanes, store {r['store']}",
        f"{cells}, {r['spram']} SPRAMs, {r['dsp']} DSPs of {r['device']}",
        f"Clock {r['clock_mhz']:g} MHz; reaches {fmax} MHz",
    ]
    if r["cycles_per_inference"] is not None:
        lines.append(
            f"{r['cycles_per_inference']:,} cycles or {r['ms_per_inference']:.2f} ms per image, "
            f"all steps"
        )
    known = find_board(r["board"]).loader
    lines.append(
        f"Load it: {f'prunus flash {built.folder}' if known else by_hand(built.bitstream)}"
    )
    for line in lines:
        console.print(line, soft_wrap=True)
