"""Simulators: building, running, ports, streams."""
