"""Properties of the units, a file each."""
