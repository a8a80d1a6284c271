"""Mutation testing of the gateware."""
