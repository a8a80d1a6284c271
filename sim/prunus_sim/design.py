"""Where the memories and registers of a design are, found in its Verilog.

A memory is named by the components on the way to it, joined by dots: ``store0.weights``,
``homeostasis.theta``. Components that only wrap a memory (``ram``, ``memory``) are left out of the
name, and so are the numbers that Amaranth appends to names which occur twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Design", "Storage"]

_NAME = r"(\\\S+ |[A-Za-z_]\w*)"
_MODULE = re.compile(rf"^module {_NAME} ?\(.*?^endmodule", re.MULTILINE | re.DOTALL)
_INSTANCE = re.compile(rf"^  {_NAME} ?{_NAME} ?\($", re.MULTILINE)
_MEMORY = re.compile(rf"^  reg (?:\[(\d+):0\] )?{_NAME} ?\[(\d+):0\];", re.MULTILINE)
_REGISTER = re.compile(rf"^  reg (?:\[(\d+):0\] )?{_NAME}(?: ?= ?[^;]*)?;", re.MULTILINE)
_WRAPPERS = ("ram", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A memory or register.

    Attributes
    ----------
    path : str
        Verilog expression for it, from the inside of the top module.
    width : int
        Bits of a word.
    depth : int
        Words; 1 for a register.
    """

    path: str
    width: int
    depth: int


class Design:
    """Memories and registers of a design.

    Parameters
    ----------
    source : Path
        Verilog that :func:`prunus_sim.runner.write_verilog` has written.
    top : str
        Name of its top module.

    Attributes
    ----------
    memories, registers : dict of str to Storage
    """

    def __init__(self, source: Path, *, top: str = "dut") -> None:
        bodies = {m.group(1).strip("\\ "): m.group() for m in _MODULE.finditer(source.read_text())}
        self.memories: dict[str, Storage] = {}
        self.registers: dict[str, Storage] = {}
        self._walk(bodies, top, [], [])

    def _walk(self, bodies: dict[str, str], module: str, names: list[str], path: list[str]) -> None:
        body = bodies[module]
        for width, name, last in _MEMORY.findall(body):
            words = [*names, _plain(name)]
            while words[-1] in _WRAPPERS and len(words) > 1:
                words.pop()
            self.memories[".".join(words)] = Storage(
                path=".".join([*path, name]), width=int(width or 0) + 1, depth=int(last) + 1
            )
        for width, name in _REGISTER.findall(body):
            self.registers.setdefault(
                ".".join([*names, _plain(name)]),
                Storage(path=".".join([*path, name]), width=int(width or 0) + 1, depth=1),
            )
        for escaped, instance in _INSTANCE.findall(body):
            child = escaped.strip("\\ ")
            if child in bodies:
                self._walk(bodies, child, [*names, _plain(instance)], [*path, instance])


def _plain(name: str) -> str:
    """Return a name without the escape and the number that Amaranth appends."""
    return re.sub(r"\$\d+$", "", name.strip("\\ "))
