"""Fenced blocks of the Markdown files, and whether a command line in one could be run as it is."""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

import click
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
#: Folders of what is built, installed or kept, which hold documents of others. So does any folder
#: whose name begins with a dot.
_NOT_OURS = {"build", "dist", "node_modules", "__pycache__"}


class WrongExampleError(Exception):
    """A command line that could not be run: what is wrong, in one line."""


@dataclass(frozen=True)
class Block:
    """A block of code: where it is, of what language, its content, the file to save it as if any.

    The file is the second word of the opening fence.
    """

    document: str
    line: int
    language: str
    content: str
    file: str = ""

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command of a console block: where, the line without its comment, its words, its output."""

    document: str
    line: int
    text: str
    output: str = ""

    @property
    def argv(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def plain(self) -> str:
        """The line without its comment, with single spaces."""
        return shlex.join(self.argv)


def documents(root: Path = ROOT) -> list[str]:
    """Return every Markdown file of the project, relative to its root."""
    found = (path.relative_to(root) for path in root.rglob("*.md"))
    return sorted(
        path.as_posix()
        for path in found
        if not any(part in _NOT_OURS or part.startswith(".") for part in path.parts)
    )


def blocks_of(document: str, text: str) -> list[Block]:
    """Return all blocks of code; an indented one, or one without a language, has language ""."""
    return [
        Block(
            document=document,
            line=token.map[0] + 1 if token.map else 0,
            language=language,
            content=token.content,
            file=file,
        )
        for token in MarkdownIt().parse(text)
        if token.type in ("fence", "code_block")
        for language, file in [[*token.info.split(), "", ""][:2]]
    ]


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a console block.

    A line that begins with ``$`` is a command, also over several lines that end with a backslash.
    What follows is its output.
    """
    commands: list[Command] = []
    unfinished = False
    for n, line in enumerate(block.content.splitlines(), start=block.line + 1):
        if unfinished:
            last = commands.pop()
            commands.append(Command(last.document, last.line, f"{last.text[:-1]}{line}"))
        elif line.startswith("$ "):
            commands.append(Command(block.document, n, line.removeprefix("$ ")))
        elif commands:
            last = commands.pop()
            output = f"{last.output}{line}\n"
            commands.append(Command(last.document, last.line, last.text, output))
        elif line.strip():
            raise WrongExampleError(f"{block.document}:{n}: a console block must begin with '$ '")
        unfinished = bool(commands) and not commands[-1].output and commands[-1].text.endswith("\\")
    return commands


def shown(expected: str, printed: str) -> bool:
    """Whether lines of a document are in what was printed; ``...`` is any text."""
    same = doctest.OutputChecker().check_output
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    lines, count = printed.splitlines(), len(expected.splitlines())
    return any(
        same(expected, "\n".join(lines[n : n + count]) + "\n", flags) for n in range(len(lines))
    )


def environment() -> dict[str, str]:
    """Return an environment in which the commands of this Python are found first."""
    folder = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def check_command(argv: list[str]) -> None:
    """Check that a command line could be run, without running it.

    Files that it names are looked for in the current folder.

    Raises
    ------
    WrongExampleError
        If there is no such command, or it refuses what it is given.
    """
    match argv:
        case ["prunus", name, *rest]:
            _parse(_prunus_command(name), f"prunus {name}", rest)
        case ["python", "-m", "pytest", *rest]:
            _check_pytest(rest)
        case ["python", "-m", module, *rest]:
            _check_module(module, rest)
        case ["python", script] if not script.startswith("-"):
            if not Path(script).is_file():
                raise WrongExampleError(f"there is no file {script!r} to run")
        case ["pip", "install", *rest]:
            _check_install(rest)
        case ["make", target, *variables]:
            for line in dry_run(target, variables):
                _check_line_of_recipe(line)
        case _:
            raise WrongExampleError(f"no check is known for {shlex.join(argv)!r}")


def _prunus_command(name: str) -> click.Command:
    points: Mapping[str, EntryPoint] = {p.name: p for p in entry_points(group="prunus.commands")}
    if name not in points:
        raise WrongExampleError(f"prunus has no command {name!r}")
    command: click.Command = points[name].load()
    return command


def _parse(command: click.Command, name: str, args: list[str]) -> None:
    # What the shell makes of it is not the command's.
    if ">" in args:
        args = args[: args.index(">")]
    # As under `prunus`: click keeps what the help option of a command is called at its first use.
    prunus = click.Context(click.Group("prunus"), help_option_names=["-h", "--help"])
    try:
        command.make_context(name, list(args), parent=prunus)
    except click.exceptions.Exit:
        # Such as --help, which is at its end once it is parsed.
        return
    except click.ClickException as e:
        raise WrongExampleError(f"{name}: {e.format_message()}") from e


def _check_module(module: str, args: list[str]) -> None:
    try:
        spec = find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            module = f"{module}.__main__"
            spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise WrongExampleError(f"there is no module {module!r} to run")
    here = [
        value
        for value in vars(import_module(module)).values()
        if isinstance(value, click.Command) and value.callback is not None
        if value.callback.__module__ == module
    ]
    if not here and args:
        raise WrongExampleError(f"{module} takes no arguments")
    if here:
        (command,) = here
        _parse(command, module, args)


def _check_pytest(args: list[str]) -> None:
    known = {m.split(":")[0] for m in _project()["tool"]["pytest"]["ini_options"]["markers"]}
    words = iter(args)
    for word in words:
        if word == "-m":
            used = set(re.findall(r"\w+", next(words, ""))) - {"and", "or", "not"}
            if used - known:
                raise WrongExampleError(f"pytest has no marker {', '.join(sorted(used - known))}")
        elif word in ("-n", "-k", "--dist"):
            next(words, "")
        elif not word.startswith("-") and not (ROOT / word.split("::")[0]).exists():
            raise WrongExampleError(f"there are no tests in {word!r}")


def _check_install(args: list[str]) -> None:
    extras = _project()["project"]["optional-dependencies"]
    for arg in args:
        # Of Prunus, by its name or by the folder of the checkout.
        asked = re.fullmatch(r"(?:prunus|\.)\[(.*)\]", arg)
        missing = set(asked[1].split(",")) - set(extras) if asked else set()
        if missing:
            raise WrongExampleError(f"there is no extra {', '.join(sorted(missing))}")


def _project() -> dict[str, dict[str, dict[str, dict[str, list[str]]]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def dry_run(target: str, variables: list[str] | tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield the command lines, as words, that ``make`` would run for a target.

    Raises
    ------
    WrongExampleError
        If there is no such target, or a variable is none that the Makefile reads.
    """
    read = (ROOT / "Makefile").read_text()
    for variable in variables:
        name = variable.partition("=")[0]
        if "=" not in variable or not re.search(rf"\$\({name}\)|origin {name}\)", read):
            raise WrongExampleError(f"make {target}: the Makefile reads no variable {name!r}")
    done = subprocess.run(
        # The environment is taken as made.
        ["make", "--no-print-directory", "-n", "-o", ".venv/.made", target, *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WrongExampleError(f"make {target}: {done.stderr.splitlines()[0]}")
    for line in done.stdout.replace("\\\n", " ").splitlines():
        if words := shlex.split(line):
            yield words


def _check_line_of_recipe(words: list[str]) -> None:
    """Check a line of a recipe if it is a command of the project."""
    program = Path(words[0])
    if program.name == "prunus" or (program.name == "python" and words[1:2] == ["-m"]):
        if words[1:3] == ["-m", "pip"]:
            return
        check_command([program.name, *words[1:]])
