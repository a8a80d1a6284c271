"""Digests of gateware, which tell what of it measured results are of."""
