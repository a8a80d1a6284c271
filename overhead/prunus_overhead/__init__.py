"""What pruning costs and saves: area, clock, cycles, energy."""
