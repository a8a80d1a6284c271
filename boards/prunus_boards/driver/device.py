"""Driver: a core behind a link, whichever way to it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.contents import state_of, words_of
from prunus_boards.driver.identification import Identification
from prunus_boards.driver.memories import Memories
from prunus_boards.driver.outcome import Outcome
from prunus_boards.driver.presenter import Presenter
from prunus_boards.driver.requests import NO_NETWORK, DeviceError, Requests
from prunus_boards.driver.transports.base import Closing, Transport
from prunus_model.spec.packed_events import PackedEvents, packed_one
from prunus_model.spec.presentation import Request, check_levels
from prunus_model.spec.state import State
from prunus_model.training.artifact import Artifact
from prunus_rtl.bus.spaces import PLAIN_SPACES, readable
from prunus_rtl.export.plan import Plan
from prunus_rtl.hardware import Space
from prunus_rtl.link.protocol.description import CoreDescription
from prunus_rtl.link.protocol.records import Condition, Identity

__all__ = ["Device"]


class Device(Closing):
    """A core behind a link.

    The device is identified when this is made. Before images are presented it needs a network:
    :meth:`attach` one that is there, or :meth:`load` one. It closes its transport.

    A device remembers which network it holds. Loading begins by making it forget that, and ends by
    telling it the new one, so that an interrupted load is never taken for a network. The first
    learning presentation, and :meth:`write`, make it forget too.

    Parameters
    ----------
    transport : Transport
        Way to it.
    core : CoreDescription, optional
        What it must be. Default: what was built on this machine under the digest it tells.

    Raises
    ------
    DeviceError
        If it is another core than that.
    DescriptionError
        If there is no description of it.
    PrunusError
        If it speaks another protocol, or does not answer.

    Examples
    --------
    >>> from prunus_boards.driver.transports.golden import GoldenTransport
    >>> from prunus_model import Artifact, levels, load_data
    >>> from prunus_model.cli.common import bundled
    >>> from prunus_rtl.export.plan import ExportOptions
    >>> from prunus_rtl.link.protocol.description import link_plan
    >>> artifact = Artifact.load(bundled("demo"))
    >>> golden = GoldenTransport(link_plan(artifact, ExportOptions()))
    >>> images = levels(load_data("sample", "test").images[:3], artifact.config.encoder)
    >>> with Device(golden, core=golden.emulator.description) as device:
    ...     device.attach(artifact)
    ...     [shown.prediction for shown in device.present_many(images)]
    [7, 2, 1]
    """

    def __init__(self, transport: Transport, *, core: CoreDescription | None = None) -> None:
        self._requests = Requests(transport)
        self._plan: Plan | None = None
        try:
            self._requests.link.synchronise()
            self._identification = Identification(self._requests, core)
            self._core = self._identification.core
            if self._core.hardware.source == "events" and self._requests.condition().running:
                # A host that is gone has left it waiting for events.
                self._requests.reset()
        except BaseException:
            transport.close()
            raise
        self._widths = self._core.widths
        memories = Memories(self._requests, self._widths)
        self._settled = memories
        self._presenter = Presenter(self._requests, memories, self._core)

    def close(self) -> None:
        """Give the device free."""
        self._requests.link.transport.close()

    @property
    def requests(self) -> Requests:
        """Single requests to it."""
        self._presenter.settle()
        return self._requests

    @property
    def core(self) -> CoreDescription:
        """Description of the core."""
        return self._core

    @property
    def identity(self) -> Identity:
        """What it has said of itself last."""
        return self._identification.identity

    @property
    def clock_hz(self) -> int:
        """Clock of the core; 0 if it has none."""
        return self.identity.clock_hz

    @property
    def plan(self) -> Plan:
        """The network that it holds, in the order of positions.

        Raises
        ------
        DeviceError
            If none was attached or loaded.
        """
        if self._plan is None:
            raise DeviceError("Network must be attached or loaded before it is used")
        return self._plan

    # Network.

    def holds(self, artifact: Artifact) -> bool:
        """Ask whether this network is there, as it was saved."""
        self._identification.repeat()
        return self.identity.network == bytes.fromhex(artifact.content_hash)

    def attach(self, artifact: Artifact) -> None:
        """Use the network that is there.

        Raises
        ------
        DeviceError
            If it is another one, or none.
        """
        if not self.holds(artifact):
            found = self.identity.network
            there = "none" if found == NO_NETWORK else found.hex()[:16]
            raise DeviceError(
                f"Device at {self._requests.name} must hold network {artifact.content_hash[:16]}, "
                f"not {there}"
            )
        self._plan = self._core.plan(artifact)

    def load(
        self, artifact: Artifact, *, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Write a network into all memories.

        Parameters
        ----------
        artifact : Artifact
            Network with the parameters of the core.
        progress : callable, optional
            Told how many words were written, and how many there are.

        Raises
        ------
        PrunusError
            If it does not suit the core, or its store is out of reach.
        """
        if self._core.hardware.host_access == "none":
            raise DeviceError(
                "Core must be built with host_access all or load to load a network, not none: it "
                "has the one that it was built with"
            )
        if not self._memories.loadable:
            raise DeviceError(
                f"Core must have its synapses within reach of the memory port to load a network, "
                f"but words of its {self._core.options.store} store are too wide"
            )
        plan = self._core.plan(artifact)
        self._plan = None
        self.reset()
        self._identification.forget_network()
        self._memories.write_all(words_of(self._widths, plan.state, plan.votes), progress)
        self._identification.name_network(bytes.fromhex(artifact.content_hash))
        self._plan = plan

    @property
    def compared_words(self) -> int:
        """Words that :meth:`compare` compares, if none differs."""
        return self._memories.compared

    def compare(self, artifact: Artifact) -> list[str]:
        """Read memories back; return one line for each space that differs from a network.

        What presentations change whatever the network is left out: ``V``, ``LAST_STEP`` and
        ``PRESENTATION``. So is what the core does not show
        (:func:`prunus_rtl.bus.spaces.readable`).
        """
        plan = self._core.plan(artifact)
        return self._memories.differences(words_of(self._widths, plan.state, plan.votes))

    def read_state(self) -> State:
        """Read the state of a core that learns, in the order of neurons.

        With ``host_access`` load, potentials and last steps are those of a new network, and
        thresholds are computed from what was read (:attr:`unread`).

        Raises
        ------
        DeviceError
            If the core can't learn: it has no memory for some of the state. Or if no network was
            attached or loaded: then the order is not known.
        """
        if not self._core.hardware.learn:
            raise DeviceError("Core must be able to learn to have a whole state")
        plan = self.plan
        # A core that learns has everything but what is 0.
        blank = State.initial(self._core.network)
        state, _ = state_of(self._widths, self._memories.read_all(), blank)
        return plan.in_network_order(state)

    @property
    def unread(self) -> set[str]:
        """State variables that :meth:`read_state` can't read."""
        shown = readable(self._widths)
        names = {**PLAIN_SPACES, Space.LAST_STEP: "last_step"}
        # The rates of inputs are there with pruning by lift, biases in feed-forward layers only.
        return {
            name
            for space, name in names.items()
            if space not in shown and space not in (Space.INPUT_RATE, Space.BIAS)
        }

    def present(self, levels: npt.NDArray[np.uint8], **options: Any) -> Outcome:
        """Show one image; options as of :meth:`present_many`."""
        check_levels(levels, self._core.network, many=False)
        return next(self.present_many(levels[np.newaxis], **options))

    def present_events(self, events: Sequence[Sequence[int]], **options: Any) -> Outcome:
        """Show events (:func:`prunus_model.spec.presentation.check_events`); options likewise."""
        return next(self.present_many(packed_one(events, self._core.network), **options))

    def present_many(
        self,
        levels: npt.NDArray[np.uint8] | PackedEvents,
        *,
        learn: bool = False,
        stop_after: int = 0,
        margin: int = 0,
        keep: bool = False,
    ) -> Generator[Outcome, None, None]:
        """Show images, or events; the next ones are sent while one is shown.

        Parameters
        ----------
        levels : ndarray of uint8, shape (n, image_levels), or PackedEvents
            Levels of the images (:func:`prunus_model.spec.levels.levels`); or events, for a core
            that takes these. Events are sent while they are shown, and the core waits for them.
        learn : bool
            Learn from them.
        stop_after : int
            End a presentation at this output spike (early exit); 0 means never. Up to 255.
        margin : int
            End a presentation when the leading class is ahead by so much (sequential test); 0 means
            never. Up to the largest score.
        keep : bool
            Go on with the scores of the presentation before, in all of them.

        Returns
        -------
        generator of Outcome
            Outcomes, in order. It can't go on after another series was begun.

        Raises
        ------
        TypeError, ValueError, DeviceError
            As of :meth:`prunus_boards.driver.presenter.Presenter.check`; if there is no network, or
            a presentation comes to no end.
        """
        request = Request(learn=learn, stop_after=stop_after, margin=margin, keep=keep)
        self._presenter.check(levels, request)
        neurons = self.plan.neurons
        if learn:
            self._identification.forget_network()
        return self._presenter.series(levels, neurons, request)

    def condition(self) -> Condition:
        """Ask how it is."""
        return self.requests.condition()

    def reset(self) -> None:
        """End a presentation, forget images, events and result.

        The number of the next presentation is then that which the core was built with. Potentials
        are undefined until the next presentation; a network that was learning is damaged.
        """
        self.requests.reset()

    @property
    def _memories(self) -> Memories:
        self._presenter.settle()
        return self._settled

    @property
    def presentation(self) -> int:
        """Number of the next presentation: selects the random numbers. Can be set."""
        return self._memories.presentation

    @presentation.setter
    def presentation(self, number: int) -> None:
        self._memories.presentation = number

    def read(self, space: Space, first: int, count: int) -> npt.NDArray[np.int64]:
        """Read words of a space that the core has, from address ``first`` on.

        Raises
        ------
        RefusedError
            If there are not that many.
        """
        return self._memories.read(space, first, count)

    def write(self, space: Space, first: int, words: npt.NDArray[np.int64]) -> None:
        """Write words of a space that the core has; the device then holds no known network.

        Raises
        ------
        RefusedError
            If an address does not exist; then nothing of the request it was in is written.
        """
        self._identification.forget_network()
        self._memories.write(space, first, words)
