"""A core behind its simulated host link."""
