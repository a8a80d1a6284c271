"""Requests and responses of the host link; no gateware."""
