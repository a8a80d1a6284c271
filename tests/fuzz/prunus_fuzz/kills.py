"""Ends commands at random moments: ``python -m prunus_fuzz.kills``.

Whatever the moment and the signal, the same command afterwards has the result of one that was left
alone, and nothing else is left: neither beside it nor in the folder for temporary files.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from prunus_boards.build.flow import REPORT, check_output
from prunus_cli import listing, write_digits
from prunus_fuzz.results import DEFAULT, write
from prunus_fuzz.seeds import Seeds
from prunus_model.cli.common import note, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.common.locks import PREFIX
from prunus_model.common.manifest import MANIFEST
from prunus_model.training.artifact import Artifact
from prunus_tools import write_tools

__all__ = ["COMMANDS", "Command", "Killed", "Starter", "kill_once", "main", "prepare"]

_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Seconds that a command may take when it is left alone; none takes a tenth of it.
_PATIENCE = 300
_SWEEPS = """
[[sweeps]]
part = "sizes"
epochs = 1
config = ["tiny"]
data = ["digits.npz"]
seeds = [1, 2]
policies = [{ policy = "adaptive" }]
"""
#: Imports all commands and compiles all kernels; then for each line, of JSON, runs one in a fork,
#: and tells its process and how that ended.
_FORKS = """
import json, os, signal, sys, tempfile
from pathlib import Path
import joblib
from prunus_fuzz.seeds import Seeds
from prunus_model.cli import group, main
from prunus_model.study import runner
from prunus_model.training.evaluation import evaluate
for point in group._COMMANDS.values():
    point.load()
evaluate(Seeds.trained(), Seeds.images(), threads=1)
for line in sys.stdin:
    folder, said, *arguments = json.loads(line)
    if not (child := os.fork()):
        break
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.dup2(os.open(os.devnull, os.O_RDWR), 0)
os.dup2(0, 1)
os.dup2(os.open(said, os.O_WRONLY), 2)
# Where make runs in the background, its shell has let it ignore Ctrl-C, and nohup hang-ups.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.chdir(folder)
os.environ["TMPDIR"] = tempfile.tempdir = f"{folder}/tmp"
os.environ["XDG_DATA_HOME"] = f"{folder}/data"
os.environ["PATH"] = f"{folder}/tools:{os.environ['PATH']}"
sys.argv = ["prunus", *arguments]
main()
"""
#: What a result has that differs when it is made again.
_TIMES = ("train_seconds", "seconds", "memory_mb", "tools", "commit")
_TIMED = (REPORT, MANIFEST)


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


def _build(path: Path) -> Any:
    check_output(path)
    report = _without_times(json.loads((path / REPORT).read_text()))
    return report, {name: kept for name, kept in listing(path).items() if name not in _TIMED}


def _resume(folder: Path) -> tuple[str, ...]:
    return ("--resume",) if (folder / "n.checkpoint.npz").exists() else ()


_TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "10", "-o", "n.npz")
_GENERATE = (
    *("generate", "tiny.npz", "-d", "digits.npz", "-n", "1", "-o", "g"),
    *("--simulator", "none", "--lanes", "1"),
)
_STUDY = ("reproduce", "list.toml", "-j", "1", "--store", "s.sqlite", "-o", "r.json")
_RUN = ("run", "tiny.npz", "digits.npz", "-n", "100", "--learn", "--save", "m.npz")
_BUILD = (
    *("bitstream", "tiny.npz", "-b", "generic-ice40", "--tools", "native"),
    *("--lanes", "1", "--store", "dense", "-o", "b"),
)
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
    # In place of an older build of another design.
    "bitstream": Command(start=_BUILD, again=lambda _: _BUILD, output="b", content=_build),
}


def prepare(folder: Path) -> Path:
    """Make a folder with a network, an older build of it, data and a list; return it."""
    for name in ("tmp", "data"):
        (folder / name).mkdir(parents=True)
    Seeds.trained().save(folder / "tiny.npz")
    write_tools(folder / "tools", sleep=0.2)
    with Starter() as start:
        status, said = start((*_BUILD, "--baud", "115200"), folder)
    if status:
        raise click.ClickException(f"Older build must succeed: {said}")
    write_digits(folder / "digits.npz", train=1500, test=100)
    (folder / "list.toml").write_text(_SWEEPS)
    return folder


class Starter:
    """Starts commands as processes that have imported everything before, to spare the time.

    So they are ended in the midst of their work. It is a process that forks and does nothing else.
    """

    def __enter__(self) -> Starter:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _FORKS],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate()

    def __call__(
        self, arguments: tuple[str, ...], folder: Path, *, after: float = _PATIENCE, number: int = 9
    ) -> tuple[int, str]:
        """Run a command; return its exit status, as of the operating system, and stderr.

        Parameters
        ----------
        arguments : tuple of str
            Arguments of ``prunus``.
        folder : Path
            Where it runs, with folders ``tmp``, ``data`` and ``tools``.
        after : float
            Seconds until it gets a signal.
        number : int
            The signal.
        """
        given, told = self._process.stdin, self._process.stdout
        assert given is not None and told is not None
        with tempfile.NamedTemporaryFile("r") as said:
            print(json.dumps([str(folder), said.name, *arguments]), file=given, flush=True)
            pid = int(told.readline())
            for seconds, signal_number in ((after, number), (_PATIENCE, signal.SIGKILL)):
                if not select.select([told], [], [], seconds)[0]:
                    # It may just have ended.
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal_number)
            return int(told.readline()), said.read()


def kill_once(
    start: Starter, command: Command, folder: Path, want: Any, *, after: float, number: int
) -> Killed:
    """End a command some seconds after its start, start it again, and look.

    Parameters
    ----------
    start : Starter
        Starts it.
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
    output = folder / command.output

    said = ""
    try:
        status, said = start(command.start, folder, after=after, number=number)
        if status:
            # If it was done, this is refused, and cleans up.
            _, said = start(command.again(folder), folder)
        same = output.exists() and bool(command.content(output) == want)
    except Exception as e:
        same, said = False, f"{said} {e}"
    known = before | {command.output, *command.kept}
    left = sorted(path.name for path in folder.iterdir() if path.name not in known)
    left += [f"tmp/{path.name}" for path in (folder / "tmp").iterdir()]
    left += [f"data/{path.name}" for path in (folder / "data").rglob(f"{PREFIX}*")]
    return Killed(identical=same, left=left, said=said.strip().splitlines()[-1] if said else "")


@click.command()
@click.option("--count", type=WholeNumber(min=1), default=200, show_default=True)
@click.option("--only", type=click.Choice(list(COMMANDS)), multiple=True)
@click.option("--first", type=WholeNumber(min=0), default=0, help="Number of the first kill.")
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT, show_default=True)
def main(*, count: int, only: tuple[str, ...], first: int, output: Path) -> None:
    """End commands COUNT times, start them again, and write what was found.

    The exit status is 1 if a result was another, or if something was left.
    """
    names = only or tuple(COMMANDS)
    found: list[Killed] = []
    with user_errors(), tempfile.TemporaryDirectory() as scratch, Starter() as start:
        template = prepare(Path(scratch) / "template")
        alone: dict[str, tuple[float, Any]] = {}
        for number in range(first, first + count):
            rng = random.Random(f"kill {number}")
            name = names[number % len(names)]
            command = COMMANDS[name]
            folder = shutil.copytree(template, Path(scratch) / str(number))
            if name not in alone:
                started = time.monotonic()
                status, said = start(command.start, folder)
                if status:
                    raise click.ClickException(
                        f"Command {name} must succeed when left alone: {said}"
                    )
                alone[name] = time.monotonic() - started, command.content(folder / command.output)
                shutil.rmtree(folder)
                shutil.copytree(template, folder)
            seconds, want = alone[name]
            sent = rng.choice(_SIGNALS)
            after = rng.uniform(0, seconds)
            one = kill_once(start, command, folder, want, after=after, number=sent)
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
