"""Memory images of a trained network: formats, addresses, sizes, devices."""
