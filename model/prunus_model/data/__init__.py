"""Data sets: reading, checking, downloading."""
