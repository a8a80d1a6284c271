"""The command `prunus`: what it lists, and how its commands are found and run."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from importlib.metadata import entry_points

import click

from prunus_model.cli import WRONG, stop_status
from prunus_model.cli.extras import cure, help_text, is_installed
from prunus_model.common.errors import PrunusError
from prunus_model.common.text import printable

__all__ = ["cli", "run"]

#: Exit status if nobody reads the output any more: 128 + SIGPIPE.
_CUT_OFF = 141
#: Commands and where they are; each is imported only when it is used.
_COMMANDS = {point.name: point for point in entry_points(group="prunus.commands")}


class _Commands(click.Group):
    """Group of commands that are imported late, so that one part need not be there for another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        try:
            command: click.Command = _COMMANDS[cmd_name].load()
        except ModuleNotFoundError as e:
            return _Missing(cmd_name, str(e.name), help=help_text(_COMMANDS[cmd_name]))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands, none imported; those whose extra is missing below how to get it."""
        room = formatter.width - 6 - max(map(len, _COMMANDS), default=0)
        sections: dict[str, list[tuple[str, str]]] = {"Commands": []}
        for name, point in _COMMANDS.items():
            there = all(map(is_installed, point.extras))
            title = "Commands" if there else f"Commands that need {cure(point)}"
            text = click.Command(name, help=help_text(point)).get_short_help_str(room)
            sections.setdefault(title, []).append((name, text))
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class _Missing(click.Command):
    """Command that cannot be imported; it is there for help and completion, and refuses to run."""

    def __init__(self, name: str, module: str, *, help: str) -> None:
        super().__init__(name, help=help)
        self._module = module

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        point = _COMMANDS[str(self.name)]
        if all(map(is_installed, point.extras)):
            # To install the extra would change nothing.
            raise click.UsageError(
                f"Command {self.name} can't be imported: module {self._module} is missing, though "
                f"all packages that it needs are installed; reinstall the one with that module"
            )
        raise click.UsageError(f"Command {self.name} needs {cure(point)}")


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A spiking network in exact integers that learns and prunes itself.",
)
@click.version_option(package_name="prunus")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Print the help if no command is given."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(WRONG)


def run() -> int:
    """Run the command line; return the exit status. An error is one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name of a file may have characters that the output has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = cli.main(prog_name="prunus", standalone_mode=False)
    except click.Abort as e:
        with suppress(OSError):
            click.echo("prunus: interrupted", err=True)
        return stop_status(e.__cause__)
    except click.ClickException as e:
        return _wrong(e.format_message())
    except PrunusError as e:
        return _wrong(str(e))
    except OSError as e:
        return _wrong(f"{e.filename}: {e.strerror}" if e.filename else e.strerror or str(e))
    except MemoryError:
        return _wrong("Memory must suffice for the network and its data")
    except SystemExit as e:
        # Click leaves with 1 if the output is cut off, which is to mean a difference.
        return _CUT_OFF if e.code == 1 else int(e.code or 0)
    return status if isinstance(status, int) else 0


def _wrong(message: str) -> int:
    # The terminal may be gone.
    with suppress(OSError):
        click.echo(f"prunus: {printable(' '.join(message.split()))}", err=True)
    return WRONG
