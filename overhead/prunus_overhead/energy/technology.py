"""What operations and memory accesses cost, in one table that a user can replace."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from prunus_model.common.errors import PrunusError
from prunus_model.common.toml import text_of, values_of

__all__ = [
    "MemoryCost",
    "MemoryCosts",
    "PerBit",
    "PerOperation",
    "Scaling",
    "Technology",
    "TechnologyError",
]

_STRICT = ConfigDict(extra="forbid", strict=True)
#: A joule per operation is too much of anything; larger figures have infinite sums.
_Energy = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1)]


class TechnologyError(PrunusError):
    """A technology file is unreadable, incomplete, or has entries that can't be."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PerOperation:
    """An operation that costs the same every time.

    Parameters
    ----------
    pj : float
        Picojoules.
    source : str
        Where the figure is from.
    """

    pj: _Energy
    source: _Text


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PerBit:
    """An operation that costs by its width.

    Parameters
    ----------
    pj_per_bit : float
        Picojoules per bit of the operands.
    source : str
        Where the figure is from.
    """

    pj_per_bit: _Energy
    source: _Text


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class MemoryCost:
    """A kind of memory: ``pj_per_bit * width * (bits / at_bits) ** exponent`` for an access.

    Parameters
    ----------
    read_pj_per_bit, write_pj_per_bit : float
        Picojoules per bit of the word, in a memory of ``at_bits``.
    at_bits : int
        Size that the figures are for, in bits.
    exponent : float
        How energy grows with size. 0..1.
    source : str
        Where the figures are from.
    """

    read_pj_per_bit: _Energy
    write_pj_per_bit: _Energy
    at_bits: Annotated[int, Field(ge=1)]
    exponent: Annotated[float, Field(ge=0, le=1)]
    source: _Text


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class MemoryCosts:
    """Kinds of memories.

    Parameters
    ----------
    sram : MemoryCost
        Memory macros.
    registers : MemoryCost
        Memories of up to ``registers.at_bits`` bits.
    """

    sram: MemoryCost
    registers: MemoryCost


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Scaling:
    """What brings all figures to the node and voltage of the technology.

    Parameters
    ----------
    factor : float
        All energies are multiplied by this.
    source : str
        By which rule.
    """

    factor: _Positive
    source: _Text


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Technology:
    """What operations and memory accesses cost.

    Parameters
    ----------
    name : str
        What reports call it.
    node_nm : float
        Node, in nanometres.
    voltage_v : float
        Supply voltage, in volts.
    sop : PerOperation
        Class a.
    add, compare : PerBit
        Additions, comparisons.
    draw : PerOperation
        Random draws.
    memory : MemoryCosts
        Memories.
    scaling : Scaling
        Factor on all of these.

    Examples
    --------
    >>> technology = Technology.bundled()
    >>> technology.access_pj(words=8192, width=64, write=False)
    28.284271247461902
    >>> technology.access_pj(words=1024, width=64, write=False)
    10.0
    """

    name: _Text
    node_nm: _Positive
    voltage_v: _Positive
    sop: PerOperation
    add: PerBit
    compare: PerBit
    draw: PerOperation
    memory: MemoryCosts
    scaling: Scaling

    @classmethod
    def bundled(cls) -> Technology:
        """Return the table that comes with the package."""
        source = files("prunus_overhead.energy") / "technology.toml"
        return cls.from_toml(source.read_text(encoding="utf-8"), source="technology.toml")

    @classmethod
    def read(cls, path: Path) -> Technology:
        """Read a table from a TOML file.

        Raises
        ------
        TechnologyError
            If the file can't be read; else as :meth:`from_toml`.
        """
        text = text_of(path, "Technology file", TechnologyError)
        return cls.from_toml(text, source=str(path))

    @classmethod
    def from_toml(cls, text: str, *, source: str = "technology") -> Technology:
        """Parse a table.

        Parameters
        ----------
        text : str
            TOML, complete.
        source : str
            What to name in an error, for example the file.

        Raises
        ------
        TechnologyError
            If it is not TOML, or an entry is missing, unknown, negative, or of the wrong type. All
            mistakes are named, in one line.
        """
        values = values_of(text, "Technology", TechnologyError, source=source)
        try:
            # Strict mode takes tables for parts only from JSON; dates, which TOML has, become text.
            return _ADAPTER.validate_json(json.dumps(values, default=str))
        except ValidationError as e:
            raise TechnologyError(f"{source}: " + "; ".join(_sentences(e))) from e

    def access_pj(self, *, words: int, width: int, write: bool) -> float:
        """Return the energy of one access.

        Parameters
        ----------
        words, width : int
            Words of the memory, and bits of a word.
        write : bool
            Whether it is written; else read.

        Returns
        -------
        float
            Picojoules.
        """
        bits = words * width
        small = bits <= self.memory.registers.at_bits
        kind = self.memory.registers if small else self.memory.sram
        per_bit = kind.write_pj_per_bit if write else kind.read_pj_per_bit
        return self.scaling.factor * per_bit * width * math.pow(bits / kind.at_bits, kind.exponent)

    def add_pj(self, width: float) -> float:
        """Return the energy of an addition of so many bits, in picojoules."""
        return self.scaling.factor * self.add.pj_per_bit * width

    def compare_pj(self, width: float) -> float:
        """Return the energy of a comparison of so many bits, in picojoules."""
        return self.scaling.factor * self.compare.pj_per_bit * width

    @property
    def draw_pj(self) -> float:
        """Energy of a random draw of 32 bits, in picojoules."""
        return self.scaling.factor * self.draw.pj

    @property
    def sop_pj(self) -> float:
        """Energy of a SOP in class a, in picojoules."""
        return self.scaling.factor * self.sop.pj

    @property
    def sources(self) -> dict[str, str]:
        """Where each figure is from, by the name of its entry."""
        parts: dict[str, Any] = {
            "sop": self.sop,
            "add": self.add,
            "compare": self.compare,
            "draw": self.draw,
            "memory.sram": self.memory.sram,
            "memory.registers": self.memory.registers,
            "scaling": self.scaling,
        }
        return {name: part.source for name, part in parts.items()}


_ADAPTER = TypeAdapter(Technology)

#: Sentences by pydantic's type of mistake; `limit` is the bound that was crossed.
_MISTAKES = {
    "missing": "{key} is missing",
    "missing_argument": "{key} is missing",
    "missing_keyword_only_argument": "{key} is missing",
    "unexpected_keyword_argument": "Entry {key!r} is unknown",
    "greater_than_equal": "{key} must be at least {limit}, not {value!r}",
    "greater_than": "{key} must be more than {limit}, not {value!r}",
    "less_than_equal": "{key} must be at most {limit}, not {value!r}",
    "finite_number": "{key} must be finite, not {value!r}",
    "float_type": "{key} must be a number, not {value!r}",
    "int_type": "{key} must be an integer, not {value!r}",
    "string_type": "{key} must be text, not {value!r}",
    "string_too_short": "{key} must not be empty",
    "dataclass_type": "{key} must be a table, not {value!r}",
}


def _sentences(error: ValidationError) -> list[str]:
    """Return one sentence for each mistake, each naming its entry."""
    sentences = []
    for e in error.errors(include_url=False):
        limits = [value for name, value in e.get("ctx", {}).items() if name in ("ge", "gt", "le")]
        sentences.append(
            _MISTAKES.get(e["type"], "{key}: " + e["msg"]).format(
                key=".".join(map(str, e["loc"])),
                value=e["input"],
                limit=f"{limits[0]:g}" if limits else "",
            )
        )
    return sentences
