"""Command line of the proofs: ``python -m prunus_sim.formal.prove``."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prunus_sim.formal.case import Case, CounterexampleError
from prunus_sim.formal.solver import check
from prunus_sim.formal.tools import FormalError

__all__ = ["MOST_MINUTES", "UNITS", "cases", "main"]

#: Units with proofs: the modules of :mod:`prunus_sim.formal.properties`, each with ``CASES``.
UNITS = tuple(sorted(path.stem for path in Path(__file__).with_name("properties").glob("[!_]*.py")))

#: What takes more minutes is proved only if deep proofs are asked for.
MOST_MINUTES = 5


def cases(units: Sequence[str]) -> Iterator[tuple[str, Case]]:
    """Yield all cases of units, each with the name of its unit."""
    for unit in units:
        module = importlib.import_module(f"prunus_sim.formal.properties.{unit}")
        for case in module.CASES:
            yield unit, case


def main(argv: Sequence[str] | None = None) -> int:
    """Prove units and print a table; return 1 if a property fails, 2 if it cannot be tried."""
    parser = argparse.ArgumentParser(prog="python -m prunus_sim.formal.prove")
    parser.add_argument("units", nargs="*", metavar="unit", help=", ".join(UNITS))
    parser.add_argument("--deep", action="store_true", help="deeper, and those of many minutes")
    parser.add_argument("--verbose", action="store_true", help="list every property")
    parser.add_argument("--folder", type=Path, default=Path("build/formal"))
    options = parser.parse_args(argv)
    unknown = sorted(set(options.units) - set(UNITS))
    if unknown:
        parser.error(f"unit must be one of {', '.join(UNITS)}, not {unknown[0]!r}")
    failures = 0
    row = "{:<46} {:<40} {:>5} {:>9} {:>5} {:>7}".format
    print(row("property", "sizes", "bmc", "induction", "cover", "seconds"))
    for unit, case in cases(options.units or UNITS):
        if case.minutes > MOST_MINUTES and not options.deep:
            continue
        folder = options.folder / re.sub(r"\W+", "_", f"{unit} {case.name} {case.sizes}")
        started = time.monotonic()
        try:
            results = check(case, folder=folder, deep=options.deep)
        except CounterexampleError as error:
            failures += 1
            print(f"{unit}: {case.name}: {error}")
            continue
        except FormalError as error:
            print(error, file=sys.stderr)
            return 2
        if options.verbose:
            for result in results:
                print(f"  {result.mode} {result.depth}: {result.seconds:.1f} s")
                for text in result.properties:
                    print(f"    {text}")
        depths: dict[str, Any] = {result.mode: result.depth for result in results}
        print(
            row(
                f"{unit}: {case.name}",
                case.sizes,
                depths["bmc"],
                depths.get("induction", "-"),
                depths["cover"],
                f"{time.monotonic() - started:.1f}",
            ),
            flush=True,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
