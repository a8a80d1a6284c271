"""The core: units, their sequence and their wires."""
