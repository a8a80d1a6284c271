"""Mutation test of the gateware: ``python -m prunus_sim.mutants``.

Puts single faults into copies of :mod:`prunus_rtl` and runs the tests of Amaranth's simulator on
them; every fault must make a test fail. The faults are made in the source of Amaranth
(:mod:`prunus_sim.mutation`), not in the netlist as ``mutate`` of yosys does: so each one names a
line, is a mistake that a designer makes, is there in every configuration that a test builds, and is
judged by the tests as they are, which build their designs themselves.

A mutant that no test can tell from the gateware is listed in ``equivalent_mutants.toml``, with the
reason. One that cannot be elaborated is no hardware; the next one takes its place. Results are
written after every mutant; a run that was interrupted, or left survivors, is continued.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from amaranth.back import rtlil
from rich.console import Console
from rich.table import Table

import prunus_rtl
from prunus_model.atomic import write_atomically
from prunus_model.config import ConstantPruning, NetworkConfig, NoPruning
from prunus_model.errors import PrunusError
from prunus_model.state import State
from prunus_model.store import pack
from prunus_rtl.core import Core
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.packed_store import PackedStore
from prunus_rtl.ram import Collisions
from prunus_sim.mutation import Mutant, chosen_order, mutants_of

__all__ = ["UNITS", "MutationError", "elaborate_all", "main"]

#: Files with gateware.
UNITS = (
    "encoder",
    "queue",
    "learning_store",
    "packed_store",
    "columns",
    "membrane",
    "last_step",
    "stdp",
    "pruning",
    "homeostasis",
    "readout",
    "counters",
    "memory_port",
    "random",
    "ram",
    "state_memory",
    "core",
)
_RESULTS = Path("sim/results/mutants.json")
_EQUIVALENT = Path("sim/results/equivalent_mutants.toml")
_PYTEST = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-rfE")
#: Exit status of a child that does not import the mutated gateware.
_WRONG_GATEWARE = 97
_NO_TESTS = 5
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?::.+?)(?: - .*)?$", re.MULTILINE)

# An editable installation must not win over the mutated copy.
_CHILD = f"""
import sys
from pathlib import Path
import prunus_rtl
folder, what, *arguments = sys.argv[1:]
if Path(prunus_rtl.__file__).resolve().parent != Path(folder).resolve():
    print(f"prunus_rtl must be imported from {{folder}}, not {{prunus_rtl.__file__}}")
    sys.exit({_WRONG_GATEWARE})
if what == "elaborate":
    from prunus_sim.mutants import elaborate_all
    elaborate_all()
else:
    import pytest
    sys.exit(pytest.main(arguments))
"""

Row = dict[str, Any]


class MutationError(PrunusError):
    """The mutation test itself cannot be run."""


def elaborate_all() -> None:
    """Elaborate cores that have every unit with every option; raise whatever that raises."""
    lively = replace(NetworkConfig.named("tiny"), inputs=10, neurons=5)
    single = replace(lively, inputs=1, neurons=1)
    alive = np.ones((10, 5), bool)
    alive[3] = False
    cores = [
        Core(network=lively, hardware=HardwareConfig(lanes=2)),
        Core(
            network=replace(lively, pruning=ConstantPruning(w_prune=9)),
            hardware=HardwareConfig(lanes=4, multiplier="dsp", source="events"),
        ),
        Core(
            network=replace(single, pruning=NoPruning()),
            hardware=HardwareConfig(lanes=1, queue_depth=2, event_depth=2),
        ),
        Core(network=lively, hardware=HardwareConfig(lanes=1, learn=False)),
    ]
    for fmt in ("list", "bitmap", "dense"):
        images = pack(
            alive.astype(np.uint8),
            alive,
            format=fmt,
            lanes=2,
            weight_bits=lively.weight_bits,
        ).lanes
        hardware = HardwareConfig(lanes=2, learn=False, store="packed")
        state = State.initial(lively)
        cores.append(Core(network=lively, hardware=hardware, state=state, images=images))
        rtlil.convert(PackedStore(image=images[0], spram=True), emit_src=False)
    for core in cores:
        rtlil.convert(core, emit_src=False, platform=Collisions())


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests that judge a mutant, and where they are run.

    Parameters
    ----------
    gateware : Path
        Folder of the package that is mutated.
    tests : Path
        Folder of the tests.
    timeout : float
        Most seconds of one run of pytest.
    """

    gateware: Path
    tests: Path
    timeout: float

    def stages(self, file: str) -> list[list[str]]:
        """Return the runs of pytest for a file: tests of the unit first, then of the core."""
        unit = Path(file).stem
        core = self.tests / "test_core.py"
        own = [self.tests / f"test_{unit}.py", self.tests / "test_gaps.py"]
        runs = [[str(path) for path in own if path != core and path.exists()]]
        if core.exists():
            # A unit without tests of its own has some among those of the core.
            runs += [] if own[0].exists() else [[str(core), "-k", unit]]
            runs += [[str(core)]]
        return [run for run in runs if run]

    def judge(self, mutant: Mutant) -> Row:
        """Return the verdict on a mutant: caught, timeout, survived or invalid."""
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="prunus-mutant-") as scratch:
            package = self.copy(Path(scratch))
            (package / mutant.file).write_text(mutant.source)
            verdict, test = self._judge(package, mutant.file)
        return {
            **_key(mutant),
            "verdict": verdict,
            "test": test,
            "seconds": round(time.perf_counter() - started, 1),
        }

    def copy(self, scratch: Path) -> Path:
        """Copy the gateware into a folder; return where the package is then."""
        package = scratch / "prunus_rtl"
        shutil.copytree(self.gateware, package, ignore=shutil.ignore_patterns("__pycache__"))
        return package

    def run(self, package: Path, what: str, *arguments: str) -> tuple[int | None, str]:
        """Run a child on a copy; return its exit status, None if it took too long, and output."""
        path = [str(package.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        # A warning is an error in the tests too; it must not pass for a fault that they find.
        strict = ["-W", "error"] if what == "elaborate" else []
        command = [sys.executable, *strict, "-c", _CHILD, str(package), what, *arguments]
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None, ""
        if done.returncode == _WRONG_GATEWARE:
            raise MutationError(done.stdout.strip())
        return done.returncode, done.stdout

    def _judge(self, package: Path, file: str) -> tuple[str, str]:
        status, output = self.run(package, "elaborate")
        if status != 0:
            lines = output.strip().splitlines()
            return "invalid", lines[-1] if lines else ""
        for tests in self.stages(file):
            status, output = self.run(package, "test", *_PYTEST, *tests)
            if status is None:
                return "timeout", Path(tests[0]).name
            if status == 1:
                found = _FAILED.search(output)
                return "caught", found.group(1) if found else Path(tests[0]).name
            if status not in (0, _NO_TESTS):
                return "invalid", (output.strip().splitlines() or [""])[-1]
        return "survived", ""


def _key(mutant: Mutant) -> Row:
    return {
        "file": mutant.file,
        "scope": mutant.scope,
        "line": mutant.line,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
    }


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("file", "line", "operator", "before", "after"))


def _equivalents(path: Path) -> list[dict[str, str]]:
    """Read the mutants that no test can find.

    Raises
    ------
    MutationError
        If one lacks its place or its reason.
    """
    if not path.exists():
        return []
    found: list[dict[str, str]] = tomllib.loads(path.read_text()).get("mutant", [])
    for row in found:
        missing = {"file", "before", "after", "reason"} - {k for k, v in row.items() if v.strip()}
        if missing:
            raise MutationError(f"Equivalent mutants must have {', '.join(sorted(missing))}: {row}")
    return found


def _reason(mutant: Mutant, equivalents: list[dict[str, str]]) -> str | None:
    """Return why a mutant is equivalent; None if it is not listed."""
    for row in equivalents:
        if (
            all(
                row[name].strip() == str(getattr(mutant, name))
                for name in ("file", "before", "after")
            )
            and row.get("scope", mutant.scope) == mutant.scope
        ):
            return row["reason"]
    return None


class Campaign:
    """Judges mutants until each file has its share, and keeps what it found.

    Parameters
    ----------
    suite : Suite
        The tests.
    equivalents : list of dict
        Mutants that are known to be equivalent.
    known : list of dict
        Rows of a run that is continued; its survivors are judged again.
    save : callable
        Takes all rows, after each mutant.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        equivalents: list[dict[str, str]],
        known: list[Row],
        save: Any,
    ) -> None:
        self._suite = suite
        self._equivalents = equivalents
        self._known = {_identity(row): row for row in known if row["verdict"] != "survived"}
        self._save = save
        self.rows: list[Row] = []

    def unit(self, mutants: list[Mutant], count: int, pool: ThreadPoolExecutor) -> Iterator[Row]:
        """Judge mutants of one file until ``count`` were caught or survived; yield all rows.

        Equivalent and invalid ones do not count.
        """
        queue = iter(mutants)
        while count and (batch := list(islice(queue, count))):
            for row in pool.map(self._row, batch):
                self.rows.append(row)
                self._known.pop(_identity(row), None)
                # Verdicts that are still to be taken over must not be lost if this run ends here.
                self._save([*self.rows, *self._known.values()])
                count -= row["verdict"] not in ("equivalent", "invalid")
                yield row

    def _row(self, mutant: Mutant) -> Row:
        reason = _reason(mutant, self._equivalents)
        if reason is not None:
            return {**_key(mutant), "verdict": "equivalent", "reason": " ".join(reason.split())}
        known = self._known.get(_identity(_key(mutant)))
        if known is not None and known["verdict"] != "equivalent":
            return known
        return self._suite.judge(mutant)


def _shares(units: tuple[str, ...], count: int, sizes: dict[str, int]) -> dict[str, int]:
    """Split a count evenly; what is left over goes to the files with the most places."""
    shares = dict.fromkeys(units, count // len(units))
    for unit in sorted(units, key=lambda unit: -sizes[unit])[: count % len(units)]:
        shares[unit] += 1
    return shares


def _digest(folder: Path) -> str:
    """Return a digest of all files with gateware."""
    found = hashlib.sha256()
    for name in (*UNITS, "shapes"):
        found.update((folder / f"{name}.py").read_bytes() + b"\0")
    return found.hexdigest()


def _continued(path: Path | None, digest: str) -> list[Row]:
    """Return the rows of an unfinished run on the same gateware."""
    if path is None or not path.exists():
        return []
    content = json.loads(path.read_text())
    if content.get("finished", True) or content.get("gateware") != digest:
        return []
    rows: list[Row] = content["mutants"]
    return rows


def _tables(rows: list[Row]) -> list[Table]:
    tables = []
    for name, label in (("file", str), ("operator", str)):
        table = Table(name, "caught", "timeout", "survived", "equivalent", "invalid")
        for key in sorted({label(row[name]) for row in rows}):
            verdicts = Counter(row["verdict"] for row in rows if row[name] == key)
            counts = ("caught", "timeout", "survived", "equivalent", "invalid")
            table.add_row(key, *(str(verdicts[verdict]) for verdict in counts))
        tables.append(table)
    return tables


@click.command()
@click.option("--count", default=72, show_default=True, help="Mutants that must be caught.")
@click.option("--seed", default=1, show_default=True, help="Seed of the choice.")
@click.option("--unit", type=click.Choice(UNITS), help="Only of this unit.")
@click.option("--jobs", default=1, show_default=True, help="Mutants at a time.")
@click.option("--timeout", default=400.0, show_default=True, help="Seconds of one run of pytest.")
@click.option(
    "--tests",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("tests/rtl"),
    show_default=True,
    help="Folder of the tests.",
)
@click.option(
    "--equivalent",
    type=click.Path(path_type=Path, dir_okay=False),
    default=_EQUIVALENT,
    show_default=True,
    help="Mutants that no test can find, with the reasons.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Where the results are written. Default: {_RESULTS}; with --unit nowhere.",
)
def main(
    count: int,
    seed: int,
    unit: str | None,
    jobs: int,
    timeout: float,
    tests: Path,
    equivalent: Path,
    output: Path | None,
) -> None:
    """Put faults into the gateware; fail if the tests do not find one of them."""
    units = UNITS if unit is None else (unit,)
    if unit is None and output is None:
        output = _RESULTS
    gateware = Path(str(prunus_rtl.__file__)).resolve().parent
    digest = _digest(gateware)
    suite = Suite(gateware=gateware, tests=tests, timeout=timeout)
    console = Console()
    started = time.perf_counter()

    def save(rows: list[Row], *, finished: bool = False) -> None:
        if output is not None:
            content = {
                "command": " ".join(["python -m prunus_sim.mutants", *sys.argv[1:]]),
                "versions": {name: metadata.version(name) for name in ("amaranth", "pytest")}
                | {"python": platform.python_version()},
                "gateware": digest,
                "finished": finished,
                "totals": dict(Counter(row["verdict"] for row in rows)),
                "seconds": round(sum(row.get("seconds", 0) for row in rows), 1),
                "mutants": rows,
            }
            output.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(output, (json.dumps(content, indent=1) + "\n").encode())

    try:
        known = _continued(output, digest)
        _check_without_fault(suite)
        campaign = Campaign(suite, equivalents=_equivalents(equivalent), known=known, save=save)
        orders = {
            name: chosen_order(
                mutants_of(f"{name}.py", (gateware / f"{name}.py").read_text()), seed=seed
            )
            for name in units
        }
        shares = _shares(units, count, {name: len(order) for name, order in orders.items()})
        with ThreadPoolExecutor(jobs) as pool:
            for name in units:
                for row in campaign.unit(orders[name], shares[name], pool):
                    console.print(_line(row), highlight=False, markup=False, soft_wrap=True)
    except (PrunusError, OSError) as e:
        raise click.ClickException(str(e)) from e
    rows = campaign.rows
    survivors = [row for row in rows if row["verdict"] == "survived"]
    save(rows, finished=not survivors)
    for table in _tables(rows):
        console.print(table)
    found = sum(row["verdict"] in ("caught", "timeout") for row in rows)
    console.print(f"{found} mutants caught, {time.perf_counter() - started:.0f} s")
    if survivors:
        raise click.ClickException(
            f"{len(survivors)} mutants survived; the first: {_line(survivors[0])}"
        )
    if found < count:
        raise click.ClickException(f"Mutants must be {count}, but only {found} can be made")


def _check_without_fault(suite: Suite) -> None:
    """Elaborate the gateware as it is, as the mutants are.

    Raises
    ------
    MutationError
        If that fails: then it says nothing about a mutant.
    """
    with tempfile.TemporaryDirectory(prefix="prunus-mutant-") as scratch:
        status, output = suite.run(suite.copy(Path(scratch)), "elaborate")
    if status != 0:
        raise MutationError(f"Gateware without a fault must elaborate: {output.strip()[-500:]}")


def _line(row: Row) -> str:
    change = f"{row['before']}  ->  {row['after']}".replace("\n", " ")
    place = f"{row['file']}:{row['line']} {row['operator']}"
    by = f" by {row['test']}" if row.get("test") else ""
    return f"{row['verdict']}{by} ({row.get('seconds', 0)} s) {place}: {change}"


if __name__ == "__main__":
    main()
