"""Building blocks that know nothing of neurons."""
