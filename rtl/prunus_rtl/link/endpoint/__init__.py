"""The end of the host link in the device: requests, responses, log."""
