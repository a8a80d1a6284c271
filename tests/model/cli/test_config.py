import pytest

from prunus_cli import Cli
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.presets import PRESETS


@pytest.mark.parametrize("name", list(PRESETS))
def test_named_configuration_is_printed_complete(cli: Cli, name: str) -> None:
    assert NetworkConfig.from_toml(cli.succeed("config", name)) == NetworkConfig.named(name)


def test_demo_is_the_default(cli: Cli) -> None:
    assert cli.succeed("config") == cli.succeed("config", "demo")


def test_file_is_checked_and_completed(cli: Cli) -> None:
    (cli.folder / "my.toml").write_text("neurons = 7\n[encoder]\nsteps = 3\n")
    completed = cli.succeed("config", "my.toml")
    config = NetworkConfig.from_toml(completed)
    assert (config.neurons, config.encoder.steps, config.encoder.gain) == (7, 3, 100)
    (cli.folder / "complete").write_text(completed)
    assert cli.succeed("config", "complete") == completed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("neurons = 0", "neurons must be at least 1, not 0"),
        ("[encoder]\nstep = 3", "Key 'encoder.step' is unknown"),
        ("neurons = 'x'", "neurons must be an integer, not 'x'"),
        ("seed = -1\nx = 1", "seed must be at least 0, not -1; Key 'x' is unknown"),
        ("neurons = ", "Configuration must be TOML: Invalid value (at end of document)"),
        (
            "weight_bits = 4\n[pruning]\npolicy = 'post'\nw_prune = 16",
            "pruning.w_prune must be in 0..15 for weight_bits=4, not 16",
        ),
    ],
)
@pytest.mark.parametrize("command", [["config"], ["train", "-c"]])
def test_message_names_file_and_key(cli: Cli, command: list[str], text: str, message: str) -> None:
    (cli.folder / "my.toml").write_text(text)
    assert cli.refuse(*command, "my.toml") == f"my.toml: {message}"


@pytest.mark.parametrize("command", [["config"], ["train", "-c"]])
def test_what_is_no_configuration_is_refused(cli: Cli, command: list[str]) -> None:
    assert cli.refuse(*command, "nope") == (
        "Configuration must be a TOML file or one of tiny, demo, 400, up5k, paper, 1600, "
        "windows, windows-large, windows-xl, windows-16, lean, windows-fashion, not 'nope'"
    )
    assert cli.refuse(*command, "nope.toml") == "Configuration nope.toml must exist"
    assert cli.refuse(*command, ".") == "Configuration file . must be a file, not a folder"
    (cli.folder / "x").write_bytes(b"\xff")
    assert cli.refuse(*command, "x") == "Configuration file x must be readable: not UTF-8"
