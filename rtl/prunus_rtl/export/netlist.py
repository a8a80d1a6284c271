"""Verilog of a core, with the contents of its memories in files of their own.

yosys has an option for that, ``write_verilog -extmem``. It is not used because it numbers the
files: those of a package have the names of memories, and memories that hold only zeros share one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amaranth.back import verilog
from amaranth.lib import wiring

__all__ = ["FOLDER", "MODULE", "NAME", "TOP", "MemoryImage", "Netlist", "make_netlist"]

#: Name of the top module; those of its parts start with it.
TOP = "prunus_core"
#: Where the contents of memories are, seen from where the simulator is started.
FOLDER = "memories"

#: Name in Verilog, plain or escaped.
NAME = r"(?:\\\S+ |[A-Za-z_]\w*)"
#: Module of a netlist, as yosys writes it.
MODULE = re.compile(rf"^module (?P<name>{NAME}) ?\(.*?^endmodule$", re.MULTILINE | re.DOTALL)
#: A memory with its initial contents, as yosys writes it.
_MEMORY = re.compile(
    rf"^  reg (?:\[(?P<top>\d+):0\] )?(?P<name>{NAME}) ?\[(?P<last>\d+):0\];\n"
    r"  initial begin\n(?P<words>(?:    [^\n]+ = [^\n]+;\n)*)  end\n",
    re.MULTILINE,
)
_DECLARATION = re.compile(rf"^  reg (?:\[\d+:0\] )?{NAME} ?\[\d+:\d+\];$", re.MULTILINE)
_WORD = re.compile(r"\[(\d+)\] = \d+'([hd])([0-9a-f]+);")
#: Components that only wrap a memory; left out of its name.
_WRAPPERS = ("ram", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryImage:
    """A memory of the core and what it holds at first.

    Attributes
    ----------
    name : str
        Components on the way to it, joined by dots: ``store0.weights``.
    width : int
        Bits of a word.
    words : tuple of int
        Contents.
    """

    name: str
    width: int
    words: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Number of words."""
        return len(self.words)

    @property
    def file(self) -> str:
        """File with the contents; memories of one size that hold only zeros share theirs."""
        if any(self.words):
            return f"{FOLDER}/{self.name}.hex"
        return f"{FOLDER}/zeros_{self.depth}x{self.width}.hex"

    @property
    def content(self) -> str:
        """Content of the file: one word in hexadecimal digits per line, for ``$readmemh``."""
        digits = -(-self.width // 4)
        return "".join(f"{word:0{digits}x}\n" for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Netlist:
    """A core as Verilog.

    Attributes
    ----------
    text : str
        The modules; the first is the top module.
    memories : tuple of MemoryImage
        What the modules read with ``$readmemh``.
    """

    text: str
    memories: tuple[MemoryImage, ...]

    def files(self) -> dict[str, MemoryImage]:
        """Return each file with one memory that has its contents."""
        return {memory.file: memory for memory in self.memories}


def make_netlist(core: wiring.Component, *, top: str = TOP) -> Netlist:
    """Convert a core, with the yosys that comes with Amaranth.

    Contents as ``initial`` assignments would take other tools minutes to read.

    Parameters
    ----------
    core : wiring.Component
        The core, or what holds it.
    top : str
        Name of its module.

    Raises
    ------
    RuntimeError
        If the contents of a memory are not found in what yosys has written.
    """
    with _builtin_yosys():
        text: str = verilog.convert(core, name=top, emit_src=False, strip_internal_attrs=True)
    memories: list[MemoryImage] = []

    def take_module(module: re.Match[str]) -> str:
        path = module["name"].strip("\\ ").split(".")[1:]

        def take_memory(found: re.Match[str]) -> str:
            memory = _memory(path, found)
            memories.append(memory)
            # Ascending: for a range that descends, simulators disagree about the first word.
            head = found.group().partition("\n")[0].rpartition("[")[0]
            declaration = f"{head}[0:{memory.depth - 1}];"
            return f'{declaration}\n  initial $readmemh("{memory.file}", {found["name"]});\n'

        body = _MEMORY.sub(take_memory, module.group())
        if (found := len(_DECLARATION.findall(body))) != body.count("  initial $readmemh("):
            raise RuntimeError(f"Module {module['name']} must have contents for {found} memories")
        return body

    text = MODULE.sub(take_module, text)
    names = [memory.name for memory in memories]
    if len(set(names)) != len(names):
        raise RuntimeError(f"Memories must have different names, not {sorted(names)}")
    return Netlist(text=text, memories=tuple(memories))


def _memory(path: list[str], found: re.Match[str]) -> MemoryImage:
    names = [_plain(name) for name in (*path, found["name"])]
    while names[-1] in _WRAPPERS and len(names) > 1:
        names.pop()
    values = {
        int(address): int(digits, 16 if base == "h" else 10)
        for address, base, digits in _WORD.findall(found["words"])
    }
    depth = int(found["last"]) + 1
    if sorted(values) != list(range(depth)):
        raise RuntimeError(f"Memory {'.'.join(names)} must have {depth} words, not {len(values)}")
    return MemoryImage(
        name=".".join(names),
        width=int(found["top"] or 0) + 1,
        words=tuple(values[address] for address in range(depth)),
    )


def _plain(name: str) -> str:
    """Return a name without its escape and without the number that Amaranth appends."""
    return re.sub(r"\$\d+$", "", name.strip("\\ "))


@contextmanager
def _builtin_yosys() -> Iterator[None]:
    """Make the Verilog independent of what else is installed."""
    key = "AMARANTH_USE_YOSYS"
    before = os.environ.get(key)
    os.environ[key] = "builtin"
    try:
        yield
    finally:
        if before is None:
            del os.environ[key]
        else:
            os.environ[key] = before
