"""Command line: boards."""
