"""Power of a board while it shows images: sensors, phases, statistics."""
