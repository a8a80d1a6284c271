"""Measure how fast BindsNET trains its DiehlAndCook2015 network on images, for comparison.

The script runs in an environment of its own (see ``requirements-bindsnet.txt``) and imports nothing
of Prunus. It prints one JSON object. The presentation is that of BindsNET's
``examples/mnist/eth_mnist.py``: Poisson spikes of intensity 128, 250 steps of 1 ms, exc 22.5,
inh 120, norm 78.4, theta_plus 0.05, nu (1e-4, 1e-2), one image at a time because learning is
online, ``run`` and then ``reset_state_variables``.

Everything that the example does beside this is left out, in favour of BindsNET: no monitors, no
plots, no labels, no loading of data; images are floating-point tensors before the clock starts. Two
switches are set that the example does not set and that leave every weight the same, bit for bit:
``torch.inference_mode``, and from 200 neurons on the connections' own ``sparse_compute``, which
reads only the weights of sources that spiked (2.6 times as fast at 1600 neurons).

Encoding and simulation are timed separately and both count. Spikes are counted in a second run,
which is not timed: same seed, same images, with a monitor.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import platform
import resource
import sys
import time
import types
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

PIXELS = 784
"""Inputs of the network: 28 x 28."""

INTENSITY = 128.0
"""Rate of a white pixel, in Hz."""

NORM = 78.4
"""Sum of the input weights of each neuron after each presentation."""

SPARSE_FROM = 200
"""Neurons from which ``sparse_compute`` is the faster choice (measured at 100, 400, 1600)."""


class BenchError(Exception):
    """The measurement is impossible or void: the message is one complete line."""


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line on stderr, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage and leave."""
        self.exit(2, f"{self.prog}: {message}\n")


def positive(text: str) -> int:
    """Convert an argument to an integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def natural(text: str) -> int:
    """Convert an argument to an integer of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, not {value}")
    return value


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description="Measure BindsNET's DiehlAndCook2015 training; print JSON.")
    parser.add_argument(
        "--images", type=Path, required=True, help="npz with uint8 'images' of shape (n, 784)"
    )
    parser.add_argument("--neurons", type=positive, default=400, help="excitatory neurons")
    parser.add_argument("--steps", type=positive, default=250, help="steps of 1 ms for each image")
    parser.add_argument("--count", type=positive, default=30, help="presentations measured")
    parser.add_argument("--warmup", type=natural, default=3, help="presentations before them")
    parser.add_argument("--threads", type=positive, default=1, help="threads of torch")
    parser.add_argument("--seed", type=natural, default=0, help="seed of weights and spikes")
    parser.add_argument(
        "--sparse-compute",
        choices=("auto", "on", "off"),
        default="auto",
        help=f"read only weights of sources that spiked; auto: from {SPARSE_FROM} neurons on",
    )
    return parser.parse_args(argv)


def load_bindsnet() -> types.SimpleNamespace:
    """Import numpy, torch, and the parts of BindsNET that are measured.

    ``bindsnet/__init__.py`` imports every subpackage, and with them torchvision (of which there is
    no CPU build), gymnasium, OpenCV, pandas and matplotlib, for data sets, games and plots. An
    empty package object in its place, with the same search path, lets the subpackages be imported
    one by one. Their code is BindsNET's, unchanged.

    Raises
    ------
    BenchError
        A package is missing.
    """
    try:
        spec = importlib.util.find_spec("bindsnet")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("No module named 'bindsnet'")
        package = types.ModuleType("bindsnet")
        package.__spec__ = spec
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["bindsnet"] = package
        numpy = importlib.import_module("numpy")
        torch = importlib.import_module("torch")
        # First, as in bindsnet/__init__.py: learning and network import each other.
        importlib.import_module("bindsnet.network")
        return types.SimpleNamespace(
            np=numpy,
            torch=torch,
            model=importlib.import_module("bindsnet.models").DiehlAndCook2015,
            encoder=importlib.import_module("bindsnet.encoding").PoissonEncoder,
            monitor=importlib.import_module("bindsnet.network.monitors").Monitor,
        )
    except ImportError as error:
        raise BenchError(f"{error}; install model/bench/requirements-bindsnet.txt") from error


def load_images(path: Path, lib: types.SimpleNamespace) -> Any:
    """Read images as BindsNET's examples present them: shape (n, 1, 28, 28), 0 to 128.

    Raises
    ------
    BenchError
        The file is unreadable or holds something else.
    """
    try:
        with lib.np.load(path) as file:
            images = file["images"]
    except KeyError as error:
        raise BenchError(f"{path}: no array 'images'") from error
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchError(f"{path}: not a readable npz file ({error})") from error
    if images.dtype != lib.np.uint8 or images.ndim != 2 or images.shape[1] != PIXELS:
        raise BenchError(
            f"{path}: images must be uint8 of shape (n, {PIXELS}), "
            f"not {images.dtype} of shape {images.shape}"
        )
    if len(images) == 0:
        raise BenchError(f"{path}: no images")
    return lib.torch.from_numpy(images).float().view(-1, 1, 28, 28) / 255 * INTENSITY


class Trainer:
    """A freshly seeded network, and the loop which trains it.

    Parameters
    ----------
    args
        The command line.
    lib
        What `load_bindsnet` returned.
    images
        What `load_images` returned.
    sparse
        Whether connections read only the weights of sources that spiked.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        lib: types.SimpleNamespace,
        images: Any,
        sparse: bool,
    ) -> None:
        lib.torch.manual_seed(args.seed)
        self.args = args
        self.images = images
        self.network = lib.model(
            n_inpt=PIXELS,
            n_neurons=args.neurons,
            exc=22.5,
            inh=120.0,
            dt=1.0,
            norm=NORM,
            nu=(1e-4, 1e-2),
            theta_plus=0.05,
            inpt_shape=(1, 28, 28),
        )
        for connection in self.network.connections.values():
            connection.sparse_compute = sparse
        self.encoder = lib.encoder(time=args.steps, dt=1.0)

    @property
    def weights(self) -> Any:
        """Weights from inputs to excitatory neurons, shape (784, neurons)."""
        return self.network.connections["X", "Ae"].pipeline[0].value

    def encode(self, index: int) -> Any:
        """Draw the spikes of an image; images repeat when there are too few."""
        spikes = self.encoder(self.images[index % len(self.images)])
        return spikes.view(self.args.steps, 1, 1, 28, 28)

    def train(self) -> Iterator[tuple[float, float]]:
        """Present all images; yield the seconds of encoding and of running for each."""
        steps = self.args.steps
        for index in range(self.args.warmup + self.args.count):
            start = time.perf_counter()
            spikes = self.encode(index)
            encoded = time.perf_counter()
            self.network.run(inputs={"X": spikes}, time=steps)
            self.network.reset_state_variables()
            yield encoded - start, time.perf_counter() - encoded

    def count(self, lib: types.SimpleNamespace) -> tuple[int, int]:
        """Present all images untimed; return input and output spikes of those after the warm-up."""
        steps = self.args.steps
        monitor = lib.monitor(self.network.layers["Ae"], ["s"], time=steps)
        self.network.add_monitor(monitor, name="Ae")
        inputs = outputs = 0
        for index in range(self.args.warmup + self.args.count):
            spikes = self.encode(index)
            drawn = int(spikes.sum())  # before the run: resetting clears the last step
            self.network.run(inputs={"X": spikes}, time=steps)
            if index >= self.args.warmup:
                inputs += drawn
                outputs += int(monitor.get("s").sum())
            self.network.reset_state_variables()
        return inputs, outputs


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train, check that it was training, count, and return the report.

    Raises
    ------
    BenchError
        A package or the images are missing, or the network did not learn.
    """
    if not args.images.is_file():
        raise BenchError(f"{args.images}: no such file")
    lib = load_bindsnet()
    torch = lib.torch
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    images = load_images(args.images, lib)
    sparse = {"on": True, "off": False, "auto": args.neurons >= SPARSE_FROM}[args.sparse_compute]

    with torch.inference_mode():
        trainer = Trainer(args, lib, images, sparse)
        # Scaled to the norm, so that a difference at the end is due to learning, not to scaling.
        before = trainer.weights * (NORM / trainer.weights.sum(0))
        seconds = list(trainer.train())[args.warmup :]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux

        change = float((trainer.weights - before).abs().max())
        sums = trainer.weights.sum(0)
        low, high = float(sums.min()), float(sums.max())
        if change < 1e-4:
            raise BenchError(f"the weights did not change (by {change:g} at most): no learning")
        if not 0.999 * NORM < low <= high < 1.001 * NORM:
            raise BenchError(f"the weights are not normalised: sums are {low:g} to {high:g}")

        again = Trainer(args, lib, images, sparse)
        inputs, outputs = again.count(lib)
        identical = bool(torch.equal(again.weights, trainer.weights))

    encode = sum(first for first, _ in seconds)
    run = sum(second for _, second in seconds)
    return {
        "versions": versions(lib),
        "neurons": args.neurons,
        "steps": args.steps,
        "presentations": args.count,
        "warmup": args.warmup,
        "threads": args.threads,
        "seed": args.seed,
        "sparse_compute": sparse,
        "seconds_total": encode + run,
        "seconds_encode": encode,
        "seconds_run": run,
        "presentations_per_s": args.count / (encode + run),
        "input_spikes_per_presentation": inputs / args.count,
        "output_spikes_per_presentation": outputs / args.count,
        # Forward visits of input weights: those an event-driven engine makes, and those of a pass
        # over all of them in every step. BindsNET's STDP adds three such passes in every step (two
        # outer products and a clamp), even where sparse_compute spares the forward one.
        "event_synapses_per_presentation": inputs * args.neurons / args.count,
        "dense_synapses_per_presentation": PIXELS * args.neurons * args.steps,
        "peak_rss_mb": peak,
        "weight_change_max": change,
        "weight_sum_min": low,
        "weight_sum_max": high,
        "count_run_identical": identical,
    }


def run_script(script: str, work: Callable[[], dict[str, Any]]) -> int:
    """Do the work, print what it found as one JSON object, and return the exit status.

    BindsNET prints nothing today; standard output stays one JSON object if it ever does.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            report = work()
    except BenchError as error:
        print(f"{Path(script).name}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2))
    return 0


def versions(lib: types.SimpleNamespace) -> dict[str, str]:
    """Return the versions of everything that computes."""
    return {
        "python": platform.python_version(),
        "torch": lib.torch.__version__,
        "bindsnet": importlib.metadata.version("bindsnet"),
        "numpy": lib.np.__version__,
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    args = parse(argv)
    return run_script(__file__, lambda: measure(args))


if __name__ == "__main__":
    sys.exit(main())
