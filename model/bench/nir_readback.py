"""Read a graph of NIR with another simulator, show it spikes, and count what its neurons answer.

The script runs in an environment of its own (see ``requirements-nir.txt``) and imports nothing of
Prunus. Graphs are read by the simulator's own importer, with nothing changed before or after. It
prints one JSON object: the versions, how far it came, and why not farther.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

PACKAGES = {"snntorch": "snntorch", "spikingjelly": "spikingjelly"}
"""Distribution of each simulator."""


def load(framework: str, path: Path) -> Any:
    """Return the network that the simulator makes of a graph."""
    if framework == "snntorch":
        graph = importlib.import_module("nir").read(str(path))
        return importlib.import_module("snntorch.import_nir").import_from_nir(graph)
    exchange = importlib.import_module("spikingjelly.activation_based.nir_exchange")
    return exchange.import_from_nir(str(path))


def count(network: Any, spikes: Any) -> Any:
    """Show spikes of shape (n, steps, inputs), step by step; return the sums of the answers."""
    state, total = None, 0
    for step in range(spikes.shape[1]):
        answer, state = network(spikes[:, step], state)
        total = total + answer
    return total


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read and run; the counts are written as npz."""
    np, torch = importlib.import_module("numpy"), importlib.import_module("torch")
    torch.set_grad_enabled(False)
    with np.load(args.spikes) as content:
        inputs = int(content["inputs"])
        spikes = np.unpackbits(content["spikes"], axis=2)[:, :, :inputs]
    network = load(args.framework, args.graph)
    status = "read"
    try:
        counts = count(network, torch.from_numpy(spikes.astype(np.float32)))
        np.savez(args.output, counts=counts.numpy().round().astype(np.int64))
        status = "run"
    except Exception as error:
        return {"status": status, "why": reason(error)}
    return {"status": status, "why": ""}


def reason(error: Exception) -> str:
    """Return an error as one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def main() -> None:
    """Run one simulator on one graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=sorted(PACKAGES), required=True)
    parser.add_argument("--graph", type=Path, required=True)
    parser.add_argument("--spikes", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    # Simulators print; the report is alone on stdout.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            report = run(args)
        except Exception as error:
            report = {"status": "refused", "why": reason(error)}
    names = [PACKAGES[args.framework], "nir", "nirtorch", "torch"]
    report["versions"] = {name: importlib.metadata.version(name) for name in names}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
