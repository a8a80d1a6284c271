"""What several commands share: options, where networks are, how results look."""

from __future__ import annotations

import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table

from prunus_model.cli import INTERRUPTED, WRONG
from prunus_model.common.errors import ArtifactError, ConfigError, PrunusError
from prunus_model.common.leftovers import clean
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import Evaluation

__all__ = [
    "BUNDLED",
    "WrongError",
    "accuracy_table",
    "bundled",
    "clean_beside",
    "command_line",
    "console",
    "data_option",
    "load_config",
    "load_network",
    "new_file",
    "new_table",
    "results_option",
    "terminable",
    "threads_option",
    "user_errors",
]

#: Networks that come with the package.
BUNDLED = ("demo", "400", "up5k")

_terminal = sys.stdout is not None and sys.stdout.isatty()
#: Results go to stdout; wide enough to stay in one line when piped into a file. No markup, because
#: names of files may look like it.
console = Console(width=None if _terminal else 120, highlight=False, markup=False, emoji=False)

_F = TypeVar("_F", bound=Callable[..., Any])


class WrongError(click.ClickException):
    """Something that the user gave is wrong: one line, and exit status 2.

    What the program found out, a difference or a survivor, is a plain :class:`click.ClickException`
    with exit status 1.
    """

    exit_code = WRONG


def data_option(default: str | None) -> Callable[[_F], _F]:
    """Return the option that names a data set."""
    return click.option(
        "-d",
        "--data",
        default=default,
        show_default=default is not None,
        metavar="DATA",
        help="sample, mnist, fashion-mnist, a folder of idx files, IMAGES,LABELS (two idx files), "
        "or a .npz file.",
    )


def threads_option(function: _F) -> _F:
    """Add the option for the number of threads."""
    return click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="Threads for inference; the result does not depend on it. Default: all processors.",
    )(function)


def results_option(default: Path, more: str = "") -> Callable[[_F], _F]:
    """Return the option that names the file of results; ``more`` is added to its help."""
    return click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        default=default,
        show_default=True,
        help=f"Where the results are written{more}.",
    )


def bundled(name: str) -> Path:
    """Return where a bundled network is."""
    return Path(str(files("prunus_model.pretrained") / f"{name}.npz"))


def load_network(name: str) -> Artifact:
    """Load a network from a file, or a bundled one by its name.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged.
    """
    path = bundled(name) if name in BUNDLED else Path(name)
    if not path.exists():
        raise ArtifactError(f"Network must be a file or one of {', '.join(BUNDLED)}, not {name!r}")
    return Artifact.load(path)


def load_config(name: str) -> NetworkConfig:
    """Read a configuration from a TOML file, or take a named one.

    Raises
    ------
    ConfigError
        If there is none, or something is wrong in it.
    """
    if name in PRESETS:
        return NetworkConfig.named(name)
    path = Path(name)
    if not path.exists():
        raise ConfigError(
            f"Configuration must be a TOML file or one of {', '.join(PRESETS)}, not {name!r}"
        )
    return NetworkConfig.read(path)


def new_file(path: Path, *, force: bool) -> Path:
    """Check, before the work starts, that a file can be written.

    Raises
    ------
    click.UsageError
        If it exists and may not be replaced, or its folder does not exist or is not writable.
    """
    if path.is_dir():
        raise click.UsageError(f"Output {path} must be a file, not a folder")
    if path.exists() and not force:
        raise click.UsageError(f"Output {path} must not exist, unless --force is given")
    if not path.parent.is_dir():
        raise click.UsageError(f"Folder {path.parent} of the output must exist")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as e:
        raise click.UsageError(f"Folder {path.parent} must be writable: {e.strerror}") from e
    return path


def clean_beside(output: Path) -> None:
    """Remove what killed runs have left beside an output, and say so in one line."""
    if line := clean(output.parent):
        click.echo(line, err=True)


def command_line() -> str:
    """Return the command as the user typed it."""
    return shlex.join(["prunus", *sys.argv[1:]])


def new_table(title: str, *headings: str) -> Table:
    """Return an empty table that fits into 80 columns: names to the left, then numbers."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for n, heading in enumerate(headings):
        # Digits are never cut off.
        table.add_column(heading, justify="right" if n else "left", overflow="fold")
    return table


@contextmanager
def terminable() -> Iterator[None]:
    """End at SIGTERM as at Ctrl-C, so that neither processes nor files are left behind."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn errors of the user into one line and exit status 2; SIGTERM and Ctrl-C into status 130.

    For commands that are modules of their own; ``prunus`` does the same for all of its commands.

    Raises
    ------
    WrongError
        For every :class:`prunus_model.common.errors.PrunusError` and :class:`OSError`.
    """
    try:
        with terminable():
            yield
    except PrunusError as e:
        raise WrongError(" ".join(str(e).split())) from e
    except OSError as e:
        raise WrongError(f"{e.filename}: {e.strerror}" if e.filename else str(e)) from e
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)


def accuracy_table(evaluations: list[Evaluation]) -> Table:
    """Return a table of accuracy and cost, one row per early exit."""
    images = len(evaluations[0].labels)
    table = new_table(
        f"{evaluations[0].data}, {images} images; SOPs, spikes and steps per image",
        "early\nexit",
        "vote %",
        "hard %",
        "undecided",
        "forward\nSOPs",
        "dense\nSOPs",
        "of\ndense",
        "output\nspikes",
        "steps",
    )
    for e in evaluations:
        c = e.counters
        table.add_row(
            str(e.stop_after) if e.stop_after else "never",
            f"{100 * e.vote_accuracy:.2f}",
            f"{100 * e.hard_accuracy:.2f}",
            str(e.undecided),
            f"{c.forward_sops / images:,.0f}",
            f"{c.forward_dense / images:,.0f}",
            f"{c.forward_fraction:.3f}",
            f"{c.output_spikes / images:.2f}",
            f"{c.steps / images:.1f}",
        )
    return table
