"""Encoder: from input levels to input spikes."""
