"""Pins of SPI, as Amaranth knows those of a UART."""

from __future__ import annotations

from typing import Any

from amaranth.build import Attrs, Pins, Resource, Subsignal

__all__ = ["spi_resource"]


def spi_resource(
    *,
    sck: str,
    cs: str,
    mosi: str,
    miso: str,
    attrs: Attrs,
    pull_up: Attrs,
    conn: tuple[str, int] | None = None,
) -> Resource:
    """Return the resource ``spi`` of a peripheral.

    Not :func:`amaranth_boards.resources.SPIResource`, which inverts chip select and has other names
    of the pins than the command line.

    Parameters
    ----------
    sck, cs, mosi, miso : str
        Pins. Chip select is active low, and is not inverted.
    attrs : Attrs
        Of all of them.
    pull_up : Attrs
        Of chip select, so that nobody is selected while nothing is connected.
    conn : (str, int), optional
        Connector whose pins these are.
    """

    def pin(name: str, site: str, dir: str, *more: Any) -> Subsignal:
        return Subsignal(name, Pins(site, dir=dir, conn=conn), *more)

    return Resource(
        "spi",
        0,
        pin("sck", sck, "i"),
        pin("cs", cs, "i", pull_up),
        pin("mosi", mosi, "i"),
        pin("miso", miso, "oe"),
        attrs,
    )
