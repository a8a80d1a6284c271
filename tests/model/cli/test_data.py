from pathlib import Path

from prunus_cli import Cli
from prunus_data import DIGITS, write
from prunus_model.data.datasets import SAMPLE_PATH


def test_sources_are_shown(cli: Cli, cache: Path) -> None:
    write(cache / "mnist", DIGITS)
    lines = [line for line in cli.succeed("data").splitlines() if line.strip()]
    # A long path goes on in lines of its own, below its row.
    rows = {line.split()[0]: line for line in reversed(lines)}
    assert rows["sample"].split()[1:3] == ["2000", "1000"]
    assert "verified, in" in rows["sample"]
    assert rows["mnist"].split()[1:5] == ["3", "2", "verified,", "in"]
    assert "fashion-mnist" in rows


def test_sample_is_always_here(cli: Cli) -> None:
    assert cli.succeed("data", "sample") == f"sample: {SAMPLE_PATH.parent}\n"


def test_cached_sets_are_found(cli: Cli, cache: Path) -> None:
    write(cache / "mnist", DIGITS)
    assert cli.succeed("data", "sample", "mnist").splitlines() == [
        f"sample: {SAMPLE_PATH.parent}",
        f"mnist: {cache / 'mnist'}",
    ]


def test_unknown_name_is_refused(cli: Cli) -> None:
    assert cli.refuse("data", "nope") == (
        "Data set must be sample or mnist or fashion-mnist, not 'nope'"
    )


def test_no_network_and_nothing_cached_is_one_line(cli: Cli, cache: Path) -> None:
    outcome = cli.run("data", "mnist")
    assert (outcome.status, outcome.out) == (2, "")
    lines = outcome.err.splitlines()
    assert lines[-1].startswith("prunus: ")
    assert "mnist" in lines[-1]
    assert "Traceback" not in outcome.err
    assert not any(path.is_file() for path in cache.rglob("*"))
