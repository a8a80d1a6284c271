"""Networks in and out: NIR graphs and traces, and the names of NeuroBench.

What needs the extra `nir` imports the package of that name, and nothing else here does.
"""
