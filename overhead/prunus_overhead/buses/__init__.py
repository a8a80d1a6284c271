"""The buses of a core, side by side: size, clock, cycles, lockstep."""
