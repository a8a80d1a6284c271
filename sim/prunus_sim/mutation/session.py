"""Which mutants are judged, which are known to be equivalent, and what is written about them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from prunus_model.common.provenance import header, package_versions
from prunus_model.common.toml import parse_toml, read_text
from prunus_rtl.digest.gateware import gateware_digest
from prunus_sim.mutation.executor import MutationError, Row, Suite, row_of
from prunus_sim.mutation.operators import Mutant

__all__ = [
    "Session",
    "continued",
    "describe",
    "digest_of",
    "known_equivalents",
    "report",
    "shares_of",
]

#: Verdicts on what is hardware; the others can be told from nothing.
_FOUND = ("killed", "timeout")
_VERDICTS = (*_FOUND, "survived", "equivalent")


def known_equivalents(path: Path) -> list[dict[str, str]]:
    """Read the mutants that no test can find.

    Raises
    ------
    MutationError
        If the file is no TOML, or a mutant lacks its place or its reason.
    """
    if not path.exists():
        return []
    try:
        found: list[dict[str, str]] = parse_toml(read_text(path)).get("mutant", [])
    except ValueError as e:
        raise MutationError(f"{path} must be TOML: {e}") from e
    for row in found:
        missing = {"file", "before", "after", "reason"} - {k for k, v in row.items() if v.strip()}
        if missing:
            raise MutationError(f"Equivalent mutants must have {', '.join(sorted(missing))}: {row}")
    return found


def _reason(mutant: Mutant, equivalents: list[dict[str, str]]) -> str | None:
    """Return why a mutant is equivalent; None if it is not listed."""
    for row in equivalents:
        same = all(
            row[name].strip() == str(getattr(mutant, name)) for name in ("file", "before", "after")
        )
        if same and row.get("scope", mutant.scope) == mutant.scope:
            return row["reason"]
    return None


class Session:
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

    Attributes
    ----------
    rows : list of dict
        Verdicts so far.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        equivalents: list[dict[str, str]],
        known: list[Row],
        save: Callable[[list[Row]], None],
    ) -> None:
        self._suite = suite
        self._equivalents = equivalents
        self._known = {_identity(row): row for row in known if row["verdict"] in _FOUND}
        self._save = save
        self.rows: list[Row] = []

    def unit(self, mutants: list[Mutant], count: int, pool: ThreadPoolExecutor) -> Iterator[Row]:
        """Judge mutants of one file until ``count`` were killed or survived; yield all rows.

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
            return {**row_of(mutant), "verdict": "equivalent", "reason": " ".join(reason.split())}
        return self._known.get(_identity(row_of(mutant))) or self._suite.judge(mutant)


def _identity(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("file", "line", "operator", "before", "after"))


def shares_of(count: int, sizes: dict[str, int]) -> dict[str, int]:
    """Split a count evenly; what is left over goes to the files with the most places.

    Parameters
    ----------
    count : int
        Mutants of all files together.
    sizes : dict of str to int
        Places in each file.
    """
    shares = dict.fromkeys(sizes, count // len(sizes))
    for unit in sorted(sizes, key=lambda unit: -sizes[unit])[: count % len(sizes)]:
        shares[unit] += 1
    return shares


def digest_of(gateware: Path) -> str:
    """Return a digest of all sources of a package."""
    found = hashlib.sha256()
    for path in sorted(gateware.rglob("*.py")):
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()


def describe(row: Row) -> str:
    """Return a mutant in one line: where it is, and what was changed."""
    change = f"{row['before']}  ->  {row['after']}".replace("\n", " ")
    return f"{row['file']}:{row['line']} {row['operator']}: {change}"


def report(rows: list[Row], *, command: str, digest: str, finished: bool) -> dict[str, Any]:
    """Return what is written about a run.

    ``total`` counts the mutants that are hardware: those killed, those whose tests did not end
    (``timeouts``), survivors and equivalents. Those that cannot be elaborated are ``invalid``.
    """

    def counts(of: list[Row]) -> dict[str, int]:
        verdicts = Counter(row["verdict"] for row in of)
        return {
            "total": sum(verdicts[name] for name in _VERDICTS),
            "killed": verdicts["killed"],
            "timeouts": verdicts["timeout"],
            "survived": verdicts["survived"],
        }

    units = sorted({row["file"] for row in rows})
    return {
        "provenance": header(
            "mutants",
            command=command,
            inputs={"gateware": gateware_digest()},
            tools=package_versions("amaranth", "pytest"),
        ),
        "sources": digest,
        "finished": finished,
        **counts(rows),
        "invalid": sum(row["verdict"] == "invalid" for row in rows),
        "equivalent": [
            {"mutant": describe(row), "reason": row["reason"]}
            for row in rows
            if row["verdict"] == "equivalent"
        ],
        "units": {
            unit: counts(of) | {"equivalent": sum(row["verdict"] == "equivalent" for row in of)}
            for unit in units
            for of in [[row for row in rows if row["file"] == unit]]
        },
        "seconds": round(sum(row.get("seconds", 0) for row in rows), 1),
        "mutants": rows,
    }


def continued(path: Path | None, digest: str) -> list[Row]:
    """Return the rows of an unfinished run on the same gateware."""
    if path is None or not path.exists():
        return []
    try:
        content = json.loads(path.read_text())
        rows: list[Row] = content["mutants"]
        same = not content["finished"] and content["sources"] == digest
    except (ValueError, KeyError, TypeError) as e:
        raise MutationError(f"{path} must be results of this command, or be removed") from e
    return rows if same else []
