import click
import pytest
from click.testing import CliRunner

from prunus_model.cli.number import Number, WholeNumber


@click.command()
@click.option("--scale", type=Number(min=0, min_open=True, max=9))
@click.option("--any", "anything", type=Number())
def command(scale: float, anything: float) -> None:
    click.echo((scale, anything))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "0", "9.5", "x", ""])
def test_what_is_no_number_of_the_range_is_refused(text: str) -> None:
    result = CliRunner().invoke(command, ["--scale", text])
    assert result.exit_code == 2
    told = f"Invalid value for '--scale': It must be a number above 0 and at most 9, not '{text}'"
    assert told in result.output


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "x"])
def test_without_a_range_it_is_finite(text: str) -> None:
    result = CliRunner().invoke(command, ["--any", text])
    assert result.exit_code == 2
    assert f"Invalid value for '--any': It must be a finite number, not '{text}'" in result.output


@pytest.mark.parametrize(
    ("kind", "text", "allowed"),
    [
        (Number(min=0, max=100_000), "x", "a number in 0..100000"),
        (Number(min=0.5, max=3), "0.4", "a number in 0.5..3"),
        (Number(min=0.5, max=3), "3.1", "a number in 0.5..3"),
        (Number(min=1), "0", "a number at least 1"),
        (Number(max=1, max_open=True), "1", "a number below 1"),
    ],
)
def test_it_is_told_what_is_allowed(kind: Number, text: str, allowed: str) -> None:
    with pytest.raises(click.BadParameter) as e:
        kind.convert(text, None, None)
    assert e.value.message == f"It must be {allowed}, not '{text}'"


def test_the_ends_of_a_range_are_in_it() -> None:
    kind = Number(min=0.5, max=3)
    assert [kind.convert(text, None, None) for text in ("0.5", "3", 2)] == [0.5, 3.0, 2.0]


def test_other_numbers_are_taken() -> None:
    assert CliRunner().invoke(command, ["--scale", "9", "--any", "-2"]).output == "(9.0, -2.0)\n"


@pytest.mark.parametrize(
    ("kind", "text", "allowed"),
    [
        (WholeNumber(1, 8), "9", "a whole number in 1..8"),
        (WholeNumber(1, 8), "0", "a whole number in 1..8"),
        (WholeNumber(min=1), "0", "a whole number of at least 1"),
        (WholeNumber(max=-2), "-1", "a whole number of at most -2"),
        (WholeNumber(), "1.5", "a whole number"),
        (WholeNumber(min=0), "nan", "a whole number of at least 0"),
        (WholeNumber(min=0), "", "a whole number of at least 0"),
    ],
)
def test_it_is_told_which_whole_numbers_are_allowed(
    kind: WholeNumber, text: str, allowed: str
) -> None:
    with pytest.raises(click.BadParameter) as e:
        kind.convert(text, None, None)
    assert e.value.message == f"It must be {allowed}, not '{text}'"


def test_whole_numbers_in_the_range_are_taken() -> None:
    kind = WholeNumber(0, 8)
    assert [kind.convert(text, None, None) for text in ("0", "8", " 3", 2)] == [0, 8, 3, 2]
