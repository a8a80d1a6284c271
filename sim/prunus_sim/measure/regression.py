"""Run the simulations and write what they did: ``python -m prunus_sim.measure.regression``.

``--bounded`` runs all unit benches and the most important lockstep scenarios, in minutes, and with
``--everything`` all of them. Without it, the long ones run: 10,000 test images at 400 neurons,
1,100 learning presentations, 200 test images at 800; of windows 1,000 test images and 100 learning
presentations.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from prunus_model.cli.common import user_errors
from prunus_model.cli.number import Number, WholeNumber
from prunus_model.cli.options import results_option

__all__ = ["main"]

_RESULTS = Path("sim/results/lockstep.json")


@click.command()
@click.option("--bounded", is_flag=True, help="Unit benches and short scenarios, in minutes.")
@click.option("--everything", is_flag=True, help="With --bounded: all cases of each bench.")
@click.option("--groups", is_flag=True, help="The long scenarios of networks with groups.")
@click.option("--only", default="", help="Only benches whose name holds this.")
@click.option(
    "--images",
    envvar="IMAGES",
    default="mnist",
    show_default=True,
    help="Data set of the long scenarios, as prunus train takes it.",
)
@click.option(
    "--artifact",
    envvar="ARTIFACT",
    type=click.Path(path_type=Path),
    help="Trained network of the long inference. Default: the bundled one of 400 neurons. One of "
    "events runs alone, and learns from the events that --images names.",
)
@click.option(
    "--seed",
    envvar="SEED",
    type=WholeNumber(min=0),
    default=0,
    show_default=True,
    help="First seed.",
)
@click.option(
    "--seeds",
    type=WholeNumber(min=1),
    default=3,
    show_default=True,
    help="Seeds of each unit bench.",
)
@click.option(
    "--scale",
    type=Number(min=0, min_open=True, max=1000),
    default=1.0,
    show_default=True,
    help="Share of the images of the long scenarios.",
)
@click.option(
    "--jobs",
    type=WholeNumber(min=1),
    default=2,
    show_default=True,
    help="Benches at a time.",
)
@results_option(_RESULTS, "; - means nowhere")
def main(
    *,
    bounded: bool,
    everything: bool,
    groups: bool,
    only: str,
    images: str,
    artifact: Path | None,
    seed: int,
    seeds: int,
    scale: float,
    jobs: int,
    output: Path,
) -> None:
    """Compare the generated hardware with the golden model, bit for bit.

    Takes SIM=verilator or SIM=icarus, and WAVES=1, which keeps waveforms below build/.
    """
    if everything and not bounded:
        raise click.UsageError("--everything must come with --bounded")
    if groups and bounded:
        raise click.UsageError("--groups must come without --bounded, which has them too")
    with user_errors():
        console = Console()
        # Before what takes its time: importing Amaranth, numba and cocotb.
        console.print("Loading the benches ...", highlight=False)
        from prunus_sim.measure import tasks

        tasks.regression(
            console,
            tasks.bounded_tasks(everything=everything, seed=seed, seeds=seeds)
            if bounded
            else tasks.long_tasks(
                groups=groups, data=images, artifact=artifact, scale=scale, seed=seed
            ),
            only=only,
            jobs=jobs,
            kind="lockstep-groups" if groups else "lockstep",
            output=None if str(output) == "-" else output,
        )


if __name__ == "__main__":
    main()
