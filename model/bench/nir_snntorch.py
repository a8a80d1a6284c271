"""Train one layer of spiking neurons with snnTorch on MNIST, and write it as a graph of NIR.

The script runs in an environment of its own (see ``requirements-nir.txt``) and imports nothing of
Prunus. It prints one JSON object. `make nir` runs it and imports what it writes.

An input spikes in as many of 256 steps as its level says, spread evenly, from a random step on: so
Prunus shows images with ``encoder.gain = 256`` and ``encoder.spikes = "low-discrepancy"``. The leak
of a step is ``2**-leak_shift``, which Prunus can do, and the reset is to zero. With more neurons
than classes, each class has a block of neurons, which are trained to fire for nothing else; Prunus
finds out which by their answers to training images.
"""

import argparse
import gzip
import importlib.metadata
import json
import math
import time
from pathlib import Path
from typing import Any, NoReturn

PIXELS, CLASSES = 784, 10


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line on stderr, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage and leave."""
        self.exit(2, f"{self.prog}: {message}\n")


def read_idx(path: Path, header: int) -> bytes:
    """Return what is in an idx file, packed or not, behind its header."""
    for found in (path, path.with_name(path.name + ".gz")):
        if found.exists():
            content = found.read_bytes()
            return (gzip.decompress(content) if found.suffix == ".gz" else content)[header:]
    raise FileNotFoundError(f"{path} (or .gz) must be there")


def load(folder: Path, part: str) -> Any:
    """Return images, uint8, and labels, of `train` or `t10k`."""
    import numpy as np
    import torch

    pixels = np.frombuffer(read_idx(folder / f"{part}-images-idx3-ubyte", 16), np.uint8)
    labels = np.frombuffer(read_idx(folder / f"{part}-labels-idx1-ubyte", 8), np.uint8)
    images = torch.from_numpy(pixels.reshape(-1, PIXELS).copy())
    return images, torch.from_numpy(labels.astype(np.int64))


def options() -> argparse.Namespace:
    """Return what is asked for."""
    parser = Parser(description="Train a layer with snnTorch and write it as NIR.")
    parser.add_argument("--data", type=Path, required=True, help="folder of MNIST's idx files")
    parser.add_argument("--output", type=Path, required=True, help="graph, .nir")
    parser.add_argument("--neurons", type=int, default=10)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--leak-shift", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.neurons < CLASSES or given.neurons % CLASSES:
        parser.error(f"--neurons must be a multiple of {CLASSES}, not {given.neurons}")
    return given


def main() -> None:
    """Train, test, write."""
    given = options()
    import nir
    import numpy as np
    import snntorch as snn
    import torch
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(given.seed)
    beta = 1 - 2.0**-given.leak_shift
    neurons = given.neurons
    linear = torch.nn.Linear(PIXELS, neurons)
    lif = snn.Leaky(
        beta=torch.full((neurons,), beta),
        threshold=torch.ones(neurons),
        reset_mechanism="zero",
        init_hidden=True,
        spike_grad=snn.surrogate.fast_sigmoid(slope=5),
    )
    net = torch.nn.Sequential(linear, lif)

    def counts(images: Any) -> Any:
        """Return how often each neuron fires."""
        lif.reset_hidden()
        first = torch.randint(0, 256, images.shape, dtype=torch.uint8)
        out = 0
        for step in range(given.steps):
            # Bytes wrap.
            out = out + net((first + 157 * step % 256 < images).float())
        return out

    def by_class(spikes: Any) -> Any:
        return spikes.reshape(len(spikes), CLASSES, -1).sum(dim=2)

    def loss_of(spikes: Any, answers: Any) -> Any:
        loss = torch.nn.functional.cross_entropy(scale * by_class(spikes), answers)
        if neurons == CLASSES:
            return loss
        own = torch.nn.functional.one_hot(answers, CLASSES).repeat_interleave(
            neurons // CLASSES, dim=1
        )
        return loss + 10 * torch.nn.functional.mse_loss(spikes / given.steps, own / 2)

    images, labels = load(given.data, "train")
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scale = math.sqrt(CLASSES / neurons)
    began = time.perf_counter()
    for epoch in range(given.epochs):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / given.epochs)
        for chosen in torch.randperm(len(images)).split(128):
            loss = loss_of(counts(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - began

    shown, answers = load(given.data, "t10k")
    with torch.no_grad():
        found = torch.cat([by_class(counts(part)).argmax(dim=1) for part in shown.split(1000)])
    # Half of the digits of the weights are enough, and the file is half as large when packed.
    with torch.no_grad():
        linear.weight.copy_(linear.weight.half().float())
        linear.bias.copy_(linear.bias.half().float())
    lif.reset_hidden()
    graph = export_to_nir(net, torch.zeros(PIXELS))
    nir.write(given.output, graph)
    made = {
        "output": given.output.name,
        "neurons": neurons,
        "steps": given.steps,
        "leak_shift": given.leak_shift,
        "reset": "zero",
        "epochs": given.epochs,
        "seed": given.seed,
        "accuracy": float((found == answers).float().mean()),
        "seconds": round(seconds, 1),
        "largest_weight": float(np.abs(linear.weight.detach().numpy()).max()),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("torch", "snntorch", "nir", "nirtorch", "numpy")
        },
    }
    print(json.dumps(made, indent=1))


if __name__ == "__main__":
    main()
