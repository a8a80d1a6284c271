"""Bench of the stream checks of ``core_tb.sv``, with a core whose outputs break the rules."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from prunus_sim.cosim.interface import REPORT_FILE, Opcode

__all__ = ["MODES_VARIABLE"]

#: Environment variable with the number of ways in which the core misbehaves.
MODES_VARIABLE = "MODES"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def broken_streams_are_found(tb: Any) -> None:
    """Write which streams the testbench calls broken, for each way of misbehaviour."""
    found = []

    async def command(opcode: Opcode, **arguments: int) -> None:
        for name, value in arguments.items():
            getattr(tb, name).value = value
        tb.opcode.value = opcode.value
        await Timer(1, "ns")
        tb.command.value = int(tb.command.value) + 1
        await tb.done.value_change

    for mode in range(int(os.environ[MODES_VARIABLE])):
        await command(Opcode.RESTART)
        tb.broken.value = 0
        await command(
            Opcode.PRESENT, control=mode, presentations=20, limit=2000, pause=128, seed=1 + mode
        )
        await command(Opcode.PEEK, rows=1, columns=20)
        found.append(int(tb.broken.value))
    (Path.cwd() / REPORT_FILE).write_text(json.dumps(found))
