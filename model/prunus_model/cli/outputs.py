"""Outputs of commands: they can be written, one process at a time writes them, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import click

from prunus_model.cli.common import WrongError, note, terminable
from prunus_model.common.atomic import check_folder, target
from prunus_model.common.leftovers import clean
from prunus_model.common.locks import claimed
from prunus_model.common.reading import refusal
from prunus_model.training.artifact import Artifact

__all__ = ["claimed_file", "clean_beside", "new_file", "save"]


def new_file(path: Path, *, force: bool) -> None:
    """Check, before the work starts, that a file can be written.

    What killed processes have left beside it is removed, and told.

    Raises
    ------
    click.UsageError
        If it exists and may not be replaced.
    ConfigError
        If its folder does not exist or is not writable.
    """
    clean_beside(path)
    if path.exists():
        if wrong := refusal(path):
            raise click.UsageError(f"Output {path} {wrong}")
        if not force:
            raise click.UsageError(f"Output {path} must not exist, unless --force is given")
    check_folder(target(path))


@contextmanager
def claimed_file(path: Path, *, force: bool) -> Iterator[None]:
    """Keep other processes from a file that is going to be written; end at signals as at Ctrl-C.

    Raises
    ------
    PrunusError
        If another process has claimed it, or as of :func:`new_file`.
    """
    new_file(path, force=force)
    with terminable(), claimed(path):
        # Another process may have made it until it was claimed.
        new_file(path, force=force)
        yield


def clean_beside(output: Path) -> None:
    """Remove what killed runs have left beside an output, and say so in one line."""
    if line := clean(target(output).parent):
        note(line)


def save(artifact: Artifact, output: Path, *, force: bool) -> WrongError | None:
    """Save a network; under a name of its own if a file that is not ours has the output's.

    Returns
    -------
    WrongError or None
        In the second case what is to be raised at the end.
    """
    free = (output.with_stem(f"{output.stem}-{k}") for k in count(2))
    path = output
    while True:
        try:
            artifact.save(path, new=not force)
        except FileExistsError:
            path = next(free)
        else:
            break
    if path == output:
        return None
    return WrongError(f"Output {output} has come into being meanwhile: saved {path} instead")
