"""Proofs about the units of the RTL: for every input, not for the inputs of a bench.

Each module ``properties/<unit>.py`` wraps a unit in assumptions about its users and assertions
about it, and lists what is proved in ``CASES``. :mod:`prunus_sim.formal.prove` is the runner;
``python -m prunus_sim.formal.prove`` proves everything and prints a table.
"""
