"""The host's side of the link: one driver, over a serial port, a simulation or the golden model."""

from prunus_boards.driver.device import Device

__all__ = ["Device"]
