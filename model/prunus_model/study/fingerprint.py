"""What this version of the model computes, as one number: it changes when the semantics change."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache

import numpy as np

from prunus_model.engine.engine import Engine
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    RedundancyParams,
    SoftPruning,
)
from prunus_model.spec.state import STATE_DTYPES

__all__ = ["fingerprint"]

#: Strong enough to prune some, but not all, synapses of `tiny` in so few presentations.
_RULES: tuple[tuple[PruningParams, RedundancyParams | None], ...] = (
    (NoPruning(), None),
    (ConstantPruning(w_prune=30, start=60), None),
    (AdaptivePruning(ramp_shift=1, strength_gain=900), None),
    (AdaptivePruning(ramp_shift=0, strength_gain=1200), RedundancyParams(shift=4)),
    (PostPruning(w_prune=30), None),
    (SoftPruning(after_presentations=4, min_spikes=1, percent=40), None),
)
_IMAGES = 200
_DIGITS = 16


@cache
def fingerprint() -> str:
    """Return a digest of what the engine computes, every kind of pruning included.

    A small network of each rule of pruning learns from fixed images, then infers with early exit.
    All state variables, counters and spikes go into the digest. No version number has to be kept up
    by hand, and nothing changes for a new parameter whose default leaves the behaviour as it is.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    config = NetworkConfig.named("tiny")
    digest = hashlib.sha256()
    # Ten shapes in turn, each pixel dark or at one of a few levels: arithmetic alone, so that no
    # generator of random numbers of a library takes part.
    numbers = np.arange(_IMAGES * config.inputs).reshape(_IMAGES, config.inputs)
    shape = (numbers % config.inputs) * (7 + np.arange(_IMAGES)[:, None] % 10) % 11
    levels = np.where(shape < 4, 40 + 20 * shape, numbers % 5).astype(np.uint8)
    for policy, redundancy in _RULES:
        engine = Engine(replace(config, pruning=policy, redundancy=redundancy))
        counters, spikes = engine.train(levels)
        engine.finish()
        counts, inferred = engine.infer(levels, stop_after=2, threads=1)
        state = engine.state
        for array in (
            *(getattr(state, name).astype(np.int64) for name in STATE_DTYPES),
            counters.to_array(),
            spikes.astype(np.int64),
            counts,
            inferred.astype(np.int64),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:_DIGITS]
