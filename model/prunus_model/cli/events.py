"""`prunus events`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_model.cli.common import console, note, terminable
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option
from prunus_model.cli.outputs import clean_beside
from prunus_model.common.atomic import check_folder, staged
from prunus_model.data.datasets import load
from prunus_model.data.events import nmnist, saccades
from prunus_model.data.split import SPLITS, Split

__all__ = ["command"]

_README = """Synthetic events, not recorded by any sensor: simulated saccades (`prunus events`)
over the images of {data}. Format: that of N-MNIST, five bytes for each event,
{width} x {height} pixels, 300 ms. One folder for each class in Train and Test; files are
numbered as the images.
"""


@click.command(name="events")
@data_option("sample")
@click.option(
    "-n", "--images", type=WholeNumber(min=1), help="Only the first so many of each split."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to make."
)
def command(*, data: str, images: int | None, output: Path) -> None:
    """Turn the images of a data set into events, as a sensor that moves before them would give.

    The events are synthetic: a simulator of saccades makes them. They are written in the format of
    N-MNIST, to be read by `prunus train --data FOLDER`.
    """
    clean_beside(output)
    check_folder(output)
    if output.exists() or output.is_symlink():
        raise click.UsageError(f"Output {output} must not exist")
    found = [(split, load(data, split, progress=True)) for split in SPLITS]
    if found[0][1].sha256 == found[1][1].sha256:
        found = found[:1]
    for _, split in found:
        height, width = split.image_shape
        if max(height, width) > saccades.SIDE:
            raise click.UsageError(
                f"Images of {split.name} must be at most {saccades.SIDE} x {saccades.SIDE} pixels, "
                f"not {width} x {height}"
            )
    files = events = 0
    with terminable(), staged(output) as scratch:
        width, height = saccades.FRAME
        # Neither folders of this machine nor more than one line.
        name = data if found[0][1].named else found[0][1].identity
        (scratch / "README.md").write_text(
            _README.format(data=name, width=width, height=height), encoding="utf-8"
        )
        for name, split in found:
            shown = split.head(min(images or len(split), len(split)))
            made = _write(scratch / name.capitalize(), shown)
            files, events = files + len(shown), events + made
        if output.exists():
            raise click.UsageError(f"Output {output} must not exist")
    note("These events are synthetic: simulated, not recorded")
    console.print(f"Wrote {output}: {files} files, {events:,} synthetic events", soft_wrap=True)


def _write(folder: Path, split: Split) -> int:
    """Write a split; return the number of its events."""
    pixels = split.images.reshape(len(split), *split.image_shape)
    events = 0
    for k, one in enumerate(saccades.simulate(pixels, split.labels, name=split.name)):
        path = folder / str(one.label) / f"{k:05}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(nmnist.pack(one.t, one.x, one.y, one.p))
        events += len(one)
    return events
