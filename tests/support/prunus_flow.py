"""Builds of bitstreams with tools that only pretend, for tests."""

from prunus_cli import Cli, listing, message

NATIVE = ("-b", "generic-ice40", "--tools", "native", "--lanes", "2")


def fail(cli: Cli, *args: str) -> str:
    """Run a build that fails once the work has begun, and leaves nothing; return the message."""
    before = listing(cli.folder)
    outcome = cli.run("bitstream", *args)
    assert outcome.status == 2
    assert listing(cli.folder) == before
    return message(outcome.err)
