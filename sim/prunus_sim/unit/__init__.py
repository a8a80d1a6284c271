"""cocotb benches: one module per unit, run by :func:`prunus_sim.simulator.runner.run_bench`."""
