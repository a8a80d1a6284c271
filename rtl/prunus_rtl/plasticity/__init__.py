"""Plasticity: spike-time traces, STDP, pruning, redundancy."""
