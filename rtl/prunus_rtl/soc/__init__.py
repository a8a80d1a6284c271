"""Packages for the systems of others: serial line, AXI, Wishbone; their documents and drivers."""
