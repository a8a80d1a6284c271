"""Plasticity: spike-time traces, STDP, pruning, pruning by lift."""
