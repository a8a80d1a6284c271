from pathlib import Path

import pytest

from prunus_cli import Cli, listing, same
from prunus_model.common.locks import claimed
from prunus_model.training.artifact import Artifact
from prunus_model.training.relabelling import relabelled

COMMAND = ("relabel", "tiny.npz", "--votes", "logarithms", "--vote-bits", "6", "-o", "new.npz")


def test_network_is_saved_with_its_new_readout(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed(*COMMAND, "--margin", "56", "--stop-after", "3")
    assert out == "Saved new.npz: logarithms of 6 bits, early exit after 3, margin 56\n"
    saved = Artifact.load(Path("new.npz"))
    expected = relabelled(trained, votes="logarithms", vote_bits=6, margin=56, stop_after=3)
    assert same(saved, expected)
    assert saved.content_hash == expected.content_hash
    assert saved.provenance["command"] == trained.provenance["command"]
    assert saved.provenance["relabelled"] == " ".join(
        ["prunus", *COMMAND, "--margin", "56", "--stop-after", "3"]
    )


def test_what_is_not_given_stays(tiny_cli: Cli, trained: Artifact) -> None:
    out = tiny_cli.succeed("relabel", "tiny.npz", "-o", "new.npz")
    assert out == "Saved new.npz: shares of 4 bits, early exit never, margin none\n"
    assert Artifact.load(Path("new.npz")).content_hash == trained.content_hash


def test_existing_file_is_replaced_only_with_force(tiny_cli: Cli) -> None:
    tiny_cli.succeed(*COMMAND)
    first = listing(tiny_cli.folder)
    assert tiny_cli.refuse(*COMMAND) == "Output new.npz must not exist, unless --force is given"
    assert listing(tiny_cli.folder) == first
    tiny_cli.succeed(*COMMAND, "--force", "--margin", "9")
    assert Artifact.load(Path("new.npz")).config.readout.margin == 9


def test_output_that_another_process_makes_is_left_to_it(tiny_cli: Cli) -> None:
    with claimed(Path("new.npz")):
        assert "new.npz" in tiny_cli.refuse(*COMMAND)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "new.bin"), "Output must end with .npz, not 'new.bin'"),
        (("-o", "no/new.npz"), "Folder no of the output must exist"),
        (
            ("--margin", "1009"),
            (
                "Configuration: readout.margin must be at most 1008, which 16 output spikes reach "
                "with 6-bit votes, not 1009"
            ),
        ),
        (
            ("--vote-bits", "9"),
            "Invalid value for '--vote-bits': It must be a whole number in 1..8, not '9'",
        ),
    ],
)
def test_what_cannot_be_is_refused(tiny_cli: Cli, options: tuple[str, ...], message: str) -> None:
    assert tiny_cli.refuse(*COMMAND, *options) == message


def test_one_bit_is_not_several(tiny_cli: Cli) -> None:
    out = tiny_cli.succeed("relabel", "tiny.npz", "--vote-bits", "1", "-o", "new.npz")
    assert out.startswith("Saved new.npz: shares of 1 bit, early exit ")
