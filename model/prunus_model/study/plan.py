"""From a sweep list to trainings: each once, whichever parts ask for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prunus_model.common.errors import ConfigError, DataError
from prunus_model.data.events.split import Labelled, load_for, stimuli
from prunus_model.data.fitting import fitted
from prunus_model.data.split import Split, check_for
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.pruning import scheduled
from prunus_model.spec.readout import ReadoutParams
from prunus_model.study.fingerprint import fingerprint
from prunus_model.study.rule import Rule
from prunus_model.study.trials import Trial, dotted

__all__ = ["Training", "chosen", "digest_of", "halves", "plan"]

#: Microseconds of so many steps of a group on one core: a part that is always there, and one per
#: neuron. Only the ratios matter, for the time that is left.
_STEPS, _FIXED, _PER_NEURON = 64, 28.0, 0.03
#: One of so many training images, the last ones, is for validation: of MNIST, the last 10,000.
_VALIDATION = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training with all tests that the list wants of it.

    Attributes
    ----------
    digest : str
        SHA-256 of everything that determines the network and, with a rule, each of its tests:
        configuration with seed, images and labels, epochs, what the model computes.
    data : str
        Data set.
    config_name : str
        Named configuration that it began with.
    config : NetworkConfig
        All parameters; those of the readout that play no part in training and labelling are the
        defaults.
    policy_setting : dict
        Parameters of the pruning policy as the list has them: without those that follow from the
        length of the training, so that it is the same on the validation split.
    epochs : int
        How often each training image is shown.
    rules : dict of Rule to tuple of str
        Tests, ascending, each with the parts that ask for it.
    parts : dict
        Parts of the list that ask for it, each with the label that it has there.
    settings : dict
        What was set beside policy, seed and width.
    validate : bool
        Whether it is tested on the last sixth of the training images, and trained without it.
    chose : bool
        Whether settings were chosen by its result.
    presentations : int
        Presentations of training, labelling and tests together.
    """

    digest: str
    data: str
    config_name: str
    config: NetworkConfig
    policy_setting: dict[str, Any]
    epochs: int
    rules: dict[Rule, tuple[str, ...]]
    parts: dict[str, str]
    settings: dict[str, Any]
    validate: bool
    chose: bool
    presentations: int

    @property
    def cost(self) -> float:
        """Seconds that it takes one core, about."""
        config = self.config
        whole = _FIXED + _PER_NEURON * config.neurons
        shown = self.presentations * config.group_count
        return shown * config.encoder.steps / _STEPS * whole / 1e6

    @property
    def columns(self) -> dict[str, Any]:
        """What a row of results says of it, before anything is measured."""
        return {
            "data": self.data,
            "config": self.config_name,
            "weights": self.config.rows * self.config.neurons,
            "neurons": self.config.all_neurons,
            "groups": self.config.group_count,
            "network": _network(self.config),
            "epochs": self.epochs,
            "policy": self.config.pruning.policy,
            "policy_setting": self.policy_setting,
            "weight_bits": self.config.weight_bits,
            "settings": self.settings,
            "seed": self.config.seed,
            "split": "validation" if self.validate else "test",
            "chose": self.chose,
        }

    @property
    def name(self) -> str:
        """What it is, for people."""
        columns = self.columns
        values = columns["policy_setting"] | dotted(self.settings)
        text = "".join(f" {name}={value}" for name, value in values.items())
        return (
            f"{self.data} {self.config_name} {columns['policy']}{text} "
            f"weight_bits={self.config.weight_bits} epochs={self.epochs} seed={self.config.seed}"
            f"{' validate' if self.validate else ''}"
        )


def halves(
    data: str, encoder: EncoderParams, *, validate: bool, progress: bool = False
) -> tuple[Labelled, Labelled]:
    """Load what a training is trained with, and what it is tested on.

    Parameters
    ----------
    data : str
        Data set, as :func:`prunus_model.data.events.split.load_for` takes it.
    encoder : EncoderParams
        Says whether they are images or events, and how events are binned.
    validate : bool
        Whether the last sixth of the training images takes the place of the test images.
    progress : bool
        Whether a download shows its progress on the standard error.

    Returns
    -------
    train, test : Split
        Without an image in common.

    Raises
    ------
    DataError
        If the data are missing or damaged, or too few to be divided.
    """
    train = load_for(encoder, data, "train", progress=progress)
    if not validate:
        return train, load_for(encoder, data, "test", progress=progress)
    kept = len(train) - len(train) // _VALIDATION
    if kept == len(train):
        raise DataError(
            f"Data {data} must have at least {_VALIDATION} training images for validation, "
            f"not {len(train)}"
        )
    first = replace(train.take(0, kept), name=f"{train.name}, but for the last sixth")
    last = replace(train.take(kept, len(train) - kept), name=f"{train.name}, last sixth")
    return first, last


def chosen(trials: Sequence[Trial], only: Collection[str]) -> list[Trial]:
    """Return the trials of some parts of a list; of all, if none is named.

    Raises
    ------
    ConfigError
        If there is no part of a name.
    """
    parts = list(dict.fromkeys(trial.part for trial in trials))
    for name in only:
        if name not in parts:
            raise ConfigError(f"Part must be one of {', '.join(parts)}, not {name!r}")
    return [trial for trial in trials if not only or trial.part in only]


def plan(trials: Sequence[Trial]) -> list[Training]:
    """Merge trials that are the same training, and look at the data once.

    Parameters
    ----------
    trials : sequence of Trial
        In any order.

    Returns
    -------
    list of Training
        In the order of the trials.

    Raises
    ------
    DataError
        If data are missing, damaged, or do not fit a configuration.
    ConfigError
        If a part gives one training two labels.
    """
    trainings: dict[str, Training] = {}
    # All are looked at now, not after hours of other trainings, and each is hashed once.
    data: dict[tuple[str, bool, str], tuple[Labelled, Labelled]] = {}
    hashes: dict[tuple[str, bool, str], tuple[str, str]] = {}
    for trial in trials:
        if (key := _data_key(trial)) not in data:
            train, test = data[key] = halves(
                trial.data, trial.config.encoder, validate=trial.validate, progress=True
            )
            hashes[key] = (train.sha256, test.sha256)
    for trial in trials:
        key = _data_key(trial)
        train, test = data[key]
        fit = _fitted(trial, data[key])
        of = fit.readout
        readout = ReadoutParams(classes=of.classes, stop_after=of.stop_after)
        pruning = scheduled(fit.pruning, len(train) * trial.epochs)
        config = replace(fit, readout=readout, pruning=pruning)
        digest = digest_of(config, trial.epochs, hashes[key])
        known = trainings.get(digest)
        rules = dict(known.rules) if known else {}
        for rule in trial.rules:
            rules[rule] = tuple(sorted({*rules.get(rule, ()), trial.part}))
        parts = known.parts if known else {}
        if parts.get(trial.part, trial.label) != trial.label:
            raise ConfigError(
                f"Sweep list: part {trial.part!r} must give one training one label, "
                f"not {parts[trial.part]!r} and {trial.label!r}"
            )
        trainings[digest] = Training(
            digest=digest,
            data=trial.data,
            config_name=known.config_name if known else trial.config_name,
            config=config,
            policy_setting=known.policy_setting if known else _setting(fit),
            epochs=trial.epochs,
            rules=dict(sorted(rules.items())),
            parts={**parts, trial.part: trial.label},
            settings=known.settings if known else dict(trial.settings),
            validate=trial.validate,
            chose=trial.chose or (known is not None and known.chose),
            presentations=len(train) * (trial.epochs + 1) + len(test) * len(rules),
        )
    return list(trainings.values())


def _data_key(trial: Trial) -> tuple[str, bool, str]:
    """Return what the data of a trial depend on: how events are binned, too."""
    encoder = trial.config.encoder
    binned = f"{encoder.events} {encoder.steps}" if encoder.events else ""
    return trial.data, trial.validate, binned


def _fitted(trial: Trial, data: tuple[Labelled, Labelled]) -> NetworkConfig:
    """Return a configuration with the sizes of the images; all data must fit it."""
    config, (train, test) = trial.config, data
    if isinstance(train, Split):
        config = fitted(config, train, said=dotted(trial.settings), source="Sweep list")
    for split in (train, test):
        if isinstance(split, Split):
            check_for(split, config)
        else:
            stimuli(split, config)
    return config


def _setting(config: NetworkConfig) -> dict[str, Any]:
    """Return the parameters of a policy that are set, but for its name."""
    pruning = config.to_mapping()["pruning"].items()
    return {name: value for name, value in pruning if name != "policy" and value is not None}


def _network(config: NetworkConfig) -> str:
    """Return a digest of what a row of results does not say otherwise: of groups and units."""
    told = ("pruning", "redundancy", "weight_bits", "seed", "readout")
    rest = {name: value for name, value in config.to_identity().items() if name not in told}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:12]


def digest_of(config: NetworkConfig, epochs: int, data: tuple[str, str]) -> str:
    """Return the digest of a training.

    Parameters
    ----------
    config : NetworkConfig
        As :attr:`Training.config` is.
    epochs : int
        How often each training image is shown.
    data : tuple of str
        SHA-256 of what is trained with, and of what is tested on.
    """
    content = {
        "model": fingerprint(),
        "config": config.to_identity(),
        "epochs": epochs,
        "data": data,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
