"""Errors that a user can cause and mend: one line each, shown without a traceback."""

__all__ = [
    "ArtifactError",
    "ConfigError",
    "DataError",
    "ExchangeError",
    "PrunusError",
    "ResultsError",
]


class PrunusError(ValueError):
    """Base of all errors about what the user gave: the message is one complete line."""


class ConfigError(PrunusError):
    """A configuration is unreadable, incomplete, contradictory or out of range."""


class DataError(PrunusError):
    """Images or labels are missing, damaged, or do not fit the configuration."""


class ArtifactError(PrunusError):
    """A saved network or checkpoint is damaged, unknown, or does not fit."""


class ResultsError(PrunusError):
    """A store of results is damaged, of another version, or contradicts itself."""


class ExchangeError(PrunusError):
    """A file of another tool is damaged or not what is known, or a network can't be said in one."""
