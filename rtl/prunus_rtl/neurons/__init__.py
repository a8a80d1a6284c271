"""Neurons: membranes, winner, firing thresholds, readout."""
