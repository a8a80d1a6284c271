"""What a core does in a presentation, counted: memory accesses and operations."""
