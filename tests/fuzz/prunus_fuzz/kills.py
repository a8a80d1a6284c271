"""Ends commands at random moments: ``python -m prunus_fuzz.kills``.

Whatever the moment and the signal, the same command afterwards has the result of one that was left
alone, and nothing else is left: neither beside it nor in the folder for temporary files.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from prunus_cli import listing, process, write_digits
from prunus_fuzz.results import DEFAULT, write
from prunus_fuzz.seeds import Seeds
from prunus_model.cli.common import note, user_errors
from prunus_model.training.artifact import Artifact

__all__ = ["COMMANDS", "Command", "Killed", "kill_once", "main"]

_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Seconds that a command may take when it is left alone; none takes a tenth of it.
_PATIENCE = 300
_SWEEPS = """
[[sweeps]]
part = "sizes"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2, 3, 4]
policies = [{ policy = "adaptive" }]
"""
#: What a result has that differs when it is made again.
_TIMES = ("train_seconds", "seconds", "tools", "commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that is ended.

    Attributes
    ----------
    start : tuple of str
        Its arguments.
    again : callable
        Arguments by which it is continued in a folder.
    output : str
        What it makes.
    content : callable
        What must be identical of that.
    kept : tuple of str
        What it leaves besides.
    """

    start: tuple[str, ...]
    again: Callable[[Path], tuple[str, ...]]
    output: str
    content: Callable[[Path], Any]
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What was after a command had been ended and started again.

    Attributes
    ----------
    identical : bool
        Whether the result is that of a command that was left alone.
    left : list of str
        Files that are neither the result nor were there before.
    said : str
        The last line of the command that was started again.
    """

    identical: bool
    left: list[str]
    said: str


def _network(path: Path) -> str:
    return Artifact.load(path).content_hash


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(v) for key, v in value.items() if key not in _TIMES}
    return [_without_times(v) for v in value] if isinstance(value, list) else value


def _study(path: Path) -> Any:
    with closing(sqlite3.connect(path.parent / "s.sqlite")) as database:
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    return sound, _without_times(json.loads(path.read_text()))


def _resume(folder: Path) -> tuple[str, ...]:
    return ("--resume",) if (folder / "n.checkpoint.npz").exists() else ()


_TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "20", "-o", "n.npz")
_GENERATE = (
    "generate",
    "tiny.npz",
    "-d",
    "digits.npz",
    "-n",
    "1",
    "-o",
    "g",
    "--simulator",
    "none",
)
_STUDY = ("reproduce", "list.toml", "-j", "2", "--store", "s.sqlite", "-o", "r.json")
_RUN = ("run", "tiny.npz", "digits.npz", "-n", "100", "--learn", "--save", "m.npz")
#: Commands by name.
COMMANDS = {
    "train": Command(
        start=(*_TRAIN, "--checkpoint-every", "1000"),
        again=lambda folder: (*_TRAIN, "--checkpoint-every", "1000", *_resume(folder)),
        output="n.npz",
        content=_network,
    ),
    "generate": Command(start=_GENERATE, again=lambda _: _GENERATE, output="g", content=listing),
    "reproduce": Command(
        start=_STUDY, again=lambda _: _STUDY, output="r.json", content=_study, kept=("s.sqlite",)
    ),
    "run": Command(start=_RUN, again=lambda _: _RUN, output="m.npz", content=_network),
}


def prepare(folder: Path) -> Path:
    """Make a folder with a network, data and a list; return it."""
    (folder / "tmp").mkdir(parents=True)
    Seeds.trained().save(folder / "tiny.npz")
    write_digits(folder / "digits.npz", train=1500, test=100)
    (folder / "list.toml").write_text(_SWEEPS)
    return folder


def kill_once(command: Command, folder: Path, want: Any, *, after: float, number: int) -> Killed:
    """End a command some seconds after its start, start it again, and look.

    Parameters
    ----------
    command : Command
        Which one.
    folder : Path
        As of :func:`prepare`.
    want : object
        Content of the result when it is left alone.
    after : float
        Seconds until it gets the signal.
    number : int
        The signal.
    """
    before = {path.name for path in folder.iterdir()}
    run = _start(command.start, folder)
    try:
        run.wait(after)
    except subprocess.TimeoutExpired:
        run.send_signal(number)
    run.communicate(timeout=_PATIENCE)
    said = ""
    if not (folder / command.output).exists():
        again = _start(command.again(folder), folder)
        _, said = again.communicate(timeout=_PATIENCE)
    known = before | {command.output, *command.kept}
    left = sorted(path.name for path in folder.iterdir() if path.name not in known)
    left += [f"tmp/{path.name}" for path in (folder / "tmp").iterdir()]
    try:
        identical = bool(command.content(folder / command.output) == want)
    except Exception as e:
        identical, said = False, f"{said} {e}"
    return Killed(
        identical=identical, left=left, said=said.strip().splitlines()[-1] if said else ""
    )


def _start(arguments: tuple[str, ...], folder: Path) -> subprocess.Popen[str]:
    before = (
        f"import os, tempfile\nos.environ['TMPDIR'] = tempfile.tempdir = {str(folder / 'tmp')!r}"
    )
    return process(*arguments, cwd=folder, before=before)


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True)
@click.option("--first", type=click.IntRange(min=0), default=0, help="Number of the first kill.")
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT, show_default=True)
def main(*, count: int, only: tuple[str, ...], first: int, output: Path) -> None:
    """End commands COUNT times, start them again, and write what was found.

    The exit status is 1 if a result was another, or if something was left.
    """
    names = only or tuple(COMMANDS)
    found: list[Killed] = []
    with user_errors(), tempfile.TemporaryDirectory() as scratch:
        template = prepare(Path(scratch) / "template")
        alone: dict[str, tuple[float, Any]] = {}
        for number in range(first, first + count):
            rng = random.Random(f"kill {number}")
            name = names[number % len(names)]
            command = COMMANDS[name]
            if name not in alone:
                folder = shutil.copytree(template, Path(scratch) / name)
                started = time.monotonic()
                run = _start(command.start, folder)
                _, said = run.communicate(timeout=_PATIENCE)
                if run.returncode:
                    raise click.ClickException(
                        f"Command {name} must succeed when left alone: {said}"
                    )
                alone[name] = time.monotonic() - started, command.content(folder / command.output)
            seconds, want = alone[name]
            folder = shutil.copytree(template, Path(scratch) / str(number))
            sent = rng.choice(_SIGNALS)
            one = kill_once(command, folder, want, after=rng.uniform(0, seconds), number=sent)
            found.append(one)
            shutil.rmtree(folder)
            if not one.identical or one.left:
                note(f"{number}: {name} after {sent.name}: {one}")
    facts = {
        "kills": len(found),
        "identical": sum(one.identical for one in found),
        "left_over": sum(bool(one.left) for one in found),
    }
    if not only:
        write(output, {"kills": facts})
    click.echo(json.dumps(facts))
    if facts["identical"] < len(found) or facts["left_over"]:
        raise click.ClickException("A kill has changed a result, or left something")


if __name__ == "__main__":
    main()
