"""Measurements in simulation: cycles, speed, the long lockstep runs."""
