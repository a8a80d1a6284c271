"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from prunus_model.cli.number import WholeNumber
from prunus_model.spec.formats import VOTE_BITS_MAX
from prunus_model.spec.readout import Votes

__all__ = [
    "cluster_options",
    "data_option",
    "margins_option",
    "results_option",
    "store_option",
    "threads_option",
    "votes_options",
    "with_options",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def with_options(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """Return a decorator that adds options, in the order in which ``--help`` is to list them."""

    def decorate(function: _F) -> _F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def data_option(default: str | None) -> Callable[[_F], _F]:
    """Return the option that names a data set."""
    return click.option(
        "-d",
        "--data",
        default=default,
        show_default=default is not None,
        metavar="DATA",
        help="sample, mnist, fashion-mnist; a folder of idx files, arrays, tables, or pictures by "
        "class; a file .npz, .mat, .csv; IMAGES,LABELS (two files, idx or .npy). Events: a "
        "file, or a folder with a folder for each class.",
    )


def threads_option(function: _F) -> _F:
    """Add the option for the number of threads."""
    return click.option(
        "--threads",
        type=WholeNumber(min=1),
        help="Threads for inference; the result does not depend on it. Default: all processors.",
    )(function)


def store_option(function: _F) -> _F:
    """Add the option for the store of results, which all studies share."""
    return with_options(
        click.option(
            "--store",
            "store_path",
            type=click.Path(path_type=Path, dir_okay=False),
            default=Path("build/reproduction.sqlite"),
            show_default=True,
            help="Where every finished training is kept; what is there already is not done again.",
        )
    )(function)


def cluster_options(function: _F) -> _F:
    """Add the options for a cluster that does trainings."""
    return with_options(
        click.option(
            "--cluster",
            metavar="ADDRESS",
            help="Train on the workers of a Dask scheduler: tcp://HOST:PORT, or the file .json "
            "that it writes. They need Prunus and the data.",
        ),
        click.option(
            "--cluster-wait",
            type=click.FloatRange(min=0, min_open=True),
            default=30.0,
            show_default=True,
            help="Seconds to wait for the scheduler and for a worker.",
        ),
    )(function)


def votes_options(function: _F) -> _F:
    """Add the options for votes other than those that the network has."""
    return with_options(
        click.option(
            "--votes",
            type=click.Choice(get_args(Votes)),
            help="What votes are: shares of the classes in the spikes of a neuron, or logarithms "
            "of these. Default: as configured.",
        ),
        click.option(
            "--vote-bits",
            type=WholeNumber(min=1, max=VOTE_BITS_MAX),
            help="Width of a vote. Default: as configured.",
        ),
    )(function)


def margins_option(default: str) -> Callable[[_F], _F]:
    """Return the option for margins to test."""
    return click.option(
        "--margin",
        "margins",
        type=WholeNumber(min=0),
        multiple=True,
        help="End an image when a class leads by so many votes (sequential test), 0 for never. "
        f"Repeatable. Default: {default}.",
    )


def results_option(default: Path, more: str = "") -> Callable[[_F], _F]:
    """Return the option that names the file of results; ``more`` is added to its help."""
    return click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        default=default,
        show_default=True,
        help=f"Where the results are written{more}.",
    )
