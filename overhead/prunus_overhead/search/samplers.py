"""What proposes the values of a trial: samplers of Optuna, begun anew for each trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

__all__ = ["FAILURE", "SAMPLERS", "Repeatable", "counted"]

#: Attribute of a trial that can't be done: why. One that was given up has none, and is done again.
FAILURE = "failure"
#: Trials of the first generation, and of each that follows.
_POPULATION = 12
#: By name, what makes a sampler of a seed.
SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: TPESampler(seed=seed),
    "nsga2": lambda seed: NSGAIISampler(seed=seed, population_size=_POPULATION),
    "random": lambda seed: RandomSampler(seed=seed),
}


def counted(trial: FrozenTrial) -> bool:
    """Return whether a trial counts: done, found impossible, or at work; not if it was given up."""
    if trial.state == TrialState.FAIL:
        return FAILURE in trial.user_attrs
    return trial.state in (TrialState.COMPLETE, TrialState.RUNNING)


class Repeatable(BaseSampler):
    """A sampler whose proposals depend on the trials before alone, not on who asked for these.

    It is begun anew for each trial, with the seed of the search and the number of trials that were
    counted before: so a search that was stopped and goes on proposes what it would have proposed.

    Parameters
    ----------
    name : str
        One of :data:`SAMPLERS`.
    seed : int
        Seed of the search.
    """

    def __init__(self, name: str, seed: int) -> None:
        self._make = SAMPLERS[name]
        self._seed = seed
        self._inner = self._make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Begin anew."""
        before = sum(
            counted(other) and other.number < trial.number
            for other in study.get_trials(deepcopy=False)
        )
        self._inner = self._make(self._seed * 1_000_003 + before & 0xFFFFFFFF)
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As the sampler."""
        return self._inner.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the sampler."""
        return self._inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As the sampler."""
        return self._inner.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """As the sampler."""
        self._inner.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Do nothing: each trial has a seed of its own."""
