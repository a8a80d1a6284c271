"""`prunus train`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from prunus_model.cli.accuracy import accuracy_table
from prunus_model.cli.common import ENDING, Stopped, command_line, console, note, percent, receiving
from prunus_model.cli.configure import configure
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, threads_option
from prunus_model.cli.outputs import claimed_file, new_file, save
from prunus_model.data.doubts import training_doubts
from prunus_model.data.events.fitting import fitted as fitted_to_events
from prunus_model.data.events.fitting import takes_events
from prunus_model.data.events.split import load_for, stimuli
from prunus_model.data.fitting import fitted
from prunus_model.data.split import Split, check_pair
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.labels import pruning_label, size_label
from prunus_model.spec.presets import PRESETS
from prunus_model.spec.pruning import POLICIES
from prunus_model.training.artifact import Artifact
from prunus_model.training.evaluation import evaluate, whole_dense
from prunus_model.training.groups import silent_groups
from prunus_model.training.resuming import check_resumable
from prunus_model.training.trainer import Progress as TrainingProgress
from prunus_model.training.trainer import Trainer

__all__ = ["command"]

#: Share of the synapses of which it is told that more are left.
_HARDLY_PRUNED = 0.99
#: Why a policy has left a network alone, and what to change.
_NOT_PRUNED = {
    "constant": "train longer, raise pruning.w_prune, or lower pruning.start",
    "adaptive": (
        "train longer, raise pruning.ramp_gain or pruning.strength_gain, or lower "
        "pruning.ramp_shift or pruning.start"
    ),
    "lift": (
        "no weight is far enough below what chance would make of it; train longer, or raise "
        "pruning.share"
    ),
    "soft": (
        "train longer, raise pruning.percent, or lower pruning.after_presentations or "
        "pruning.min_spikes"
    ),
    "post": "raise pruning.w_prune",
}


@click.command(name="train")
@click.option(
    "-c",
    "--config",
    "config_name",
    default="demo",
    show_default=True,
    metavar="CONFIG",
    help=f"A TOML file, or one of {', '.join(PRESETS)}.",
)
@data_option("sample")
@click.option("-e", "--epochs", type=WholeNumber(min=1), default=5, show_default=True)
@click.option("-s", "--seed", type=int, help="Seed; default: as configured.")
@click.option("-p", "--policy", type=click.Choice(list(POLICIES)), help="Pruning policy.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value, for example --set pruning.strength_gain=400. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("network.npz"),
    show_default=True,
)
@click.option("--force", is_flag=True, help="Replace the output; forget an old checkpoint.")
@click.option("--resume", is_flag=True, help="Continue from the checkpoint beside the output.")
@click.option(
    "--checkpoint-every",
    type=WholeNumber(min=1),
    default=20_000,
    show_default=True,
    metavar="PRESENTATIONS",
)
@threads_option
def command(
    *,
    config_name: str,
    data: str,
    epochs: int,
    seed: int | None,
    policy: str | None,
    settings: tuple[str, ...],
    output: Path,
    force: bool,
    resume: bool,
    checkpoint_every: int,
    threads: int | None,
) -> int:
    """Train a network, prune it on the way, and save it.

    Inputs and classes are those of the data, unless the configuration file or --set says them.

    Ctrl-C stops at a checkpoint, as do a hang-up and other signals that end a process; the same
    command with --resume continues to the identical result.
    """
    config, said = configure(config_name, seed=seed, policy=policy, settings=settings)
    if output.suffix != ".npz":
        raise click.UsageError(f"Output must end with .npz, not {output.name!r}")
    with claimed_file(output, force=force):
        return _run(
            config,
            said,
            data,
            epochs=epochs,
            output=output,
            force=force,
            resume=resume,
            checkpoint_every=checkpoint_every,
            threads=threads,
        )


def _run(
    configured: NetworkConfig,
    said: dict[str, Any],
    data: str,
    *,
    epochs: int,
    output: Path,
    force: bool,
    resume: bool,
    checkpoint_every: int,
    threads: int | None,
) -> int:
    saved = output.with_suffix(".checkpoint.npz")
    new_file(saved, force=True)
    if resume and not saved.exists():
        raise click.UsageError(f"Checkpoint {saved} must exist for --resume")
    if saved.exists() and not (resume or force):
        raise click.UsageError(f"Checkpoint {saved} is there: --resume it, or --force a new start")
    checkpoint = Artifact.load(saved) if resume else None
    if checkpoint:
        # Before data are fetched.
        check_resumable(checkpoint, seed=configured.seed, epochs=epochs)
    config = configured
    if takes_events(data, said):
        config, told = fitted_to_events(config, data, said=said)
        note(told)
    images = load_for(config.encoder, data, "train", progress=True)
    test = load_for(config.encoder, data, "test", progress=True)
    if isinstance(images, Split):
        if isinstance(test, Split):
            check_pair(images, test)
        config = fitted(config, images, said=said)
    trainer = Trainer(config, images, epochs=epochs, checkpoint=checkpoint)
    # Now, not after the training.
    stimuli(test, config)
    for line in training_doubts(images, config):
        note(line)
    what = "images" if isinstance(images, Split) else "recordings"
    console.print(
        f"{size_label(config)}, {pruning_label(config)} pruning, seed {config.seed}: "
        f"{len(images)} {what} of {images.name}, {epochs} epochs",
        soft_wrap=True,
    )
    stop: list[int] = []
    with receiving(_collector(stop), signal.SIGINT, *ENDING):
        if not _train(trainer, saved, checkpoint_every, stop):
            # The terminal may be gone.
            with suppress(OSError):
                console.print(
                    f"Stopped at presentation {trainer.engine.presentation}. "
                    f"The same command with --resume continues from {saved}",
                    soft_wrap=True,
                )
            return 128 + stop[0]
        artifact = trainer.finish(command=command_line(), threads=threads)
        wrong = save(artifact, output, force=force)
    saved.unlink(missing_ok=True)
    if wrong:
        raise wrong
    _report(artifact, output)
    if test.sha256 == images.sha256:
        console.print(f"No accuracy: this source has no {what} other than those of the training.")
    else:
        shown = [evaluate(artifact, test, threads=threads)]
        dense = whole_dense(artifact, test, known=shown, threads=threads)
        console.print(accuracy_table(shown, dense))
    return 0


def _train(trainer: Trainer, saved: Path, checkpoint_every: int, stop: list[int]) -> bool:
    """Train to the end, or until a signal has come; tell which."""
    last_saved = trainer.engine.presentation
    failed = False
    with _Display(trainer.engine.presentation) as display:
        while not trainer.done:
            now = trainer.advance()
            due = now.presentation - last_saved >= checkpoint_every
            if (due or stop) and not trainer.done:
                try:
                    trainer.checkpoint(command=command_line()).save(saved)
                    last_saved = now.presentation
                except OSError as e:
                    if stop:
                        raise
                    if not failed:
                        note(f"Checkpoint {saved} can't be written: {e.strerror}; training goes on")
                    failed = True
            if stop and not trainer.done:
                return False
            display.show(now)
    return True


def _collector(received: list[int]) -> Callable[[int, object], None]:
    """Collect signals instead of dying of them; Ctrl-C or SIGTERM after another ends at once."""

    def receive(number: int, _frame: object) -> None:
        # A limit of time is told again every second.
        if received and number in (signal.SIGINT, signal.SIGTERM):
            raise Stopped(number)
        received.append(number)

    return receive


class _Display:
    """Progress of a training: a bar in a terminal, a line per tenth elsewhere."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._bar = Progress(
            TextColumn("{task.percentage:3.0f}%"),
            # In a narrow terminal the facts need all of the line.
            *([BarColumn(bar_width=None)] if console.width >= 100 else []),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(compact=True),
            console=console,
        )
        self._task = self._bar.add_task("", total=None, facts="compiling")
        self._tenths = 0

    def __enter__(self) -> _Display:
        if console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        if console.is_terminal:
            # The terminal may be gone.
            with suppress(OSError):
                self._bar.stop()

    def show(self, now: TrainingProgress) -> None:
        """Show how far it is."""
        elapsed = self._bar.get_time() - self._started()
        rate = (now.presentation - self._first) / elapsed if elapsed > 0 else 0.0
        accuracy = "--" if now.accuracy is None else f"{100 * now.accuracy:.1f} %"
        c = now.counters
        sops, dense = c.forward_sops + c.update_sops, c.forward_dense + c.update_dense
        # Short enough for 80 columns.
        facts = (
            f"{rate:,.0f}/s, accuracy {accuracy}, synapses {100 * now.density:.1f} %, "
            f"SOPs {sops / 1e9:.2f} G ({percent(sops, dense)})"
        )
        self._bar.update(
            self._task, completed=now.presentation, total=now.presentations, facts=facts
        )
        tenths = 10 * now.presentation // now.presentations
        if not console.is_terminal and tenths > self._tenths:
            console.print(f"{10 * tenths:3d} %  {facts}")
        self._tenths = tenths

    def _started(self) -> float:
        task = self._bar.tasks[0]
        return task.start_time if task.start_time is not None else self._bar.get_time()


def _report(artifact: Artifact, output: Path) -> None:
    c, policy = artifact.counters, artifact.config.pruning.policy
    if not c.output_spikes:
        note("No neuron has fired in the training: nothing was learned")
    elif artifact.config.groups and (silent := silent_groups(artifact)):
        note(f"No neuron fires for any training image in groups {silent}: they only cost steps")
    elif policy in _NOT_PRUNED and artifact.density > _HARDLY_PRUNED:
        much = "Nothing" if artifact.density == 1 else "Next to nothing"
        note(f"{much} was pruned: {_NOT_PRUNED[policy]}")
    console.print(
        f"Saved {output}: {100 * artifact.density:.1f} % of the synapses are left; training took "
        f"{percent(c.forward_sops, c.forward_dense)} of the dense forward SOPs and "
        f"{percent(c.update_sops, c.update_dense)} of the dense update SOPs",
        soft_wrap=True,
    )
