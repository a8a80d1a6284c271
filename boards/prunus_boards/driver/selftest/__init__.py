"""Self-test of a device through its link: line, memories, images, counters."""
