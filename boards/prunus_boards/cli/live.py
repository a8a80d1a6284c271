"""`prunus live`."""

from __future__ import annotations

import socket
import webbrowser
from contextlib import nullcontext, suppress
from pathlib import Path
from threading import Timer

import click
import uvicorn

from prunus_boards.live.drawing import check_drawable
from prunus_boards.live.learning import Learning
from prunus_boards.live.server import MESSAGE_MAX, application
from prunus_model.cli.common import command_line, data_option, load_config, load_network, note
from prunus_model.cli.outputs import claimed_file, save
from prunus_model.data.events.split import load_for
from prunus_model.training.trainer import Trainer

__all__ = ["live"]


@click.command(name="live")
@click.argument("network", metavar="[NETWORK]", default="demo")
@click.option("-c", "--config", "config_name", metavar="CONFIG", help="Train this, and watch it.")
@data_option("sample")
@click.option("-e", "--epochs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Save what was trained.")
@click.option("--force", is_flag=True, help="Replace an older file.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
def live(
    *,
    network: str,
    config_name: str | None,
    data: str,
    epochs: int,
    output: Path | None,
    force: bool,
    port: int,
    no_open: bool,
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
    wrong = None
    with (
        nullcontext() if output is None else claimed_file(output, force=force),
        _listening(port) as listener,
    ):
        learning = None
        if config_name is not None:
            config = load_config(config_name)
            check_drawable(config)
            images = load_for(config.encoder, data, "train", progress=True)
            learning = Learning(Trainer(config, images, epochs=epochs))
            learning.start()
        port = listener.getsockname()[1]
        address = f"http://127.0.0.1:{port}/"
        note(f"Page: {address} (Ctrl-C ends)")
        if not no_open:
            Timer(0.5, webbrowser.open, [address]).start()
        config_of_server = uvicorn.Config(
            application(artifact, learning, port),
            log_level="error",
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX * 2,
            timeout_graceful_shutdown=1,
        )
        try:
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config_of_server).run(sockets=[listener])
        finally:
            if learning is not None and output is not None:
                wrong = save(learning.end(command=command_line()), output, force=force)
    if wrong is not None:
        raise wrong
    if output is not None:
        note(f"Saved {output}")


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as e:
        listener.close()
        raise click.UsageError(f"Port {port} must be free: {e.strerror}") from e
    return listener
