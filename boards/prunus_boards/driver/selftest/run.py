"""Self-test of a device: one test after the other, each with its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from prunus_boards.driver.checking import Checked, check
from prunus_boards.driver.contents import Words
from prunus_boards.driver.deadline import Deadline
from prunus_boards.driver.device import Device
from prunus_boards.driver.link import RefusedError
from prunus_boards.driver.memories import PASSING, Memories
from prunus_boards.driver.selftest.counting import CountingTransport
from prunus_boards.driver.selftest.line import check_line
from prunus_boards.driver.selftest.result import FaultError, Result, SkipError, Verdict, check_time
from prunus_boards.driver.selftest.storage import check_memories, restore
from prunus_boards.driver.transports.base import TransportError
from prunus_model.common.errors import PrunusError
from prunus_model.training.artifact import Artifact
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.link.protocol.description import CoreDescription, DescriptionError
from prunus_rtl.link.protocol.protocol import BROKEN_BITS, STARTED_BITS

__all__ = ["TESTS", "SelfTest"]

#: Tests in their order.
TESTS = ("identify", "link", "memory", "images", "counters")

_Found = tuple[str, dict[str, Any]]


class SelfTest:
    """Tests a device through its link.

    Afterwards its memories, and the network that it says it holds, are what they were; it has
    counted a broken frame and the images that it was shown. If a test finds that this can't be, it
    says so.

    Parameters
    ----------
    transport : CountingTransport
        Way to the device. It stays open.
    core : CoreDescription, optional
        What it must be. Default: what was built on this machine under the digest it tells.
    limit : float
        Seconds after which each test is ended.

    Attributes
    ----------
    device : Device or None
        The device, once it is identified.
    """

    def __init__(
        self, transport: CountingTransport, *, core: CoreDescription | None, limit: float
    ) -> None:
        self._transport = transport
        self._core = core
        self._limit = limit
        self._images = 0
        self._before = (0, 0)
        self._line_tested = False
        self.device: Device | None = None

    def identify(self) -> Result:
        """Open the device: it must answer, and be the core that is described.

        Raises
        ------
        DescriptionError
            If no core is described that it could be.
        """

        def opened(_deadline: Deadline) -> _Found:
            self.device = device = Device(self._transport, core=self._core)
            condition, identity = device.condition(), device.identity
            self._before = condition.broken, condition.started
            clock = f"{identity.clock_hz / 1e6:g} MHz" if identity.clock_hz else "no clock"
            mode = "learning" if identity.learn else "inference"
            sizes = f"{identity.neurons} neurons, {identity.lanes} lanes"
            return f"core {identity.core.hex()[:16]}, {sizes}, {mode}, {clock}", {}

        return self._timed("identify", opened)

    def rest(
        self, artifact: Artifact | None, images: npt.NDArray[np.uint8] | None, *, reason: str = ""
    ) -> Iterator[Result]:
        """Do all other tests; once the device is gone, the others are skipped.

        Parameters
        ----------
        artifact : Artifact, optional
            The network that it holds. Default: not known, images are skipped.
        images : ndarray of uint8, shape (n, image_levels), optional
            What is shown. Default: nothing, images are skipped.
        reason : str
            Why images are skipped.
        """

        def shown(deadline: Deadline) -> _Found:
            if artifact is None or images is None:
                raise SkipError(reason or "no network is named that the device holds")
            return self._check_images(artifact, images, deadline)

        tests: dict[str, Callable[[Deadline], _Found]] = {
            "link": self._check_line,
            "memory": self._check_memories,
            "images": shown,
            "counters": self._check_counters,
        }
        gone = self.device is None
        for name, test in tests.items():
            result = self._timed(name, self._skip if gone else test)
            gone = gone or result.figures.pop("gone", False)
            yield result

    def _timed(self, name: str, test: Callable[[Deadline], _Found]) -> Result:
        deadline = self._transport.deadline(self._limit)
        verdict: Verdict = "ok"
        figures: dict[str, Any] = {}
        try:
            text, figures = test(deadline)
        except SkipError as e:
            verdict, text = "skipped", str(e)
        except DescriptionError:
            # The user must say what the device is.
            raise
        except PrunusError as e:
            verdict, text = "failed", str(e)
            if isinstance(e, TransportError) and not isinstance(e, RefusedError):
                figures = {"gone": True}
        return Result(
            name=name, verdict=verdict, text=text, seconds=deadline.passed, figures=figures
        )

    @staticmethod
    def _skip(_deadline: Deadline) -> _Found:
        raise SkipError("the device does not answer as it must")

    @property
    def _opened(self) -> Device:
        if self.device is None:
            raise SkipError("the device is not identified")
        return self.device

    def _check_line(self, deadline: Deadline) -> _Found:
        found = check_line(self._opened.requests, self._transport, deadline)
        self._line_tested = True
        return found

    def _check_memories(self, deadline: Deadline) -> _Found:
        return check_memories(self._opened.requests, self._opened.core.widths, deadline)

    def _check_images(
        self, artifact: Artifact, images: npt.NDArray[np.uint8], deadline: Deadline
    ) -> _Found:
        device = self._opened
        device.attach(artifact)
        memories = Memories(device.requests, device.core.widths)
        kept: Words = {}
        for space in PASSING:
            if space in readable(device.core.widths):
                count = spaces(device.core.widths)[space][2]
                kept[space] = memories.read(space, 0, count)
        if wrong := device.compare(artifact):
            raise FaultError(f"memories must hold the network: {'; '.join(wrong)}")
        found = Checked()
        started = device.condition().started
        try:
            for found in check(device, images):
                check_time(deadline, f"{found.images} of {len(images)} images")
        finally:
            self._images = (device.condition().started - started) % (1 << STARTED_BITS)
            restore(Memories(device.requests, device.core.widths), device.core.widths, kept)
        if found.difference:
            raise FaultError(found.difference)
        if device.clock_hz and not found.cycles:
            raise FaultError("images must take cycles in a device that has a clock, not 0")
        figures = {
            "images": found.images,
            "values": device.compared_words + found.values,
            "output_spikes": found.spikes,
            "cycles": found.cycles,
        }
        text = f"{found.images} equal the golden model, {figures['values']:,} values"
        return text + (f", {found.cycles:,} cycles" if found.cycles else ""), figures

    def _check_counters(self, _deadline: Deadline) -> _Found:
        device = self._opened
        condition = device.condition()
        broken = (condition.broken - self._before[0]) % (1 << BROKEN_BITS)
        started = (condition.started - self._before[1]) % (1 << STARTED_BITS)
        if condition.running:
            raise FaultError("no presentation must run, but one does")
        if started != self._images:
            raise FaultError(f"device must count {self._images} presentations more, not {started}")
        if self._line_tested and broken != 1:
            raise FaultError(f"device must count 1 broken frame, which was sent, not {broken}")
        return (
            f"{started} presentations, {broken} broken frame{'' if broken == 1 else 's'}",
            {"presentations": started, "broken_frames": broken},
        )
