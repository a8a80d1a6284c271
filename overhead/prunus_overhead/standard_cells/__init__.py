"""Standard cells: area of a core, and energy from the switching activity of its netlist."""
