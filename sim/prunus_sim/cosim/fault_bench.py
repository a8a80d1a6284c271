"""Bench that runs a scenario once for each injected fault, in one simulation."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import cocotb

from prunus_sim.cosim.bench import Cosim
from prunus_sim.cosim.interface import REPORT_FILE, SCENARIO_FILE
from prunus_sim.cosim.scenario import Scenario

__all__ = ["FAULTS_VARIABLE"]

#: Environment variable with the number of faults.
FAULTS_VARIABLE = "FAULTS"


@cocotb.test()
async def faults_are_found(tb: Any) -> None:
    """Write the message of each fault, of none first; empty if core and model were equal."""
    folder = Path.cwd()
    scenario: Scenario = pickle.loads((folder / SCENARIO_FILE).read_bytes())
    cosim = Cosim(tb, scenario, folder)
    messages = []
    for fault in range(int(os.environ[FAULTS_VARIABLE]) + 1):
        tb.fault.value = 0
        await cosim.restart()
        tb.fault.value = fault
        message = ""
        try:
            for sequence in scenario.sequences:
                await cosim.run(sequence)
        except AssertionError as e:
            message = str(e)
        messages.append(message)
    (folder / REPORT_FILE).write_text(json.dumps(messages))
