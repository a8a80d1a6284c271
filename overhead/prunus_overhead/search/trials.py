"""Trials of a search, in a file that processes and machines share; trainings are in the store."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from prunus_model.common.errors import ConfigError, ResultsError
from prunus_model.spec.config import NetworkConfig
from prunus_model.study.plan import Training, plan
from prunus_model.study.results_db import ResultStore
from prunus_model.study.rule import Rule
from prunus_model.study.runner import Failure
from prunus_model.study.trials import Trial
from prunus_overhead.search.area import memory_bits
from prunus_overhead.search.owners import is_alive, owner
from prunus_overhead.search.samplers import FAILURE, Repeatable, counted
from prunus_overhead.search.space import Space

__all__ = ["MEASURED", "OBJECTIVES", "Search", "Work"]

#: What is sought, with the direction of each: in this order are the values of a trial.
OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "sops_per_image": "minimize",
    "memory_bits": "minimize",
}
#: Attribute of a trial that is done: what was measured, seed by seed.
MEASURED = "measured"
_STUDY, _IDENTITY, _OWNER = "prunus", "identity", "owner"
#: Seconds after which a trial that nobody has put a name to is nobody's.
_NAMELESS = 60.0
#: Seconds between two looks at the trials of other processes.
_LOOK = 0.5


class Work(Protocol):
    """Does trainings; as :func:`prunus_model.study.runner.reproduce`."""

    def __call__(self, trainings: Sequence[Training], store: ResultStore) -> list[Failure]:
        """Add to the store what it does not have; return what failed."""


class Search:
    """A search whose trials are in a file.

    Parameters
    ----------
    space : Space
        What is searched.
    journal : Path
        The file; made, with the folders above, if it is not there.
    sampler : str
        One of :data:`prunus_overhead.search.samplers.SAMPLERS`.
    seed : int
        Of the sampler.

    Raises
    ------
    ResultsError
        If the file is none of a search, or of one with other ranges, data or model.
    DataError
        If the data are missing or do not fit.
    """

    def __init__(self, space: Space, journal: Path, *, sampler: str, seed: int) -> None:
        self._space, self._journal = space, journal
        # Told what it is asked; what is odd is told by us.
        optuna.logging.set_verbosity(logging.ERROR)
        first = self._trial({}, space.seeds[0])
        (base,) = plan([first])
        memory_bits(_sized(first, base), 1, lanes=space.lanes)
        identity = space.identity | {"training": base.digest}
        journal.parent.mkdir(parents=True, exist_ok=True)
        try:
            storage = JournalStorage(JournalFileBackend(str(journal)))
            if _STUDY in optuna.get_all_study_names(storage):
                self._study = optuna.load_study(
                    study_name=_STUDY, storage=storage, sampler=Repeatable(sampler, seed)
                )
            else:
                self._study = optuna.create_study(
                    storage=storage,
                    sampler=Repeatable(sampler, seed),
                    study_name=_STUDY,
                    directions=list(OBJECTIVES.values()),
                    # Another process may begin it at this moment.
                    load_if_exists=True,
                )
            kept = self._study.user_attrs.get(_IDENTITY)
            if kept is None and not self._study.get_trials(deepcopy=False):
                self._study.set_user_attr(_IDENTITY, identity)
                kept = self._study.user_attrs.get(_IDENTITY)
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise ResultsError(
                f"Trials {journal} must be a file that prunus search has made"
            ) from e
        if not isinstance(kept, dict) or kept != identity:
            kept = kept if isinstance(kept, dict) else {}
            other = [name for name in identity if kept.get(name) != identity[name]]
            told = ", ".join("data or model" if name == "training" else name for name in other)
            raise ResultsError(
                f"Trials {journal} must be of this search, not of one with other {told}: name "
                f"another file with --trials-file"
            )

    @property
    def space(self) -> Space:
        """What is searched."""
        return self._space

    def trials(self) -> list[FrozenTrial]:
        """Return all trials that are done, by number."""
        return [t for t in self._all() if t.state == TrialState.COMPLETE]

    def failures(self) -> dict[int, str]:
        """Return why trials can't be done, by number."""
        return {t.number: t.user_attrs[FAILURE] for t in self._all() if FAILURE in t.user_attrs}

    def run(
        self,
        total: int,
        store: ResultStore,
        work: Work,
        *,
        at_a_time: int = 1,
        ended: Callable[[], None] = lambda: None,
        waits: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Go on until the file has so many trials, those of other processes included.

        Parameters
        ----------
        total : int
            Trials; those that can't be done count.
        store : ResultStore
            Trainings are looked up in it, and added to it.
        work : Work
            Does trainings.
        at_a_time : int
            Trials that are proposed together, none knowing what the others have brought.
        ended : callable
            Called after trials have ended.
        waits : callable
            Called once, with the number of trials of other processes that are waited for.

        Raises
        ------
        KeyboardInterrupt
            And whatever else stops the work: then trials that were begun are put back.
        """
        told = False
        with owner(self._journal) as name:
            while True:
                self._put_back(lambda trial: not self._is_at_work(trial))
                batch = self._ask(name, at_a_time, total)
                if batch:
                    self._do(batch, name, store, work)
                    ended()
                    continue
                others = [t for t in self._all() if t.state == TrialState.RUNNING]
                if not others:
                    return
                if not told:
                    told = True
                    waits(len(others))
                time.sleep(_LOOK)

    def network(self, trial: FrozenTrial) -> NetworkConfig:
        """Return the configuration of a trial, with the sizes of the data; `prunus train` takes it.

        Its seed is the first of the search.
        """
        planned = self._trial(trial.params, self._space.seeds[0])
        (training,) = plan([planned])
        return _sized(planned, training)

    def _all(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _is_at_work(self, trial: FrozenTrial) -> bool:
        if name := trial.user_attrs.get(_OWNER):
            return is_alive(self._journal, name)
        begun = trial.datetime_start or datetime.datetime.min
        return (datetime.datetime.now() - begun).total_seconds() < _NAMELESS

    def _put_back(self, gone: Callable[[FrozenTrial], bool]) -> None:
        """Give up trials that are begun, and propose their values again."""
        for trial in self._all():
            if trial.state == TrialState.RUNNING and gone(trial):
                try:
                    self._study.tell(trial.number, state=TrialState.FAIL)
                except (RuntimeError, ValueError):
                    # Another process was first, or it has ended after all.
                    continue
                self._study.enqueue_trial(trial.params)

    def _ask(self, name: str, most: int, total: int) -> list[optuna.Trial]:
        asked: list[optuna.Trial] = []
        for _ in range(most):
            if sum(map(counted, self._all())) >= total:
                break
            trial = self._study.ask(self._space.distributions)
            trial.set_user_attr(_OWNER, name)
            if sum(counted(t) and t.number < trial.number for t in self._all()) >= total:
                # Another process has asked at the same time.
                self._study.tell(trial, state=TrialState.FAIL)
                break
            asked.append(trial)
        return asked

    def _do(self, batch: list[optuna.Trial], name: str, store: ResultStore, work: Work) -> None:
        """Train and test some trials."""
        try:
            planned: list[tuple[optuna.Trial, list[tuple[Trial, Training]]]] = []
            for trial in batch:
                try:
                    wanted = [self._trial(trial.params, seed) for seed in self._space.seeds]
                    pairs = list(zip(wanted, plan(wanted), strict=True))
                    for one, training in pairs:
                        memory_bits(_sized(one, training), 1, lanes=self._space.lanes)
                except ConfigError as e:
                    self._end(trial, failure=str(e))
                else:
                    planned.append((trial, pairs))
            # One training may serve trials that differ in the readout alone.
            todo: dict[str, Training] = {}
            for _, pairs in planned:
                for _, training in pairs:
                    known = todo.get(training.digest, training)
                    todo[training.digest] = replace(known, rules=known.rules | training.rules)
            failed = {f.training.digest: f.message for f in work(list(todo.values()), store)}
            for trial, pairs in planned:
                wrong = [failed[t.digest] for _, t in pairs if t.digest in failed]
                if wrong:
                    self._end(trial, failure=wrong[0])
                else:
                    self._end(trial, measured=self._measured(pairs, store))
        finally:
            # Nothing is left but what was stopped.
            self._put_back(lambda trial: trial.user_attrs.get(_OWNER) == name)

    def _end(
        self,
        trial: optuna.Trial,
        *,
        measured: list[dict[str, Any]] | None = None,
        failure: str = "",
    ) -> None:
        try:
            if measured is None:
                trial.set_user_attr(FAILURE, failure)
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                trial.set_user_attr(MEASURED, measured)
                self._study.tell(
                    trial,
                    [sum(row[name] for row in measured) / len(measured) for name in OBJECTIVES],
                )
        except (RuntimeError, ValueError):
            # Taken for given up, and begun again by another process.
            return

    def _measured(
        self, pairs: list[tuple[Trial, Training]], store: ResultStore
    ) -> list[dict[str, Any]]:
        """Return what the store has of a trial, seed by seed."""
        found = []
        for trial, training in pairs:
            kept = store.get(training.digest)
            if kept is None:
                raise ResultsError(f"Store {store.path} must keep what is added to it")
            (rule,) = training.rules
            test = kept.tests[rule]
            weights = training.config.rows * training.config.neurons
            # What soft pruning has frozen at 0 is stored as a zero.
            soft = training.config.pruning.policy == "soft"
            synapses = weights if soft else round(kept.row["density"] * weights)
            config = _sized(trial, training)
            found.append(
                {
                    "seed": config.seed,
                    "digest": training.digest,
                    "accuracy": test["vote"],
                    "sops_per_image": test["forward_sops_per_inference"],
                    "memory_bits": memory_bits(config, synapses, lanes=self._space.lanes),
                    "density": kept.row["density"],
                }
            )
        return found

    def _trial(self, values: dict[str, Any], seed: int) -> Trial:
        config = self._space.configured(values, seed=seed)
        of = config.readout
        settings = self._space.settings(values)
        told = ("pruning", "seed", "weight_bits")
        return Trial(
            part="search",
            label="",
            data=self._space.data,
            config_name=self._space.config,
            config=config,
            epochs=self._space.epochs,
            rules=(Rule(of.votes, of.vote_bits, of.stop_after, of.margin),),
            settings={name: value for name, value in settings.items() if name not in told},
            validate=True,
            chose=True,
        )


def _sized(trial: Trial, training: Training) -> NetworkConfig:
    """Return the configuration of a trial with the sizes of the data."""
    readout = replace(trial.config.readout, classes=training.config.readout.classes)
    return replace(trial.config, inputs=training.config.inputs, readout=readout)
