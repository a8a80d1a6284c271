"""What reference, engine and gateware share, and nothing that computes a spike."""
