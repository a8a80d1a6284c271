"""Ways to a device: serial port, simulator, emulator, golden model."""
