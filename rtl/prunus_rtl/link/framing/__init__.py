"""Frames of the host link: byte stuffing and checksum."""
