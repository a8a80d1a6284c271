"""What several commands share: where networks are, how results look, how a command ends."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from prunus_model.cli import WRONG, stop_status
from prunus_model.common.errors import ArtifactError, ConfigError, PrunusError
from prunus_model.common.text import not_found, printable
from prunus_model.data.class_names import is_number
from prunus_model.data.doubts import doubts
from prunus_model.data.events.split import Labelled, load_for
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS
from prunus_model.training.artifact import Artifact

__all__ = [
    "BUNDLED",
    "ENDING",
    "Stopped",
    "WrongError",
    "bundled",
    "class_text",
    "command_line",
    "console",
    "counted",
    "load_config",
    "load_network",
    "load_test",
    "new_table",
    "note",
    "percent",
    "receiving",
    "terminable",
    "user_errors",
]

#: Networks that come with the package.
BUNDLED = ("demo", "400", "up5k", "windows")
#: Characters of the name of a class that tables show.
_NAME = 20
#: What ends a process from outside: a user, a terminal that is gone, a limit of time, a scheduler.
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU, signal.SIGUSR1, signal.SIGUSR2)


class _Console(Console):
    """A console on which every text is one line, and only shown: it may be of others."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(printable(o) if isinstance(o, str) else o for o in objects), **options)


class _Table(Table):
    """A table of which every cell is only shown, and every row has a cell for each heading."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        if len(cells) != len(self.columns):
            # It would be given columns without headings.
            raise ValueError(f"Row must have {len(self.columns)} cells, not {len(cells)}")
        super().add_row(*(printable(c) if isinstance(c, str) else c for c in cells), **options)


_terminal = sys.stdout is not None and sys.stdout.isatty()
#: Results go to stdout; wide enough to stay in one line when piped into a file. No markup, because
#: names of files may look like it.
console = _Console(width=None if _terminal else 120, highlight=False, markup=False, emoji=False)


class Stopped(KeyboardInterrupt):
    """A signal from outside has asked to end.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        #: Exit status by which a shell tells the signal.
        self.status = 128 + number


class WrongError(click.ClickException):
    """Something that the user gave is wrong: one line, and exit status 2.

    What the program found out, a difference or a survivor, is a plain :class:`click.ClickException`
    with exit status 1.
    """

    exit_code = WRONG


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
    if name in BUNDLED:
        return Artifact.load(bundled(name))
    path = Path(name)
    if not path.exists():
        allowed = f"a file or one of {', '.join(BUNDLED)}"
        raise ArtifactError(not_found("Network", name, BUNDLED, allowed))
    return Artifact.load(path)


def load_test(artifact: Artifact, data: str) -> Labelled:
    """Load test images, or events, for a network; tell on stderr what is odd about them.

    Raises
    ------
    DataError
        As :func:`prunus_model.data.events.split.load_for`.
    """
    encoder = artifact.config.encoder
    split = load_for(encoder, data, "test", progress=True, trained_on=artifact.trained_on)
    found = doubts(split, encoder)
    if split.sha256 == artifact.schedule.data_sha256:
        what = "images" if isinstance(split, Split) else "recordings"
        found = [f"The network was trained on these {what}, {split.name}"]
    for line in found:
        note(line)
    return split


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
        allowed = f"a TOML file or one of {', '.join(PRESETS)}"
        raise ConfigError(not_found("Configuration", name, PRESETS, allowed))
    return NetworkConfig.read(path)


def class_text(number: int, names: Sequence[str]) -> str:
    """Return number and name of a class for a table; of a name that is a number, the name alone."""
    if number >= len(names):
        return str(number)
    name = printable(names[number])[:_NAME]
    # Two numbers would be one too many.
    return name if is_number(name) else f"{number} {name}"


def note(text: str) -> None:
    """Tell something that is no result: one line on stderr."""
    click.echo(printable(text), err=True)


def percent(part: int, whole: int) -> str:
    """Return a share as a percentage, of which 0 of 0 is none.

    Examples
    --------
    >>> percent(1, 3), percent(0, 0)
    ('33.3 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def counted(number: int, what: str) -> str:
    """Return a number of things, one of which has no "s" at its end.

    Examples
    --------
    >>> counted(1, "bit"), counted(2000, "image")
    ('1 bit', '2,000 images')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def command_line() -> str:
    """Return the command as the user typed it."""
    return shlex.join(["prunus", *sys.argv[1:]])


def new_table(title: str, *headings: str) -> Table:
    """Return an empty table that fits into 80 columns: names to the left, then numbers."""
    table = _Table(
        title=printable(title),
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
def receiving(receive: Callable[[int, Any], None], *numbers: signal.Signals) -> Iterator[None]:
    """Handle signals for a while; not SIGHUP if it is ignored, as `nohup` has it."""
    taken = [n for n in numbers if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, receive) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminable() -> Iterator[None]:
    """End at every signal of :data:`ENDING` as at Ctrl-C: neither processes nor files are left.

    Raises
    ------
    Stopped
        When one has come.
    """

    def interrupt(number: int, _frame: object) -> None:
        raise Stopped(number)

    with receiving(interrupt, *ENDING):
        yield


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn errors of the user into one line and exit status 2; signals into 128 + their number.

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
        raise WrongError(printable(" ".join(str(e).split()))) from e
    except OSError as e:
        text = f"{e.filename}: {e.strerror}" if e.filename else str(e)
        raise WrongError(printable(text)) from e
    except KeyboardInterrupt as e:
        click.echo("interrupted", err=True)
        sys.exit(stop_status(e))
