"""A local page that shows a network learning, and what it takes a drawn digit for."""
