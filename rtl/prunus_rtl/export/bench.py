"""The bench of a package: plain Verilog-2001, which any simulator runs, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amaranth.lib import data

from prunus_rtl.bus.memory_port import answer_layout, request_layout
from prunus_rtl.core.core import Core, result_layout
from prunus_rtl.core.counters import counters_layout
from prunus_rtl.export.netlist import TOP, Netlist
from prunus_rtl.export.template import fill
from prunus_rtl.export.vectors import Shown, Vectors
from prunus_rtl.hardware import Space

__all__ = ["VECTORS", "digest", "make_bench", "make_bench_files"]

#: Where the vectors are, seen from where the simulator is started.
VECTORS = "vectors"
_WORD = 32
_MASK = (1 << _WORD) - 1
#: Most cycles of a presentation whose outputs are paused: as many as the pauses take.
_ANY = (1 << _WORD - 1) - 1
#: Files in that folder.
_FILES = ("stimuli", "spikes", "results", "reads")
#: Starting value and factor of FNV-1a, on words instead of bytes.
_BASIS, _PRIME = 0x811C9DC5, 0x01000193


def digest(words: Sequence[int], chunks: int) -> int:
    """Return what the bench computes of the contents of a memory, to tell whether it is whole.

    Parameters
    ----------
    words : sequence of int
        Contents.
    chunks : int
        Parts of 32 bits of a word.

    Returns
    -------
    int
        FNV-1a over 32-bit parts, the least significant first.
    """
    value = _BASIS
    for word in words:
        for chunk in range(chunks):
            value = ((value ^ (word >> _WORD * chunk & _MASK)) * _PRIME) & _MASK
    return value


def make_bench_files(
    core: Core, vectors: Vectors, measured: Sequence[int] | None
) -> dict[str, str]:
    """Return the files with stimuli and expected values.

    Parameters
    ----------
    core : Core
        The core.
    vectors : Vectors
        From the golden engine.
    measured : sequence of int, optional
        Cycles of each image; default: the bounds of the formula are expected.
    """
    shapes = core.shapes
    stimulus = _source(core)
    spike = shapes.spike
    lines: dict[str, list[str]] = {name: [] for name in _FILES}
    for k, image in enumerate(vectors.presentations):
        again = k == len(vectors.shown)
        note = f"// image {k}: test image {image.index}, class {image.label}"
        note += ", outputs paused" if again else ""
        lines["stimuli"] += [note, *(_hex(word, stimulus) for word in image.stimuli)]
        lines["spikes"] += [note]
        for step, post in image.spikes:
            word = spike.const({"step": step, "post": post}).as_bits()
            lines["spikes"] += [f"{_hex(word, spike.size)} // step {step}, post {post}"]
        lines["results"] += [note]
        known = None if measured is None or again else measured[k]
        for name, value in _results(image, known, paused=again):
            lines["results"] += [f"{_hex(value, _WORD)} // {name} {value}"]
    for read in vectors.reads:
        request = _hex(read.request, request_layout(shapes).size)
        lines["reads"] += [f"{request} {_hex(read.data, _WORD)} // {read.space.name}"]
    if not any(image.spikes for image in vectors.presentations):
        lines["spikes"] += ["0 // no output spike at all: not used"]
    return {f"{VECTORS}/{name}.hex": "\n".join(text) + "\n" for name, text in lines.items()}


def _results(image: Shown, measured: int | None, *, paused: bool) -> Iterator[tuple[str, int]]:
    """Yield what is expected of the result, in the order in which the bench reads it."""
    yield "prediction", image.prediction
    yield "undecided", int(image.undecided)
    yield "lead", image.lead
    yield from image.counts.items()
    yield "fewest cycles", image.cycles.fewest if measured is None else measured
    most = _ANY if paused else image.cycles.most
    yield "most cycles", most if measured is None else measured


def make_bench(core: Core, vectors: Vectors, netlist: Netlist) -> str:
    """Return the text of the bench.

    Parameters
    ----------
    core : Core
        The core.
    vectors : Vectors
        From the golden engine.
    netlist : Netlist
        Gives the memory images, which the bench checks first.
    """
    shapes = core.shapes
    stimulus = _source(core)
    spike, result = shapes.spike, result_layout(shapes)
    request, answer = request_layout(shapes).size, answer_layout()
    files = netlist.files()
    opened = [*files, *(f"{VECTORS}/{name}.hex" for name in _FILES)]
    chunks = max(-(-image.width // _WORD) for image in files.values())
    counts = [name for name in counters_layout(shapes).members if name != "cycles"]
    counters = result["counters"].offset
    checks = [("prediction", _field(result, "prediction", "result__payload"))]
    checks += [(n, _field(result, n, "result__payload")) for n in ("undecided", "lead")]
    layout = counters_layout(shapes)
    checks += [(name, _field(layout, name, "result__payload", counters)) for name in counts]
    slowest = max(image.cycles.most for image in vectors.shown)
    sent = sum(len(image.stimuli) for image in vectors.presentations)
    return fill(
        "bench.v.j2",
        top=TOP,
        source=core.hardware.source,
        vectors=VECTORS,
        images=len(vectors.shown),
        presentations=len(vectors.presentations),
        stimuli=sent,
        spikes=max(1, sum(len(image.spikes) for image in vectors.presentations)),
        reads=len(vectors.reads),
        result_words=len(checks) + 2,
        output_spikes=[name for name, _ in checks].index("output_spikes"),
        # The first image must be loaded, and the last one shown.
        patience=4 * slowest + 2 * sent + 10_000,
        stimulus_bits=stimulus,
        control_bits=shapes.control.size,
        control=vectors.control,
        spike_bits=spike.size,
        result_bits=result.size,
        request_bits=request,
        read_bits=max(request, _WORD),
        answer_bits=answer.size,
        spike_step=_field(spike, "step", "spikes__payload"),
        spike_post=_field(spike, "post", "spikes__payload"),
        wanted_step=_field(spike, "step", "wanted_spike"),
        wanted_post=_field(spike, "post", "wanted_spike"),
        answer_data=_field(answer, "data", "answers__payload"),
        answer_error=_field(answer, "error", "answers__payload"),
        cycles=_field(layout, "cycles", "result__payload", counters),
        chunks=chunks,
        deepest=max(image.depth for image in files.values()),
        basis=_verilog(_BASIS),
        prime=_verilog(_PRIME),
        opened=opened,
        memories=[
            (name, image.depth, _verilog(digest(image.words, chunks)))
            for name, image in files.items()
        ],
        checks=checks,
        name_bytes=max(len(name) for name in (*opened, *counts)),
        spaces=list(Space),
        asked_space=_field(request_layout(shapes), "space", "wanted_request"),
        address=_field(request_layout(shapes), "address", "wanted_request"),
    )


def _verilog(word: int) -> str:
    """Return the Verilog constant of a word."""
    return f"{_WORD}'h{word:08x}"


def _source(core: Core) -> int:
    """Return the width of the payload of what comes in."""
    if core.hardware.source == "levels":
        return int(core.shapes.level.width)
    return int(core.shapes.event.size)


def _field(layout: data.StructLayout, name: str, value: str, offset: int = 0) -> str:
    """Return the Verilog expression for a field; a field without bits is 0."""
    start = offset + layout[name].offset
    width = layout[name].width
    return f"{value}[{start + width - 1}:{start}]" if width else "1'b0"


def _hex(value: int, bits: int) -> str:
    return f"{value:0{-(-bits // 4)}x}"
