"""Lockstep of a core behind a bus: a program on AXI or Wishbone beside the golden model."""
