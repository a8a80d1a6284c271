"""Gives mutated files to all readers: ``python -m prunus_fuzz``."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

import click

from prunus_fuzz.pool import Limits, Outcome, Verdict, attempts
from prunus_fuzz.readers import READERS, Reader
from prunus_fuzz.results import DEFAULT, write
from prunus_model.cli.common import console, new_table, note, user_errors
from prunus_model.cli.number import WholeNumber

__all__ = ["BAD", "fuzz", "main"]

#: What must not be.
BAD: tuple[Verdict, ...] = ("traceback", "memory", "hang", "wrong")
GOOD: tuple[Verdict, ...] = ("accepted", "refused")
_FAILED = Path("build/fuzz")


def fuzz(
    reader: Reader, numbers: range, *, jobs: int, limits: Limits, failed: Path = _FAILED
) -> list[Outcome]:
    """Give inputs to a reader; keep those that fail, and tell how each is repeated.

    Parameters
    ----------
    reader : Reader
        Which one.
    numbers : range
        Of the inputs; each is determined by its number.
    jobs : int
        Processes at a time.
    limits : Limits
        What each may take.
    failed : Path
        Folder in which the inputs that fail are kept.

    Returns
    -------
    list of Outcome
        As they ended.
    """
    # Made once, before there are processes.
    check_seeds(reader)
    outcomes = []
    for outcome in attempts(reader.read, numbers, limits=limits, jobs=jobs):
        outcomes.append(outcome)
        if outcome.verdict in BAD:
            failed.mkdir(parents=True, exist_ok=True)
            name = f"{reader.name.replace(', ', '-').replace(' ', '-')}-{outcome.number}"
            (failed / name).write_bytes(reader.mutated(outcome.number)[0])
            (failed / f"{name}.txt").write_text(
                f"make fuzz ONLY='{reader.name}' NUMBER={outcome.number}\n\n"
                f"{outcome.verdict}: {outcome.said}\n"
            )
    return outcomes


def check_seeds(reader: Reader) -> None:
    """Check that a reader takes what is not mutated: else nothing is found behind its first check.

    Raises
    ------
    Exception
        What the reader raises.
    """
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for seed in reader.contents:
                Path(reader.file).write_bytes(seed)
                reader.check(Path(reader.file), seed, False)
        finally:
            os.chdir(here)


def _row(name: str, outcomes: list[Outcome]) -> dict[str, object]:
    found = Counter(outcome.verdict for outcome in outcomes)
    return {
        "reader": name,
        "inputs": len(outcomes),
        # Memory that does not suffice is a traceback, too, wherever it is not caught.
        "tracebacks": found["traceback"] + found["memory"],
        "hangs": found["hang"],
        "wrong": found["wrong"],
        "peak_mb": round(max((outcome.peak_mb for outcome in outcomes), default=0.0), 1),
    }


@click.command()
@click.option("--count", type=WholeNumber(min=1), default=2000, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(READERS)), help="Repeatable.")
@click.option("--number", type=WholeNumber(min=0), help="One input alone; nothing is written.")
@click.option("--first", type=WholeNumber(min=0), default=0, help="Number of the first input.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=20.0, show_default=True)
@click.option("--memory", type=WholeNumber(min=16), default=1024, show_default=True, help="MiB.")
@click.option("--jobs", type=WholeNumber(min=1), default=os.cpu_count() or 1)
@click.option("--output", type=click.Path(path_type=Path), default=DEFAULT, show_default=True)
def main(
    *,
    count: int,
    only: tuple[str, ...],
    number: int | None,
    first: int,
    seconds: float,
    memory: int,
    jobs: int,
    output: Path,
) -> None:
    """Give COUNT mutated files to all readers together, and write what became of them.

    The exit status is 1 if one was not taken or refused as it must be; with --only nothing is
    written.
    """
    limits = Limits(memory_mb=memory, seconds=seconds)
    names = only or tuple(READERS)
    each = -(-count // len(names))
    numbers = range(first, first + each) if number is None else range(number, number + 1)
    table = new_table(
        f"{len(numbers)} inputs each",
        "reader",
        "accepted",
        "refused",
        *("tracebacks", "memory", "hangs", "wrong", "peak\nMB"),
    )
    rows, bad = [], []
    with user_errors():
        for name in names:
            outcomes = fuzz(READERS[name], numbers, jobs=jobs, limits=limits)
            found = Counter(outcome.verdict for outcome in outcomes)
            rows.append(_row(name, outcomes))
            peak = f"{rows[-1]['peak_mb']:.0f}"
            table.add_row(name, *(str(found[v]) for v in (*GOOD, *BAD)), peak)
            bad += [(name, outcome) for outcome in outcomes if outcome.verdict in BAD]
        for name, outcome in bad[:20] if number is None else bad:
            last = outcome.said.strip().splitlines()[-1][:150] if number is None else outcome.said
            note(f"{name} {outcome.number}: {outcome.verdict}: {last}")
        console.print(table)
        if number is None and not only:
            write(output, {"readers": rows})
            console.print(f"Saved {output}")
    if bad:
        raise click.ClickException(f"{len(bad)} inputs failed; they are in {_FAILED}")


if __name__ == "__main__":
    main()
