"""How a trained network is tested: by which votes, and what ends a presentation."""

from __future__ import annotations

from typing import Any, NamedTuple

from prunus_model.training.artifact import Artifact
from prunus_model.training.relabelling import relabelled

__all__ = ["Rule"]


class Rule(NamedTuple):
    """What tells two tests of one training apart; its fields are columns of the results.

    Attributes
    ----------
    votes, vote_bits, margin
        As of :class:`prunus_model.spec.readout.ReadoutParams`.
    early_exit : int
        Its ``stop_after``.
    """

    votes: str = "shares"
    vote_bits: int = 4
    early_exit: int = 0
    margin: int = 0

    @property
    def columns(self) -> dict[str, Any]:
        """Columns of a row of results."""
        return self._asdict()

    @property
    def readout(self) -> dict[str, Any]:
        """Parameters of the readout."""
        columns = self._asdict()
        return {"stop_after": columns.pop("early_exit"), **columns}

    def apply(self, artifact: Artifact) -> Artifact:
        """Return a network that is tested so when it is evaluated as configured."""
        return relabelled(artifact, **self.readout)
