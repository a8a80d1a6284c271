"""Size of cores: cells after synthesis, budgets."""
