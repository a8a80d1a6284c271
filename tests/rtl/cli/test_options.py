"""Options that the commands of all parts have in common."""

import click
from click.testing import CliRunner

from prunus_rtl.cli.options import choice_option, lanes_option


@click.command()
@choice_option("mode", "Whether.")
@choice_option("store", "What.", default=False)
@choice_option("encoder_inputs", "How many.")
@choice_option("sweep_inputs", "How many.")
@lanes_option("many")
def _command(**values: object) -> None:
    click.echo(values)


def test_options_have_the_default_of_the_field_or_none() -> None:
    result = CliRunner().invoke(_command, [])
    want = {"mode": "inference", "store": None, "encoder_inputs": 4, "sweep_inputs": 1}
    assert result.output == f"{want | {'lanes': None}}\n"


def test_numbers_are_numbers() -> None:
    result = CliRunner().invoke(_command, ["--encoder-inputs", "16", "--sweep-inputs", "8"])
    assert "'encoder_inputs': 16, 'sweep_inputs': 8" in result.output


def test_help_shows_values_and_default() -> None:
    words = " ".join(CliRunner().invoke(_command, ["--help"]).output.split())
    assert "--mode [inference|learning] Whether. [default: inference]" in words
    assert "--store [auto|csr|dense|bitmask|learning] What. --encoder-inputs" in words
    assert "--encoder-inputs [4|8|16] How many. [default: 4]" in words
    assert "--sweep-inputs [1|2|4|8|16] How many. [default: 1]" in words
    assert "--lanes INTEGER 1, 2, 4 ... 64. Default: many." in words


def test_other_values_are_refused() -> None:
    result = CliRunner().invoke(_command, ["--store", "none"])
    assert result.exit_code == 2
    assert "'none' is not one of 'auto', 'csr', 'dense', 'bitmask', 'learning'." in result.output
