import click
import pytest
from click.testing import CliRunner

from prunus_model.cli.number import Number


@click.command()
@click.option("--scale", type=Number(min=0, min_open=True, max=9))
@click.option("--any", "anything", type=Number())
def command(scale: float, anything: float) -> None:
    click.echo((scale, anything))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "0", "9.5", "x"])
def test_what_is_no_number_of_the_range_is_refused(text: str) -> None:
    result = CliRunner().invoke(command, ["--scale", text])
    assert result.exit_code == 2
    assert "Invalid value for '--scale': " in result.output


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_without_a_range_it_is_finite(text: str) -> None:
    result = CliRunner().invoke(command, ["--any", text])
    assert result.exit_code == 2
    assert f"Invalid value for '--any': '{text}' is not a finite number." in result.output


def test_other_numbers_are_taken() -> None:
    assert CliRunner().invoke(command, ["--scale", "9", "--any", "-2"]).output == "(9.0, -2.0)\n"
