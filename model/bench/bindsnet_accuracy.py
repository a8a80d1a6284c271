"""Train BindsNET's DiehlAndCook2015 network for a while and count its output spikes on images.

As ``bindsnet_diehlcook.py``, whose network, presentation and switches it uses, this runs in an
environment of its own and imports nothing of Prunus. It learns from the training images, one after
the other, until they are all shown or the time is over; then, with learning off, it shows the other
images. Which neuron fired how often goes into one npz; what it means is worked out by the caller,
with the same readout for both simulators. It prints one JSON object.
"""

import argparse
import sys
import time
import types
from pathlib import Path
from typing import Any

from bindsnet_diehlcook import (
    INTENSITY,
    PIXELS,
    SPARSE_FROM,
    BenchError,
    Parser,
    Trainer,
    load_bindsnet,
    natural,
    positive,
    run_script,
    versions,
)

SETS = ("train", "label", "test")
"""Arrays of images: shown with learning; to label the neurons; to test."""


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description="Train BindsNET's DiehlAndCook2015, count spikes; print JSON.")
    parser.add_argument("--images", type=Path, required=True, help=f"npz with {', '.join(SETS)}")
    parser.add_argument("--output", type=Path, required=True, help="npz with the spikes")
    parser.add_argument("--neurons", type=positive, default=100, help="excitatory neurons")
    parser.add_argument("--steps", type=positive, default=250, help="steps of 1 ms for each image")
    parser.add_argument("--seconds", type=positive, default=300, help="time for learning")
    parser.add_argument("--threads", type=positive, default=1, help="threads of torch")
    parser.add_argument("--seed", type=natural, default=0, help="seed of weights and spikes")
    return parser.parse_args(argv)


def load_sets(path: Path, lib: types.SimpleNamespace) -> dict[str, Any]:
    """Read the images of each set as BindsNET's examples present them: 0 to 128 Hz.

    Raises
    ------
    BenchError
        The file is unreadable or holds something else.
    """
    try:
        with lib.np.load(path) as file:
            arrays = {name: file[name] for name in SETS}
    except (OSError, ValueError, KeyError, EOFError, TypeError) as error:
        raise BenchError(f"{path}: not a readable npz with {', '.join(SETS)} ({error})") from error
    for name, images in arrays.items():
        if images.dtype != lib.np.uint8 or images.ndim != 2 or images.shape[1] != PIXELS:
            raise BenchError(
                f"{path}: {name} must be uint8 of shape (n, {PIXELS}), "
                f"not {images.dtype} of shape {images.shape}"
            )
    return {
        name: lib.torch.from_numpy(images).float().view(-1, 1, 28, 28) / 255 * INTENSITY
        for name, images in arrays.items()
    }


def learn(trainer: Trainer, seconds: float) -> tuple[int, float]:
    """Show the training images until they or the time are over; return how many, and the time."""
    started = time.perf_counter()
    shown = 0
    while shown < len(trainer.images) and time.perf_counter() - started < seconds:
        trainer.network.run(inputs={"X": trainer.encode(shown)}, time=trainer.args.steps)
        trainer.network.reset_state_variables()
        shown += 1
    return shown, time.perf_counter() - started


def count(trainer: Trainer, images: Any, monitor: Any, lib: types.SimpleNamespace) -> Any:
    """Show images without learning; return the output spikes, shape (images, neurons)."""
    trainer.images = images
    counts = lib.np.zeros((len(images), trainer.args.neurons), dtype=lib.np.uint8)
    for index in range(len(images)):
        spikes = trainer.encode(index)
        trainer.network.run(inputs={"X": spikes}, time=trainer.args.steps)
        counts[index] = monitor.get("s").sum(0).view(-1).clamp(max=255).numpy()
        trainer.network.reset_state_variables()
    return counts


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Learn, count, write the npz, and return the report.

    Raises
    ------
    BenchError
        A package or the images are missing, or the network changed while it should not.
    """
    if not args.images.is_file():
        raise BenchError(f"{args.images}: no such file")
    lib = load_bindsnet()
    lib.torch.set_num_threads(args.threads)
    lib.torch.set_num_interop_threads(1)
    sets = load_sets(args.images, lib)
    with lib.torch.inference_mode():
        trainer = Trainer(args, lib, sets["train"], args.neurons >= SPARSE_FROM)
        shown, seconds = learn(trainer, args.seconds)
        monitor = lib.monitor(trainer.network.layers["Ae"], ["s"], time=args.steps)
        trainer.network.add_monitor(monitor, name="Ae")
        trainer.network.train(False)
        before = trainer.weights.clone()
        counts = {name: count(trainer, sets[name], monitor, lib) for name in SETS[1:]}
        # Learning is off, but the weights are scaled to their norm by every run.
        if float((trainer.weights - before).abs().max()) > 1e-5:
            raise BenchError("the weights changed while learning was off")
    lib.np.savez(args.output, **counts)
    return {
        "versions": versions(lib),
        "presentations": shown,
        "seconds": seconds,
        "steps": args.steps,
        "output_spikes_per_presentation": float(counts["test"].sum() / len(counts["test"])),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    args = parse(argv)
    return run_script(__file__, lambda: measure(args))


if __name__ == "__main__":
    sys.exit(main())
