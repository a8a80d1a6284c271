"""Co-simulation: a core and the golden model in lockstep."""
