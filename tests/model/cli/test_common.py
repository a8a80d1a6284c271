"""What commands share: tables, and options in the order in which they are listed."""

import click
import pytest
from click.testing import CliRunner

from prunus_model.cli.common import new_table
from prunus_model.cli.options import with_options


def test_a_row_of_a_table_has_a_cell_for_each_heading() -> None:
    table = new_table("title", "name", "number")
    table.add_row("a", "1")
    for cells in (("a",), ("a", "1", "2")):
        with pytest.raises(ValueError, match=rf"^Row must have 2 cells, not {len(cells)}$"):
            table.add_row(*cells)
    assert table.row_count == 1


def test_options_are_listed_in_the_order_in_which_they_are_given() -> None:
    @click.command()
    @click.option("--before")
    @with_options(click.option("--first"), click.option("--second"))
    @click.option("--behind")
    def command(**values: str) -> None:
        click.echo(sorted(values))

    said = CliRunner().invoke(command, ["--help"]).output
    names = ["--before", "--first", "--second", "--behind"]
    assert [word for word in said.split() if word in names] == names
    assert "'first', 'second'" in CliRunner().invoke(command, []).output
