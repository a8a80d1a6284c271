"""Measurements whose results are kept."""
