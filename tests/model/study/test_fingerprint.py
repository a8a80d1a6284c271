"""Fingerprint of what the model computes."""

from dataclasses import replace

import pytest

from prunus_model.reference import readout
from prunus_model.reference.readout import response
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.levels import levels
from prunus_model.spec.pruning import POLICIES, AdaptivePruning, LiftPruning, PruningParams
from prunus_model.study import fingerprint as fingerprints
from prunus_model.study.fingerprint import fingerprint, groups_fingerprint, options_fingerprint


def test_fingerprint_is_of_what_the_engine_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert len(before) == 16
    fingerprint.cache_clear()
    assert fingerprint() == before
    rules = fingerprints._RULES
    assert {rule.policy for rule in rules} == set(POLICIES)
    seen = {before}
    for n, policy in enumerate(rules):
        stronger: PruningParams
        match policy:
            case AdaptivePruning():
                stronger = replace(policy, strength_gain=policy.strength_gain * 2)
            case LiftPruning():
                stronger = replace(policy, share=policy.share // 2)
            case _:
                continue
        monkeypatch.setattr(fingerprints, "_RULES", (*rules[:n], stronger, *rules[n + 1 :]))
        fingerprint.cache_clear()
        seen.add(fingerprint())
    assert len(seen) == 3
    fingerprint.cache_clear()


def test_published_results_keep_the_name_of_their_model() -> None:
    found = {fingerprint(), options_fingerprint(), groups_fingerprint()}
    assert found == set(fingerprints._PUBLISHED.values())


def test_groups_have_a_fingerprint_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = groups_fingerprint()
    assert len({before, fingerprint(), options_fingerprint()}) == 3
    inside = GroupsParams.view_indices
    monkeypatch.setattr(
        GroupsParams, "view_indices", lambda groups, channels: inside(groups, channels)[:, ::-1]
    )
    groups_fingerprint.cache_clear()
    assert groups_fingerprint() != before
    monkeypatch.undo()
    groups_fingerprint.cache_clear()
    assert groups_fingerprint() == before


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("levels", "levels", lambda pixels, encoder: levels(pixels[:, ::-1], encoder)),
        ("votes", "_OCTAVES", 5),
        ("spikes", "response", lambda spikes, *rest: response(spikes[::-1], *rest)),
    ],
)
def test_options_have_a_fingerprint_of_their_own(
    monkeypatch: pytest.MonkeyPatch, where: str, name: str, value: object
) -> None:
    before = options_fingerprint()
    assert len(before) == 16
    assert before != fingerprint()
    monkeypatch.setattr(readout if where == "votes" else fingerprints, name, value)
    options_fingerprint.cache_clear()
    assert options_fingerprint() != before
    monkeypatch.undo()
    options_fingerprint.cache_clear()
    assert options_fingerprint() == before
