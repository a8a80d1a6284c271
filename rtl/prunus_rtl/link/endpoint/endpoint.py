"""Endpoint: carries out the requests of the host link."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from prunus_model.spec.formats import LEVEL_BITS
from prunus_rtl.bus.memory_port import answer_layout, request_layout
from prunus_rtl.bus.spaces import readable, spaces
from prunus_rtl.core.core import result_layout
from prunus_rtl.link.endpoint.check import RequestCheck
from prunus_rtl.link.endpoint.decoder import RequestDecoder
from prunus_rtl.link.endpoint.duplicate import DuplicateCheck
from prunus_rtl.link.endpoint.events import EventLoader
from prunus_rtl.link.endpoint.image import ImageLoader
from prunus_rtl.link.endpoint.log import LogRam
from prunus_rtl.link.endpoint.presenter import Presenter
from prunus_rtl.link.endpoint.report import Report
from prunus_rtl.link.endpoint.words import WordAccess
from prunus_rtl.link.framing.framer import Framer
from prunus_rtl.link.protocol.protocol import BROKEN_BITS, OFFSET, Opcode, Status, first_bytes
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.shapes import Shapes

__all__ = ["Endpoint"]


class Endpoint(wiring.Component):
    """Endpoint: carries out the requests of the host link, one after the other.

    It receives a request, compares it with the last one (:class:`.DuplicateCheck`), decodes it
    (:class:`.RequestDecoder`), checks it (:class:`.RequestCheck`), and starts what serves it
    (:class:`.WordAccess`, :class:`.ImageLoader` or :class:`.EventLoader`, :class:`.Presenter`,
    :class:`.Report`; of INFER three of them in turn), whose octets it sends behind its head.
    Everything of :mod:`prunus_rtl.link.protocol.protocol`. Of several faults of a request, that
    which the list names first is reported:

    - any: OPCODE, LENGTH
    - READ, WRITE: ADDRESS (no such space), VALUE (``count`` is 0), BUSY; then word by word ADDRESS;
      last, or as soon as they are too many, VALUE (READ) or LENGTH (WRITE)
    - IMAGE, EVENTS: FULL, POSITION, VALUE
    - INFER: VALUE (arguments), BUSY, FULL, POSITION, VALUE (code)
    - PRESENT: VALUE, BUSY, NO_IMAGE (not of a core that takes events)
    - RESULT, SPIKES: BUSY, NO_RESULT

    Relies on this of the core: ``levels`` is ready for a whole image, once it is ready for its
    first level; ``control`` becomes ready if an image was loaded and no presentation runs;
    ``requests`` are taken and answered then, too; ``result.payload`` is kept until the next
    transfer of ``control``, or reset.

    Timing
    ------
    Whole requests are received, then carried out, then answered: meanwhile ``rx`` is not ready.
    Output spikes and the result are always taken at once. Clock domain ``sync``.

    Parameters
    ----------
    shapes : Shapes
        Of the core.
    identity : Identity
        Initial identity block.

    Members
    -------
    rx, tx : In(stream.Signature(8)), Out(stream.Signature(8))
        From and to the host.
    running : Out(1)
        A presentation runs.
    reset_core : Out(1)
        Reset of the core.
    levels or events, control, spikes, result, requests, answers
        Ports of :class:`prunus_rtl.core.core.Core`, in the other direction.
    """

    def __init__(self, *, shapes: Shapes, identity: Identity) -> None:
        self._shapes = shapes
        self._identity = identity
        source = shapes.hardware.source
        octets = stream.Signature(8)
        super().__init__(
            {
                "rx": In(octets),
                "tx": Out(octets),
                "running": Out(1),
                "reset_core": Out(1),
                source: Out(stream.Signature(LEVEL_BITS if source == "levels" else shapes.event)),
                "control": Out(stream.Signature(shapes.control)),
                "spikes": In(stream.Signature(shapes.spike)),
                "result": In(stream.Signature(result_layout(shapes))),
                "requests": Out(stream.Signature(request_layout(shapes))),
                "answers": In(stream.Signature(answer_layout())),
            }
        )

    @property
    def shapes(self) -> Shapes:
        """Network and hardware."""
        return self._shapes

    def elaborate(self, platform: Any) -> Module:
        """Build the unit."""
        m = Module()
        s = self._shapes
        image_levels, most_spikes = s.network.image_levels, s.network.presentation_spikes()
        source, steps = s.hardware.source, s.network.encoder.steps
        inputs_of = (Opcode.IMAGE, Opcode.INFER) if source == "levels" else (Opcode.EVENTS,)
        requests, result = request_layout(s), result_layout(s)
        address_bits = requests["address"].width
        widths = {space.value: width for space, (_, width, _) in spaces(s).items()}
        m.submodules.framer = framer = Framer()
        m.submodules.log = log = LogRam(spike=s.spike, spikes=most_spikes, identity=self._identity)
        m.submodules.duplicate = duplicate = DuplicateCheck()
        m.submodules.decoder = decoder = RequestDecoder(
            address_bits=address_bits, last=max(Opcode.RESET, *inputs_of)
        )
        m.submodules.check = check = RequestCheck(
            address_bits=address_bits,
            spaces=widths,
            readable=readable(s),
            source=source,
            inputs=image_levels,
            first_bytes=first_bytes(most_spikes),
            learn=s.hardware.learn,
            score_bits=s.score_bits,
        )
        m.submodules.words = words = WordAccess(requests=requests, widths=widths)
        loader: Any
        if source == "levels":
            m.submodules.image = loader = ImageLoader(inputs=image_levels)
            outside, waiting, room = self.levels, loader.images != 0, self.levels.ready
        else:
            m.submodules.events = loader = EventLoader(
                event=s.event, inputs=image_levels, steps=steps
            )
            outside, waiting, room = self.events, loader.waiting, ~loader.waiting
        m.submodules.presenter = presenter = Presenter(control=s.control, result=result)
        m.submodules.report = report = Report(
            depth=log.depth, result_bits=result.size, first_bits=8 * first_bytes(most_spikes)
        )
        for port, inner in (
            (self.rx, framer.rx),
            (self.tx, framer.tx),
            (self.spikes, log.spikes),
            (outside, getattr(loader, source)),
            (self.control, presenter.control),
            (self.result, presenter.result),
            (self.requests, words.requests),
            (self.answers, words.answers),
        ):
            wiring.connect(m, wiring.flipped(port), inner)

        if source == "levels":
            m.d.comb += [
                check.images.eq(loader.images),
                loader.present.eq(presenter.done),
                loader.coded.eq(decoder.request.opcode == Opcode.INFER),
            ]
        request = decoder.request
        flags = Cat(presenter.running, waiting, room, presenter.known)
        broken = Signal(BROKEN_BITS)
        m.d.comb += [
            self.running.eq(presenter.running),
            log.forget.eq(self.reset_core | presenter.done),
            duplicate.held.eq(framer.held),
            check.request.eq(request),
            check.running.eq(presenter.running),
            check.known.eq(presenter.known),
            check.room.eq(room),
            check.position.eq(loader.position),
            words.request.eq(request),
            loader.clear.eq(self.reset_core),
            presenter.stop_after.eq(request.arguments.present.stop_after),
            presenter.margin.eq(request.margin),
            presenter.keep.eq(request.arguments.present.keep),
            presenter.learn.eq(request.arguments.present.learn),
            presenter.hold.eq(self.spikes.valid),
            presenter.clear.eq(self.reset_core),
            report.opcode.eq(request.opcode),
            report.first.eq(request.arguments.spikes.first),
            report.result.eq(self.result.payload.as_value()),
            report.condition.eq(
                Cat(
                    flags,
                    Const(0, 8 - len(flags)),
                    broken,
                    loader.position,
                    Const(0, 8 * OFFSET.size - len(loader.position)),
                    presenter.started,
                )
            ),
            report.log_data.eq(log.read_data),
            report.log_end.eq(log.end),
            log.read_address.eq(report.log_address),
        ]
        for part in (duplicate, check, words, loader):
            m.d.comb += part.length.eq(framer.length)
        for part in (duplicate, decoder, words, loader):
            m.d.comb += part.octet.eq(framer.data)
        for part in (duplicate, words):
            m.d.comb += part.log_data.eq(log.read_data)

        def read_with(part: Any) -> None:
            """Give a component the read port of the request."""
            m.d.comb += framer.address.eq(part.octet_address)

        def log_with(part: Any) -> None:
            """Give a component both ports of the log RAM."""
            m.d.comb += [
                log.read_address.eq(part.log_address),
                log.write.eq(part.write),
                log.write_address.eq(part.write_address),
                log.write_data.eq(part.write_data),
                part.write_ready.eq(log.write_ready),
            ]

        def respond_with(part: Any) -> None:
            """Send the octets of a component."""
            m.d.comb += [
                framer.i.valid.eq(part.octets.valid),
                framer.i.payload.eq(part.octets.payload),
                part.octets.ready.eq(framer.i.ready),
            ]

        # Which component serves a request, and how it is started.
        reports = (Opcode.IDENTIFY, Opcode.STATUS, Opcode.RESULT, Opcode.SPIKES)
        services: dict[Any, tuple[Opcode, ...]] = {
            words: (Opcode.READ, Opcode.WRITE),
            loader: inputs_of,
            presenter: (Opcode.PRESENT,),
            report: reports,
        }
        status = Signal(Status)
        # High in state Receive; a register of its own, because the framer is far from the others.
        receiving = Signal(init=1)
        m.d.comb += framer.receive.eq(receiving)
        whole = Signal()
        start = Signal()
        done = Signal()
        with m.FSM(name="endpoint"):
            with m.State("Receive"):
                m.d.sync += whole.eq(framer.whole)
                with m.If(framer.done):
                    m.d.sync += receiving.eq(0)
                    m.next = "Received"
            with m.State("Received"):
                with m.If(whole):
                    m.d.comb += duplicate.start.eq(1)
                    m.next = "Compare"
                with m.Else():
                    m.d.comb += framer.broken.eq(1)
                    m.d.sync += broken.eq(broken + 1)
                    m.next = "Send"
            with m.State("Compare"):
                read_with(duplicate)
                log_with(duplicate)
                with m.If(duplicate.done):
                    with m.If(duplicate.repeated):
                        m.d.comb += framer.repeat.eq(1)
                        m.next = "Send"
                    with m.Else():
                        m.d.comb += [framer.begin.eq(1), decoder.start.eq(1)]
                        m.next = "Decode"
            with m.State("Decode"):
                read_with(decoder)
                respond_with(decoder)
                with m.If(decoder.done):
                    m.next = "Check"
            with m.State("Check"):
                m.d.sync += status.eq(check.status)
                m.next = "Checked"
            with m.State("Checked"):
                m.next = "Status"
                with m.If(status == Status.OK):
                    with m.Switch(request.opcode):
                        with m.Case(*services[words]):
                            m.d.comb += words.check.eq(1)
                            m.next = "CheckWords"
                        with m.Case(inputs_of[-1]):
                            m.d.comb += loader.check.eq(1)
                            m.next = "CheckInputs"
            for part, use, checking, taking in (
                (words, log_with, "CheckWords", "TakeStatus"),
                (loader, read_with, "CheckInputs", "TakeInputsStatus"),
            ):
                with m.State(checking):
                    use(part)
                    with m.If(part.done):
                        m.next = taking
                with m.State(taking):
                    m.d.sync += status.eq(part.status)
                    m.next = "Status"
            with m.State("Status"):
                # From here on nothing is refused.
                m.d.comb += [framer.i.valid.eq(1), framer.i.payload.eq(status)]
                with m.If(framer.i.ready):
                    m.next = "Finish"
                    with m.If(status == Status.OK):
                        m.d.comb += start.eq(1)
                        m.next = "Serve"
                        with m.If(request.opcode == Opcode.RESET):
                            m.next = "Reset"
            with m.State("Serve"):
                with m.Switch(request.opcode):
                    for part, opcodes in services.items():
                        with m.Case(*opcodes):
                            if part is not presenter:
                                respond_with(part)
                            if part in (words, loader):
                                read_with(part)
                            if part is words:
                                log_with(words)
                            m.d.comb += done.eq(part.done)
                with m.If(done):
                    m.next = "Finish"
                    if source == "levels":
                        with m.If(loader.coded & (loader.images != 0)):
                            m.next = "Present"
            if source == "levels":
                with m.State("Present"):
                    m.d.comb += presenter.start.eq(1)
                    m.next = "Begin"
                with m.State("Begin"):
                    with m.If(presenter.done):
                        m.next = "Await"
                with m.State("Await"):
                    with m.If(presenter.known):
                        m.d.comb += report.start.eq(1)
                        m.next = "Report"
                with m.State("Report"):
                    respond_with(report)
                    with m.If(report.done):
                        m.next = "Finish"
            with m.State("Reset"):
                m.d.comb += self.reset_core.eq(1)
                m.next = "Finish"
            with m.State("Finish"):
                with m.If(~framer.pending):
                    m.d.comb += framer.finish.eq(1)
                    m.next = "Send"
            with m.State("Send"):
                with m.If(framer.sent):
                    m.d.sync += receiving.eq(1)
                    m.next = "Receive"
        with m.Switch(request.opcode):
            for part, opcodes in services.items():
                with m.Case(*opcodes):
                    m.d.comb += part.start.eq(start)
        return m
