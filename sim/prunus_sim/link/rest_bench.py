"""Bench: a device is idle once it has been quiet for long enough, not when a command ends.

Between the end of a presentation and the first byte of its answer, a device with serial pins is
quiet: whoever took it for idle then would wait for a request that never comes.
"""

from __future__ import annotations

from typing import Any

import cocotb

from prunus_sim.link.driver import LinkDriver

_QUIET = 500


@cocotb.test()
async def idle_is_told_after_quiet_cycles_alone(tb: Any) -> None:
    """Commands of more and of fewer cycles than have to be quiet."""
    link = LinkDriver(tb)
    for limit, idle in ((_QUIET // 2, False), (2 * _QUIET, True), (_QUIET - 1, False)):
        assert await link.run(limit=limit, quiet=_QUIET) == b""
        assert link.idle == idle, f"after {limit} cycles"
        assert not link.presenting
