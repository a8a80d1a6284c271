"""Physical layers of the host link."""
