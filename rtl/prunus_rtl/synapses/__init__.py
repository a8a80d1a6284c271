"""Synapses: weight memories and the columns that learning sees."""
