"""Other votes for a trained network, from the response that it was labelled by."""

from __future__ import annotations

from dataclasses import replace

from prunus_model.common.errors import ConfigError
from prunus_model.reference.readout import Readout
from prunus_model.training.artifact import Artifact

__all__ = ["relabelled"]


def relabelled(
    artifact: Artifact,
    *,
    votes: str | None = None,
    vote_bits: int | None = None,
    stop_after: int | None = None,
    margin: int | None = None,
) -> Artifact:
    """Return a network with votes made anew from its response; nothing is trained or shown.

    Parameters
    ----------
    artifact : Artifact
        The network. It stays as it is, and shares its arrays with the new one.
    votes, vote_bits, stop_after, margin : optional
        As of :class:`prunus_model.spec.readout.ReadoutParams`. Default: as configured. A margin is
        counted in votes: with other votes it must be given, if there is one.

    Raises
    ------
    ConfigError
        If a parameter is out of range, the margin can never be reached, or is one of other votes.
    """
    config = artifact.config.with_readout(
        votes=votes, vote_bits=vote_bits, stop_after=stop_after, margin=margin
    )
    before, after = artifact.config.readout, config.readout
    if (
        before.margin
        and margin is None
        and (before.votes, before.vote_bits)
        != (
            after.votes,
            after.vote_bits,
        )
    ):
        raise ConfigError(
            f"Margin must be given with other votes, 0 for none: {before.margin} is one of "
            f"{before.vote_bits}-bit {before.votes}"
        )
    readout = Readout.learn(artifact.response, artifact.response_images, config.readout)
    return replace(artifact, config=config, readout=readout)
