"""Prunus on boards: bitstreams, and the driver of a core behind a link."""
