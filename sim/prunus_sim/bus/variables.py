"""Environment variables by which a bench is told over what it runs."""

__all__ = ["BUS_VARIABLE", "STREAMS_VARIABLE"]

#: Which bus there is: ``axi`` or ``wishbone``.
BUS_VARIABLE = "PRUNUS_BUS"
#: Whether inputs and spikes go over streams: 1 or 0.
STREAMS_VARIABLE = "PRUNUS_BUS_STREAMS"
