"""`prunus data`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from prunus_model.cli.common import console, new_table, note
from prunus_model.cli.outputs import new_file
from prunus_model.data.datasets import fetch, list_sources, load
from prunus_model.data.describe import Description, describe
from prunus_model.spec.config import NetworkConfig

__all__ = ["command"]

#: Of which the expected spikes are told.
_DEFAULT = "demo"


class _Group(click.Group):
    """A group in which names that are no command are data sets to fetch."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = (*self.commands, *self.get_help_option_names(ctx))
        return super().parse_args(ctx, args if args and args[0] in known else ["fetch", *args])


@click.group(name="data", cls=_Group)
def command() -> None:
    """Fetch data sets, show what is here, or describe data.

    Data sets are looked for in the folder PRUNUS_DATA, in the cache and where Debian packages
    put them, and downloaded only if they are nowhere.
    """


@command.command(name="fetch")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def _fetch(*, names: tuple[str, ...]) -> None:
    """Fetch the data sets named; without a name, show what is here. The word may be left out."""
    for name in names:
        console.print(f"{name}: {fetch(name, progress=True)}", soft_wrap=True)
    if names:
        return
    table = new_table("", "data set", "training\nimages", "test\nimages", "state")
    table.columns[-1].justify = "left"
    for source in list_sources():
        if source.verified:
            counts = (str(source.train_images), str(source.test_images))
            state = f"verified, in {source.folder}"
        else:
            counts = ("", "")
            state = source.problem or f"not here; would be downloaded to {source.folder}"
        table.add_row(source.name, *counts, state)
    console.print(table)


@command.command(name="describe")
@click.argument("data", metavar="DATA")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Draw examples: a PNG file to write."
)
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _describe(*, data: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Describe DATA: shape, classes, levels, spikes to be expected, and the gain that suits them.

    DATA is what --data of `prunus train` takes. Spikes are those of the default configuration.
    """
    if output is not None:
        if output.suffix.lower() != ".png":
            raise click.UsageError(f"Output must end with .png, not {output.name!r}")
        new_file(output, force=force)
    train, test = load(data, "train", progress=True), load(data, "test", progress=True)
    found = describe(train, test, NetworkConfig.named(_DEFAULT))
    if as_json:
        click.echo(json.dumps(found.to_mapping(), indent=2))
    else:
        _show(found)
    if output is not None:
        # Drawing takes longer to import than describing does.
        from prunus_model.training import plots
        from prunus_model.training.examples import examples

        plots.save(examples(train, found.class_name), output, new=not force)
        note(f"Saved {output}")


def _show(found: Description) -> None:
    train, b, encoder = found.train, found.brightness, found.config.encoder
    height, width = train.image_shape
    channels = f" x {train.channels} channels" if train.channels > 1 else ""
    tests = f"{len(found.test)} test images" if found.has_test else "no others to test with"
    scale = train.scale
    scaled = f", scaled from {scale.black:g}..{scale.white:g}" if scale.white != 255 else ""
    spikes = f"{b.spikes(encoder):.0f} in a presentation of {encoder.steps} steps"
    for line in (
        f"{train.name}: {len(train)} training images, {tests}",
        f"Shape: {height} x {width}{channels} (height x width), {found.config.inputs} inputs",
        f"Levels: {b.darkest}..{b.brightest} of 255{scaled}; mean {b.mean:.1f}, median {b.median}",
        f"Spikes: {spikes} expected with encoder.gain={encoder.gain}; MNIST has 2532",
        f"Suggested: encoder.gain={b.suggested_gain}",
    ):
        console.print(line, soft_wrap=True)
    table = new_table("", "class", "training\nimages", "test\nimages")
    for label, (images, others) in enumerate(zip(*found.per_class, strict=True)):
        table.add_row(found.class_name(label), str(images), str(others) if found.has_test else "-")
    console.print(table)
    for line in found.warnings:
        note(line)
