"""Search for configurations by accuracy, additions of an inference, and memory of the core."""
