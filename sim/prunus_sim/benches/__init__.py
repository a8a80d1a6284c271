"""cocotb benches: one module per unit, run by :func:`prunus_sim.runner.run_bench`."""
