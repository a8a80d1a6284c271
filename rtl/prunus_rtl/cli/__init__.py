"""Command line: packages of a core."""
