"""Where the memories and signals of a design are, found in its Verilog.

A memory is named by the components on the way to it, joined by dots: ``store0.weights``,
``learning.homeostasis.theta``. Components that only wrap a memory (``ram``, ``memory``) are left
out of the name, and so are the numbers that Amaranth appends to names which occur twice.
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
_WIRE = re.compile(rf"^  wire (?:\[(\d+):0\] )?{_NAME};", re.MULTILINE)
_OPERAND = re.compile(rf"\d+'h[0-9a-f]+|{_NAME}")
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
        Words; 1 for a register or wire.
    read, write : str
        Enables of its ports: Verilog expressions, from the outside of the top module; 1 or 0 if it
        is always, or never, read or written. Only of memories.
    """

    path: str
    width: int
    depth: int
    read: str = ""
    write: str = ""


class Design:
    """Memories, registers and wires of a design.

    Parameters
    ----------
    source : Path
        Verilog that :func:`prunus_sim.simulator.runner.write_verilog` has written.
    top : str
        Name of its top module.

    Attributes
    ----------
    memories, registers, signals : dict of str to Storage
        Signals are registers and wires.
    """

    def __init__(self, source: Path, *, top: str = "dut") -> None:
        bodies = {m.group(1).strip("\\ "): m.group() for m in _MODULE.finditer(source.read_text())}
        self.memories: dict[str, Storage] = {}
        self.registers: dict[str, Storage] = {}
        self.signals: dict[str, Storage] = {}
        self._top = top
        self._walk(bodies, top, [], [])

    def _walk(self, bodies: dict[str, str], module: str, names: list[str], path: list[str]) -> None:
        body = bodies[module]
        for width, name, last in _MEMORY.findall(body):
            words = [*names, _plain(name)]
            while words[-1] in _WRAPPERS and len(words) > 1:
                words.pop()
            self.memories[".".join(words)] = Storage(
                path=".".join([*path, name]),
                width=int(width or 0) + 1,
                depth=int(last) + 1,
                read=_outside(_read_enable(body, name), [self._top, *path]),
                write=_outside(_write_enable(body, name), [self._top, *path]),
            )
        registers, wires = _REGISTER.findall(body), _WIRE.findall(body)
        # Of signals with the same plain name, that without a number is the one that is meant.
        every = sorted([*registers, *wires], key=lambda found: "$" in found[1])
        for signals, found in ((self.registers, registers), (self.signals, every)):
            for width, name in found:
                signals.setdefault(
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


def _read_enable(body: str, name: str) -> str:
    """Return when a memory is read: a Verilog expression in the module that holds it."""
    port = rf"begin\n(?:    if \((.*)\) begin\n)? +\w+ <= {re.escape(name)} ?\["
    return _enable(re.findall(port, body), always="1'h1")


def _write_enable(body: str, name: str) -> str:
    """Return when a memory is written: a Verilog expression in the module that holds it."""
    return _enable(re.findall(rf"    if \((.*)\)\n +{re.escape(name)} ?\[", body), always="")


def _enable(ports: list[str], *, always: str) -> str:
    if len(ports) > 1:
        raise ValueError(f"Memories must have one port to read and one to write, not {len(ports)}")
    return (ports[0] or always) if ports else "1'h0"


def _outside(expression: str, path: list[str]) -> str:
    """Return an expression of one module as seen from the outside of the top module."""
    prefix = "".join(f"{instance}." for instance in path)
    return _OPERAND.sub(lambda m: f"{prefix}{m[1]}" if m[1] else m[0], expression)
