"""Data and trained networks that come with Prunus."""
