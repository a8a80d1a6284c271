"""What a register and its fields are: plain data, no gateware."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["REGISTER_BITS", "Access", "Field", "Register"]

#: Width of a register.
REGISTER_BITS = 32

#: Read only; read and write; write only; reads, and writing 1 clears; writing 1 starts something,
#: reads as 0.
Access = Literal["ro", "rw", "wo", "w1c", "w1s"]


@dataclass(frozen=True, slots=True)
class Field:
    """Bits of a register. Those of no field read as 0, and must be written as 0.

    Parameters
    ----------
    name : str
    lsb, width : int
        Lowest bit, number of bits.
    access : {"ro", "rw", "wo", "w1c", "w1s"}
        Read only; read and write; write only; reads, and writing 1 clears; writing 1 starts
        something, reads as 0.
    reset : int or None
        Value after reset; None if the core, or what was done before, decides.
    description : str
    """

    name: str
    lsb: int
    width: int
    access: Access
    reset: int | None
    description: str


@dataclass(frozen=True, slots=True)
class Register:
    """Register of 32 bits.

    Parameters
    ----------
    name : str
    offset : int
        In bytes from the start of the window.
    access : {"ro", "rw", "wo"}
        What the bus may do; else there is an error.
    fields : tuple of Field
        The lowest first.
    description : str
    read_effect : bool
        Whether reading it changes something.
    """

    name: str
    offset: int
    access: Literal["ro", "rw", "wo"]
    fields: tuple[Field, ...]
    description: str
    read_effect: bool = False

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(field for field in self.fields if field.name == name)
