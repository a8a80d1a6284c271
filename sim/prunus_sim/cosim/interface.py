"""Interface between Python and the testbench ``core_tb.sv``: commands, and names of files.

All files are in the folder from which the simulator is started.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BACKDOOR_FILE",
    "FAILURE_FILE",
    "FEED_FILE",
    "POKE_FILE",
    "PORT_FILE",
    "REPORT_FILE",
    "RESULT_FILE",
    "SCENARIO_FILE",
    "Opcode",
]

#: The scenario to run, pickled.
SCENARIO_FILE = "scenario.pickle"
#: After a mismatch, the scenario of its presentation alone, pickled.
FAILURE_FILE = "failure.pickle"
#: Counts of a scenario that ended without a mismatch, as JSON.
REPORT_FILE = "report.json"
#: Words for the stream ``levels`` or ``events``.
FEED_FILE = "feed.hex"
#: Words for the memory port to write.
POKE_FILE = "poke.hex"
#: A line for each output spike (``s``) and result (``r``), and for its accesses (``a``).
RESULT_FILE = "results.txt"
#: Answers of the memory port.
PORT_FILE = "port.txt"
#: Contents of all memories, each after a line with the name of its memory.
BACKDOOR_FILE = "backdoor.txt"


class Opcode(IntEnum):
    """Commands of the testbench."""

    #: Reset the core.
    RESTART = 0
    #: Load the words of :data:`FEED_FILE`.
    LOAD_FEED = 1
    #: Present what was loaded, and record the results.
    PRESENT = 2
    #: Read addresses through the memory port.
    PEEK = 3
    #: Write addresses through the memory port.
    POKE = 4
    #: Write the contents of all memories to :data:`BACKDOOR_FILE`.
    BACKDOOR = 5
