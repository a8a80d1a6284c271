"""Whatever differs in an outcome is found and told."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from prunus_boards.driver.checking import check
from prunus_boards.driver.outcome import Outcome
from prunus_devices import PACKED, device, shown
from prunus_model.spec.counters import COUNTERS


def difference(monkeypatch: pytest.MonkeyPatch, change: Callable[[Outcome], Outcome]) -> str:
    """Compare three images, of which the second has another outcome."""
    with device(PACKED) as one:
        real = one.present_many

        def present_many(*args: object, **options: object) -> list[Outcome]:
            outcomes = list(real(*args, **options))  # type: ignore[arg-type]
            outcomes[1] = change(outcomes[1])
            return outcomes

        monkeypatch.setattr(one, "present_many", present_many)
        *_, found = check(one, shown(3))
    assert found.images == (2 if found.difference else 3)
    return found.difference


def spikes(outcome: Outcome, **changes: Callable[[np.ndarray], np.ndarray]) -> Outcome:
    presentation = outcome.presentation
    arrays = {name: change(getattr(presentation, name)) for name, change in changes.items()}
    return replace(outcome, presentation=replace(presentation, **arrays))  # type: ignore[arg-type]


def test_equal_outcomes_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert difference(monkeypatch, lambda outcome: outcome) == ""


@pytest.mark.parametrize("name", COUNTERS)
def test_every_counter_is_compared(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def change(outcome: Outcome) -> Outcome:
        counters = replace(
            outcome.presentation.counters,
            **{name: getattr(outcome.presentation.counters, name) + 1},
        )
        return replace(outcome, presentation=replace(outcome.presentation, counters=counters))

    text = difference(monkeypatch, change)
    # What hardware can't count is not compared.
    want = "" if name == "frozen_sops" else f"presentation 1: {name} must be "
    assert text.startswith(want) and bool(text) == bool(want)


def test_prediction_and_lead_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prediction", "lead"):

        def change(outcome: Outcome, name: str = name) -> Outcome:
            shown = outcome.presentation
            wrong = replace(shown, **{name: getattr(shown, name) + 1})
            return replace(outcome, presentation=wrong)

        text = difference(monkeypatch, change)
        assert text.startswith(f"presentation 1: {name} must be ")


@pytest.mark.parametrize("name", ["spike_steps", "spike_posts"])
def test_steps_and_neurons_are_compared(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def last_plus_1(values: np.ndarray) -> np.ndarray:
        return np.array([*values[:-1], values[-1] + 1])

    text = difference(monkeypatch, lambda outcome: spikes(outcome, **{name: last_plus_1}))
    assert text.startswith("presentation 1: output spike ")


def test_missing_and_surplus_spikes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fewer(outcome: Outcome) -> Outcome:
        return spikes(outcome, spike_steps=lambda a: a[:-1], spike_posts=lambda a: a[:-1])

    def more(outcome: Outcome) -> Outcome:
        return spikes(
            outcome,
            spike_steps=lambda a: np.append(a, 15),
            spike_posts=lambda a: np.append(a, 3),
        )

    assert difference(monkeypatch, fewer).endswith(", not None")
    assert difference(monkeypatch, more).endswith("must be None, not (15, 3)")


def test_images_can_be_compared_again() -> None:
    """The device has gone on counting presentations; the model begins where the network does."""
    with device(PACKED) as one:
        for _ in range(2):
            *_, found = check(one, shown(5))
            assert (found.images, found.difference) == (5, "")
