"""The register table as SystemRDL: what all documents of the registers are made of."""

from __future__ import annotations

from prunus_rtl.bus.fields import Access, Field, Register
from prunus_rtl.bus.registers import MAP_VERSION, REGISTER_BITS, REGISTERS

__all__ = ["RDL_NAME", "make_rdl"]

#: Name of the address map.
RDL_NAME = "prunus"
#: What software may do with a field, and hardware.
_ACCESS: dict[Access, str] = {
    "ro": "sw = r; hw = w;",
    "rw": "sw = rw; hw = r;",
    "wo": "sw = w; hw = r;",
    "w1c": "sw = rw; onwrite = woclr; hw = rw;",
    "w1s": "sw = w; onwrite = woset; hw = rw;",
}


def make_rdl() -> str:
    """Return the source in SystemRDL 2.0. It is the same for all cores."""
    lines = [
        "// Registers of a Prunus core on a bus. Made by `prunus generate`.",
        f"addrmap {RDL_NAME} {{",
        '  name = "Prunus";',
        f'  desc = "Registers of a spiking network, version {MAP_VERSION} of the map.";',
        f"  default regwidth = {REGISTER_BITS};",
        f"  default accesswidth = {REGISTER_BITS};",
        "",
    ]
    for entry in REGISTERS:
        lines += _register(entry)
    return "\n".join([*lines, "};"]) + "\n"


def _register(entry: Register) -> list[str]:
    fields = [line for field in entry.fields for line in _field(entry, field)]
    return [
        "  reg {",
        f"    name = {_text(entry.name)};",
        f"    desc = {_text(entry.description)};",
        *fields,
        # Reading does something that SystemRDL has no word for.
        f"  }} {'external ' if entry.read_effect else ''}{entry.name} @ 0x{entry.offset:X};",
        "",
    ]


def _field(entry: Register, field: Field) -> list[str]:
    access = _ACCESS[field.access]
    if entry.read_effect and field.access == "rw":
        access = "sw = rw; hw = rw;"
    if entry.read_effect:
        access += " onread = ruser;"
    reset = "" if field.reset is None else f" = 0x{field.reset:X}"
    high = field.lsb + field.width - 1
    head = f"field {{ desc = {_text(field.description)}; {access} }}"
    return [f"    {head} {field.name}[{high}:{field.lsb}]{reset};"]


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
