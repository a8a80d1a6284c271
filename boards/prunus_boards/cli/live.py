"""`prunus live`."""

from __future__ import annotations

import webbrowser
from contextlib import nullcontext
from pathlib import Path
from threading import Timer
from typing import Any

import click

from prunus_boards.cli.common import exit_options, opened, target_options
from prunus_boards.cli.targets import description
from prunus_boards.live.drawing import Shower, check_drawable
from prunus_boards.live.learning import Learning, Validation
from prunus_boards.live.server import application, listening, server
from prunus_model.cli.common import Stopped, command_line, load_config, load_network, note
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option
from prunus_model.cli.outputs import claimed_file, save
from prunus_model.common.errors import DataError
from prunus_model.data.events.split import load_for
from prunus_model.training.trainer import Trainer

__all__ = ["live"]


@click.command(name="live")
@click.argument("network", metavar="[NETWORK]", default="demo")
@target_options
@exit_options
@click.option("-c", "--config", "config_name", metavar="CONFIG", help="Train this, and watch it.")
@data_option("sample")
@click.option("-e", "--epochs", type=WholeNumber(min=1), default=5, show_default=True)
@click.option(
    "--validation",
    type=WholeNumber(min=0),
    default=200,
    show_default=True,
    metavar="IMAGES",
    help="So many of the last training images are kept back to measure accuracy with.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save what was trained.")
@click.option("--force", is_flag=True, help="Replace an older file.")
@click.option("--port", type=WholeNumber(0, 65535), default=8765, show_default=True)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
def live(
    *,
    network: str,
    stop_after: int | None,
    margin: int | None,
    config_name: str | None,
    data: str,
    epochs: int,
    validation: int,
    output: Path | None,
    force: bool,
    port: int,
    no_open: bool,
    **target: Any,
) -> None:
    """Serve a local page: draw a digit for NETWORK, and watch a training with --config.

    NETWORK is a file or one of demo, 400, up5k, windows. The page is on 127.0.0.1 only. Ctrl-C ends
    it; what was trained by then is saved if --output is given.
    """
    if output is not None and config_name is None:
        raise click.UsageError("--output needs --config: otherwise nothing is trained")
    if output is not None and output.suffix != ".npz":
        raise click.UsageError(f"Output must end with .npz, not {output.name!r}")
    artifact = load_network(network)
    check_drawable(artifact.config)
    artifact.config.with_readout(stop_after=stop_after, margin=margin)
    try:
        listener = listening(port)
    except OSError as e:
        raise click.UsageError(f"Port {port} must be free: {e.strerror}") from e
    wrong = None
    with (
        nullcontext() if output is None else claimed_file(output, force=force),
        listener,
        opened(artifact, learn=False, **target) as device,
    ):
        port = listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        facts = {
            "network": f"{network}, {artifact.config.all_neurons} neurons",
            "device": description(target["on"]),
            "training": "" if config_name is None else f"{config_name} on {data}",
        }
        shower = Shower(device, stop_after=stop_after, margin=margin)
        learning = None
        if config_name is not None:
            learning = _learning(config_name, data, epochs, validation)
            learning.start()
        opening = Timer(0.5, webbrowser.open, [address])
        try:
            note(f"Page: {address} (Ctrl-C ends)")
            if not no_open:
                opening.start()
            server(application(shower, learning, port, facts=facts)).run(sockets=[listener])
        except Stopped:
            raise
        except KeyboardInterrupt:
            # Ctrl-C is how it is meant to end.
            pass
        finally:
            opening.cancel()
            if learning is not None and output is not None:
                wrong = save(learning.end(command=command_line()), output, force=force)
    if wrong is not None:
        raise wrong
    if output is not None:
        note(f"Saved {output}")


def _learning(config_name: str, data: str, epochs: int, validation: int) -> Learning:
    """Return the training, and its validation with the last images, which are not trained with."""
    config = load_config(config_name)
    check_drawable(config)
    images = load_for(config.encoder, data, "train", progress=True)
    left = len(images) - validation
    if left < 1:
        raise DataError(
            f"--validation must be in 0..{len(images) - 1} for {data}, which has {len(images)} "
            f"training images, not {validation}"
        )
    trainer = Trainer(config, images.take(0, left), epochs=epochs)
    if not validation:
        return Learning(trainer)
    return Learning(trainer, Validation(trainer, images.take(left, validation)))
