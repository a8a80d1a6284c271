"""What this version of the model computes, as one number: it changes when the semantics change."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_model.engine.engine import Engine
from prunus_model.reference.readout import Readout, response
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import ContrastParams
from prunus_model.spec.groups import DARK, GroupsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import (
    AdaptivePruning,
    ConstantPruning,
    LiftPruning,
    NoPruning,
    PostPruning,
    PruningParams,
    SoftPruning,
)
from prunus_model.spec.readout import ReadoutParams
from prunus_model.spec.state import STATE_DTYPES

__all__ = ["fingerprint", "groups_fingerprint", "options_fingerprint"]

_IMAGES = 200
#: Strong enough to prune some, but not all, synapses of `tiny` in so few presentations.
_RULES: tuple[PruningParams, ...] = (
    NoPruning(),
    ConstantPruning(w_prune=30, start=60),
    AdaptivePruning(ramp_shift=1, strength_gain=900),
    LiftPruning(share=192, length=_IMAGES),
    PostPruning(w_prune=30),
    SoftPruning(after_presentations=4, min_spikes=1, percent=40),
)
_DIGITS = 16
#: What published results call digests of the same: those before the rule of redundant inputs was
#: removed, and the state variable that it had.
_PUBLISHED = {
    "9f88ee7e9a1d3947": "5a62f4d88486cccf",
    "4c3e8f69aceb2c59": "29dfe210e4c40c8c",
    "36fb34736a4ceacd": "6ceced29d43453ec",
}


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
    config, shown = NetworkConfig.named("tiny"), _images()
    digest = hashlib.sha256()
    for policy in _RULES:
        engine = Engine(replace(config, pruning=policy))
        _update(digest, _trained(engine, shown), *engine.infer(shown, stop_after=2, threads=1))
    return _named(digest)


@cache
def options_fingerprint() -> str:
    """Return a digest of what came later: encoder options, kinds of votes, the sequential test.

    Results that use none of them are of :func:`fingerprint` alone, and do not change with these.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    tiny, shown = NetworkConfig.named("tiny"), _images()
    digest = hashlib.sha256()
    contrast = ContrastParams(image_width=7, window=3)
    labels = (np.arange(_IMAGES) % 10).astype(np.uint8)
    images = np.bincount(labels, minlength=10)
    for encoder, inputs in (
        (replace(tiny.encoder, spikes="low-discrepancy"), tiny.inputs),
        (replace(tiny.encoder, refractory_steps=2), tiny.inputs),
        (replace(tiny.encoder, contrast=contrast), 2 * tiny.inputs),
    ):
        config = replace(tiny, encoder=encoder, inputs=inputs)
        given = levels(shown, encoder)
        engine = Engine(config)
        trained = _trained(engine, given)
        _, spikes = engine.infer(given, threads=1)
        sums = response(spikes, labels, 10)
        for readout, margin in (
            (ReadoutParams(vote_bits=6), 9),
            (ReadoutParams(vote_bits=6, votes="logarithms"), 40),
        ):
            made = Readout.learn(sums, images, readout)
            tested = Engine(replace(config, readout=readout), engine.state, made.votes)
            outcomes = [
                tested.present(image, learn=False, margin=margin, keep=k % 3 == 2)
                for k, image in enumerate(given)
            ]
            elected = np.array([(one.prediction, one.lead) for one in outcomes])
            counts = np.array([one.counters.to_array() for one in outcomes])
            _update(digest, trained, made.votes, elected, counts)
    return _named(digest)


@cache
def groups_fingerprint() -> str:
    """Return a digest of groups and looks, as :func:`options_fingerprint` is one of options.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    tiny, shown = NetworkConfig.named("tiny"), _images()
    labels = (np.arange(_IMAGES) % 10).astype(np.uint8)
    images = np.bincount(labels, minlength=10)
    window: dict[str, Any] = {"image_width": 7, "image_height": 7, "window_width": 4}
    indices = (tuple(range(12)), (*range(20, 30), DARK, DARK))
    digest = hashlib.sha256()
    for groups in (
        GroupsParams(window_height=3, stride=3, looks=((0, 0), (-1, 2)), **window),
        GroupsParams(window_height=3, count=2, order="centre", **window),
        GroupsParams(image_width=7, image_height=7, indices=indices),
    ):
        readout = ReadoutParams(vote_bits=6, votes="logarithms", stop_after=1, margin=40)
        config = replace(tiny, inputs=12, groups=groups, readout=readout)
        engine = Engine(config)
        trained = _trained(engine, shown)
        _, spikes = engine.infer(shown, stop_after=1, threads=1)
        made = Readout.learn(response(spikes, labels, 10), images, readout)
        tested = Engine(config, engine.state, made.votes)
        counts, spikes = tested.infer(shown, stop_after=1, margin=40, threads=1)
        _update(digest, trained, made.votes, counts, spikes)
    return _named(digest)


def _images() -> npt.NDArray[np.uint8]:
    """Return ten shapes in turn, each pixel dark or at one of a few levels.

    Arithmetic alone, so that no generator of random numbers of a library takes part.
    """
    inputs = NetworkConfig.named("tiny").inputs
    numbers = np.arange(_IMAGES * inputs).reshape(_IMAGES, inputs)
    shape = (numbers % inputs) * (7 + np.arange(_IMAGES)[:, None] % 10) % 11
    return np.where(shape < 4, 40 + 20 * shape, numbers % 5).astype(np.uint8)


def _trained(engine: Engine, given: npt.NDArray[np.uint8]) -> list[npt.NDArray[Any]]:
    """Train an engine to its end; return its state, counters and spikes."""
    counters, spikes = engine.train(given)
    engine.finish()
    state = engine.state
    return [*(getattr(state, name) for name in STATE_DTYPES), counters.to_array(), spikes]


def _named(digest: Any) -> str:
    found: str = digest.hexdigest()[:_DIGITS]
    return _PUBLISHED.get(found, found)


def _update(digest: Any, trained: list[npt.NDArray[Any]], *more: npt.NDArray[Any]) -> None:
    for array in (*trained, *more):
        digest.update(np.ascontiguousarray(array.astype(np.int64)).tobytes())
