"""From a network to a bitstream: pins, clock, tools, what fits, and a report."""
