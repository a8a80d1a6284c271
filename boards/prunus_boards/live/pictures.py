"""Pictures of the page for the README: `python -m prunus_boards.live.pictures`."""

from __future__ import annotations

from pathlib import Path

import click

from prunus_boards.live.browser import Browser
from prunus_boards.live.learning import Learning, Validation
from prunus_boards.live.serving import serving
from prunus_model.cli.common import load_network, note, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.common.atomic import write_atomically
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.trainer import Trainer

__all__ = ["main"]

#: A seven, in shares of the width and height of the canvas.
_SEVEN = [(0.27, 0.22), (0.5, 0.21), (0.74, 0.23), (0.66, 0.42), (0.57, 0.6), (0.46, 0.85)]
#: Lead that ends a presentation, so that the test is seen to stop.
_MARGIN = 24
_EPOCHS, _KEPT = 5, 200


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("docs"),
    show_default=True,
    help="Folder of the pictures.",
)
@click.option("--width", type=WholeNumber(320, 3840), default=720, show_default=True)
@click.option("--dark", is_flag=True, help="In dark colours.")
def main(*, output: Path, width: int, dark: bool) -> None:
    """Train and draw in a browser without a window; take pictures of both parts of the page."""
    with user_errors():
        output.mkdir(parents=True, exist_ok=True)
        images = load("sample", "train")
        left = len(images) - _KEPT
        trainer = Trainer(NetworkConfig.named("demo"), images.take(0, left), epochs=_EPOCHS)
        learning = Learning(trainer, Validation(trainer, images.take(left, _KEPT)))
        facts = {
            "network": "demo, 100 neurons",
            "device": "the emulated device",
            "training": "demo on sample",
        }
        with (
            serving(load_network("demo"), learning, margin=_MARGIN, facts=facts) as port,
            Browser(width=width, dark=dark) as browser,
        ):
            browser.open(f"http://127.0.0.1:{port}/")
            browser.wait("document.querySelector('#status').textContent === 'Connected'")
            learning.start()
            browser.drag("#pad", _SEVEN)
            browser.wait("document.querySelector('#status').textContent === 'Answered'")
            learning.wait()
            end = trainer.presentations
            browser.wait(f"document.querySelector('#progress').value === {end}")
            for name in ("learning", "drawing"):
                path = output / f"live-{name}.png"
                write_atomically(path, browser.picture(f"#{name}"))
                note(f"Saved {path}")


if __name__ == "__main__":
    main()
