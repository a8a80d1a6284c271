"""`prunus run` and `prunus verify`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from prunus_boards.cli.common import device_options, opened, progress
from prunus_boards.cli.inputs import Shown, read_inputs
from prunus_boards.cli.targets import description
from prunus_boards.driver.checking import Checked, check
from prunus_boards.driver.learning import learned
from prunus_boards.driver.outcome import Outcome
from prunus_model.cli.common import class_text, command_line, console, load_network, new_table, note
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.outputs import claimed_file
from prunus_model.cli.outputs import save as save_network
from prunus_model.spec.presentation import Request
from prunus_model.spec.readout import UNDECIDED
from prunus_model.training.artifact import Artifact

__all__ = ["run", "verify"]

#: Exit status of a comparison that found a difference.
_DIFFERENT = 1


@click.command(name="run")
@click.argument("network", metavar="NETWORK")
@click.argument("images", nargs=-1, required=True, metavar="IMAGES...")
@device_options
@click.option("-n", "count", type=WholeNumber(min=1), help="Only the first so many images.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the network after learning.",
)
@click.option("--force", is_flag=True, help="Replace an older file.")
def run(
    *,
    network: str,
    images: tuple[str, ...],
    learn: bool,
    stop_after: int | None,
    margin: int | None,
    invert: bool,
    count: int | None,
    as_json: bool,
    save: Path | None,
    force: bool,
    **target: Any,
) -> None:
    """Show IMAGES to NETWORK in a device, and print what it takes them for.

    NETWORK is a file or one of demo, 400, up5k, windows. IMAGES are PNG files, idx files, or a data
    set as for `prunus evaluate`, of which the test images are shown; for a network of events, files
    or folders of events likewise. Image i is presentation i, as in `prunus evaluate`; while
    learning, presentations are counted on from the training.
    """
    artifact = load_network(network)
    if save is not None and not learn:
        raise click.UsageError("--save needs --learn: otherwise the network stays as it is")
    shown = read_inputs(artifact, images, count=count, invert=invert)
    request = _request(artifact, learn=learn, stop_after=stop_after, margin=margin)
    wrong = None
    with nullcontext() if save is None else claimed_file(save, force=force):
        with opened(artifact, learn=learn, **target) as device:
            if learn and not device.core.hardware.learn:
                raise click.UsageError(f"Core at {target['on']} must be able to learn for --learn")
            if learn:
                # It may have learned, or been shown other images, since it was loaded.
                device.load(artifact)
            device.presentation = device.plan.state.presentation
            outcomes = []
            started = time.perf_counter()
            with progress("showing") as advance:
                for outcome in device.present_many(shown.stimuli, **request):
                    outcomes.append(outcome)
                    advance(len(outcomes), len(shown))
            seconds = time.perf_counter() - started
            state = device.read_state() if save is not None else None
            clock_hz = device.clock_hz
        if not any(len(outcome.presentation.spike_steps) for outcome in outcomes):
            note(f"No neuron has fired for any {shown.what}")
        right = _right(outcomes, shown)
        if save is not None and state is not None:
            more = learned(artifact, state, outcomes, correct=right, command=command_line())
            wrong = save_network(more, save, force=force)
    if as_json:
        click.echo(json.dumps(_facts(outcomes, shown, clock_hz), indent=1))
    else:
        names = artifact.trained_on.class_names or ()
        _report(outcomes, shown, names, clock_hz, seconds, right)
    if wrong is not None:
        raise wrong
    if save is not None and not as_json:
        console.print(f"Saved {save}", soft_wrap=True)


@click.command(name="verify")
@click.argument("network", metavar="NETWORK")
@click.argument("images", nargs=-1, metavar="[IMAGES]...")
@device_options
@click.option("-n", "count", type=WholeNumber(min=1), default=10, show_default=True, help="Images.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    *,
    network: str,
    images: tuple[str, ...],
    learn: bool,
    stop_after: int | None,
    margin: int | None,
    invert: bool,
    count: int,
    as_json: bool,
    **target: Any,
) -> int:
    """Compare NETWORK in a device with the golden model, bit for bit.

    Shows IMAGES (default: the bundled sample; of a network of events, events) to both. Compares
    prediction, output spikes and all counters of every image; first what the memories hold; with
    --learn at last the whole state. The default device is emulated by the golden model itself,
    which checks the driver and no hardware. The exit status is 0 if all are equal, 1 if something
    differs, and 2 if it can't be told.
    """
    artifact = load_network(network)
    if not images and artifact.config.encoder.events is not None:
        raise click.UsageError(f"Events must be named for network {network}, which takes no images")
    chosen = read_inputs(artifact, images or ("sample",), count=count, invert=invert, labels=False)
    request = _request(artifact, learn=learn, stop_after=stop_after, margin=margin)
    with opened(artifact, learn=learn, **target) as device:
        if learn and not device.core.hardware.learn:
            raise click.UsageError(f"Core at {target['on']} must be able to learn for --learn")
        if learn:
            device.load(artifact)
        found = Checked()
        wrong = device.compare(artifact)
        if wrong:
            found.difference = f"memories: {'; '.join(wrong)}"
            memories = 0
        else:
            memories = device.compared_words
            with progress("comparing") as advance:
                for found in check(device, chosen.stimuli, **request):
                    advance(found.images, len(chosen))
    if as_json:
        facts = {
            "device": target["on"],
            "images": found.images,
            "values": memories + found.values,
            "cycles": found.cycles,
            "output_spikes": found.spikes,
            "learned": learn,
            "difference": found.difference,
        }
        click.echo(json.dumps(facts, indent=1))
    else:
        what = "memories, output spikes, counters, predictions" + (", state" if learn else "")
        console.print(
            f"Golden model against {description(target['on'])}: {found.images} presentations, "
            f"{memories + found.values:,} values compared ({what}), "
            + (f"different: {found.difference}" if found.difference else "equal"),
            soft_wrap=True,
        )
    return _DIFFERENT if found.difference else 0


def _request(
    artifact: Artifact, *, learn: bool, stop_after: int | None, margin: int | None
) -> Request:
    """Return how to show images: with the exits that are configured, and none while learning."""
    readout = artifact.config.with_readout(margin=margin).readout
    if stop_after is None:
        stop_after = 0 if learn else readout.stop_after
    if margin is None:
        margin = 0 if learn else readout.margin
    return Request(learn=learn, stop_after=stop_after, margin=margin, keep=False)


def _right(outcomes: list[Outcome], shown: Shown) -> int | None:
    if shown.labels is None:
        return None
    return int(np.count_nonzero([o.prediction for o in outcomes] == shown.labels))


def _facts(outcomes: list[Outcome], shown: Shown, clock_hz: int) -> dict[str, Any]:
    labels = [None] * len(shown) if shown.labels is None else shown.labels.tolist()
    return {
        "clock_hz": clock_hz,
        "images": [
            {
                "image": name,
                "label": label,
                "prediction": None if outcome.prediction == UNDECIDED else outcome.prediction,
                "lead": outcome.presentation.lead,
                "presentation": outcome.number,
                "cycles": outcome.cycles,
                "spikes": [
                    [step, post]
                    for step, post in zip(
                        outcome.presentation.spike_steps.tolist(),
                        outcome.presentation.spike_posts.tolist(),
                        strict=True,
                    )
                ],
                "counters": asdict(outcome.presentation.counters),
            }
            for name, label, outcome in zip(shown.names, labels, outcomes, strict=True)
        ],
    }


def _report(
    outcomes: list[Outcome],
    shown: Shown,
    names: Sequence[str],
    clock_hz: int,
    seconds: float,
    right: int | None,
) -> None:
    table = new_table("", shown.what, "label", "predicted", "output\nspikes", "cycles", "ms")
    labels = [None] * len(outcomes) if shown.labels is None else shown.labels.tolist()
    for name, label, outcome in zip(shown.names, labels, outcomes, strict=True):
        table.add_row(
            name,
            "" if label is None else class_text(label, names),
            "none" if outcome.prediction == UNDECIDED else class_text(outcome.prediction, names),
            str(len(outcome.presentation.spike_steps)),
            f"{outcome.cycles:,}" if clock_hz else "",
            f"{1000 * outcome.cycles / clock_hz:.3f}" if clock_hz else "",
        )
    console.print(table)
    text = f"{len(outcomes)} {shown.what}s in {seconds:.1f} s"
    if right is not None:
        text += f"; {100 * right / len(outcomes):.1f} % right"
    if clock_hz:
        mean = sum(outcome.cycles for outcome in outcomes) / len(outcomes)
        text += (
            f"; {mean:,.0f} cycles each, {1000 * mean / clock_hz:.3f} ms at {clock_hz / 1e6:g} MHz"
        )
    console.print(text, soft_wrap=True)
