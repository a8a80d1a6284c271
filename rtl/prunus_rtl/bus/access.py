"""Access of a bus to the registers: one request, one response, whatever bus it is."""

from __future__ import annotations

from amaranth.lib import data

from prunus_rtl.bus.registers import REGISTER_BITS, WINDOW_BYTES

__all__ = ["ADDRESS_BITS", "access_layout", "outcome_layout"]

#: Width of an offset in bytes.
ADDRESS_BITS = (WINDOW_BYTES - 1).bit_length()


def access_layout() -> data.StructLayout:
    """Return the layout of a request.

    ``address`` in bytes, ``strobe`` with a bit for each byte of ``data``; without ``write`` these
    two mean nothing.
    """
    return data.StructLayout(
        {
            "data": REGISTER_BITS,
            "strobe": REGISTER_BITS // 8,
            "address": ADDRESS_BITS,
            "write": 1,
        }
    )


def outcome_layout() -> data.StructLayout:
    """Return the layout of a response: the word read (0 for a write), and whether it failed."""
    return data.StructLayout({"data": REGISTER_BITS, "error": 1})
