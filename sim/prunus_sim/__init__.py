"""Simulation of the generated hardware, bit for bit against the golden model."""
