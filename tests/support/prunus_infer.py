"""Bodies of INFER requests, for tests."""

from prunus_rtl.link.protocol.protocol import INFER, MAX_BODY
from prunus_rtl.link.protocol.runs import pack_levels


def infer(
    code: bytes, at: int = 0, *, stop_after: int = 0, flags: int = 0, margin: int = 0
) -> bytes:
    return INFER.pack(stop_after, flags, margin, at) + code


def coded(levels: bytes) -> bytes:
    ((_, code),) = pack_levels(levels, MAX_BODY)
    return code
