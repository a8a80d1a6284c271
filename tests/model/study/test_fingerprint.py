"""Fingerprint of what the model computes."""

from dataclasses import replace

import pytest

from prunus_model.spec.pruning import AdaptivePruning
from prunus_model.study import fingerprint as fingerprints
from prunus_model.study.fingerprint import fingerprint


def test_fingerprint_is_of_what_the_engine_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert len(before) == 16
    fingerprint.cache_clear()
    assert fingerprint() == before
    rules = fingerprints._RULES
    seen = {before}
    adaptive = [(n, p, r) for n, (p, r) in enumerate(rules) if isinstance(p, AdaptivePruning)]
    assert {bool(redundancy) for _, _, redundancy in adaptive} == {False, True}
    for n, policy, redundancy in adaptive:
        changed = list(rules)
        changed[n] = replace(policy, strength_gain=policy.strength_gain * 2), redundancy
        monkeypatch.setattr(fingerprints, "_RULES", tuple(changed))
        fingerprint.cache_clear()
        seen.add(fingerprint())
    assert len(seen) == 1 + len(adaptive)
    fingerprint.cache_clear()
