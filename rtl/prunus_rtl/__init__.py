"""Prunus gateware: the network of :mod:`prunus_model` as a core that learns, prunes and infers."""
