"""Named scenarios of the co-simulation.

Each takes a seed and gives a :class:`prunus_sim.cosim.scenario.Scenario`; other seeds give other
weights, other images, other pauses. They are data: :mod:`.registry` has them all by name.
"""
