"""Timing diagrams (WaveDrom) of a package, from the waveforms of its bench."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vcd.reader import TokenKind, tokenize

__all__ = [
    "FOLDER",
    "Diagram",
    "Samples",
    "draw",
    "excerpt",
    "native_diagrams",
    "read_vcd",
    "wavejson",
]

#: Where diagrams are, in a package.
FOLDER = "waves"
#: Characters of WaveDrom for the values of a word, in turn: boxes of three colours.
_BOXES = "345"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Waveforms at the rising edges of the clock.

    Attributes
    ----------
    values : mapping of str to sequence of int or None
        For each signal its value just before each edge; None: not defined.
    bits : mapping of str to int
        Their widths.
    """

    values: Mapping[str, Sequence[int | None]]
    bits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What is drawn.

    Attributes
    ----------
    name : str
        Of the file.
    title : str
        What can be seen.
    signals : tuple of str
        Names of the wires, in the bench.
    when : tuple of str
        Wires that are all 1 in the cycle that is looked for, the first one there is.
    before, after : int
        Cycles drawn before that and after it.
    last : bool
        Whether the last such cycle is looked for instead.
    labels : mapping of str to str
        What a wire is called in the diagram; default: as in the bench.
    """

    name: str
    title: str
    signals: tuple[str, ...]
    when: tuple[str, ...]
    before: int = 2
    after: int = 6
    last: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


def read_vcd(path: Path, *, clock: str = "clk", scope: str = "bench") -> Samples:
    """Return the signals of the bench as they are just before each rising edge of its clock.

    Parameters
    ----------
    path : Path
        Waveforms (VCD).
    clock : str
        Name of the clock.
    scope : str
        Module whose signals are read; those of its parts are not.
    """
    names: dict[str, list[str]] = {}
    bits: dict[str, int] = {}
    scopes: list[str] = []
    now: dict[str, int | None] = {}
    before: dict[str, int | None] = {}
    cycles: list[dict[str, int | None]] = []
    token: Any
    with path.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.VAR and scopes[-1:] == [scope]:
                names.setdefault(token.var.id_code, []).append(token.var.reference)
                bits[token.var.reference] = token.var.size
            elif token.kind is TokenKind.CHANGE_TIME:
                # What an edge changes has its time; so what was before it has an earlier one.
                before = dict(now)
            elif token.kind in (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_VECTOR):
                code, value = token.data.id_code, _number(token.data.value)
                if value == 1 and now.get(code) == 0 and clock in names.get(code, ()):
                    cycles.append(before)
                now[code] = value
    values = {
        name: [cycle.get(code) for cycle in cycles] for code, some in names.items() for name in some
    }
    return Samples(values=values, bits=bits)


def _number(value: Any) -> int | None:
    if isinstance(value, int):
        return value
    text = str(value)
    return int(text, 2) if text and set(text) <= {"0", "1"} else None


def draw(samples: Samples, diagrams: Sequence[Diagram]) -> dict[str, str]:
    """Return the files of diagrams, by name: WaveJSON, and SVG if the package wavedrom is there.

    What does not happen in the waveforms is left out.
    """
    files = {}
    for diagram in diagrams:
        if (cycles := excerpt(samples, diagram)) is None:
            continue
        text = wavejson(samples, diagram, cycles)
        files[f"{FOLDER}/{diagram.name}.json"] = text
        if importlib.util.find_spec("wavedrom") is not None:
            files[f"{FOLDER}/{diagram.name}.svg"] = _svg(text)
    return files


def _svg(text: str) -> str:
    """Draw WaveJSON."""
    import wavedrom

    return str(wavedrom.render(text).tostring()) + "\n"


def excerpt(samples: Samples, diagram: Diagram) -> range | None:
    """Return the cycles that are drawn; None if what is looked for does not happen."""
    wires = [samples.values[name] for name in diagram.when]
    found = [k for k, values in enumerate(zip(*wires, strict=True)) if set(values) == {1}]
    if not found:
        return None
    at = found[-1 if diagram.last else 0]
    cycles = min(map(len, wires))
    return range(max(0, at - diagram.before), min(cycles, at + diagram.after + 1))


def wavejson(samples: Samples, diagram: Diagram, cycles: range) -> str:
    """Return an excerpt as WaveJSON.

    Single bits are drawn as levels, words as boxes with hexadecimal numbers; what is not defined is
    crossed out.

    Parameters
    ----------
    samples : Samples
        As of :func:`read_vcd`.
    diagram : Diagram
        What is drawn.
    cycles : range
        As of :func:`excerpt`.
    """
    lanes: list[dict[str, Any]] = [{"name": "clk", "wave": "p" + "." * (len(cycles) - 1)}]
    for name in diagram.signals:
        values = [samples.values[name][k] for k in cycles]
        lane: dict[str, Any] = {"name": diagram.labels.get(name, name)}
        if samples.bits[name] == 1:
            lane["wave"] = _runs(["x" if value is None else str(value) for value in values])
        else:
            lane |= _boxes(values)
        lanes.append(lane)
    return json.dumps({"signal": lanes, "head": {"text": diagram.title}}, indent=1) + "\n"


def _boxes(values: Sequence[int | None]) -> dict[str, Any]:
    """Return wave and data of a word."""
    marks: list[str] = []
    data: list[str] = []
    for k, value in enumerate(values):
        if k and value == values[k - 1]:
            marks.append(".")
        elif value is None:
            marks.append("x")
        else:
            marks.append(_BOXES[len(data) % len(_BOXES)])
            data.append(f"{value:x}")
    return {"wave": "".join(marks), "data": data}


def _runs(marks: Sequence[str]) -> str:
    return "".join("." if k and mark == marks[k - 1] else mark for k, mark in enumerate(marks))


def native_diagrams(source: str) -> list[Diagram]:
    """Return the diagrams of a core with its own ports."""
    stream = ("source_payload", "source_valid", "source_ready")
    labels = {
        f"source_{signal}": f"{source}__{signal}" for signal in ("payload", "valid", "ready")
    } | {"outputs__ready": "spikes__ready, answers__ready", "result_ready": "result__ready"}
    return [
        Diagram(
            name="reset",
            title=f"reset, and the first transfers of {source}",
            signals=("rst", *stream),
            when=("source_valid", "source_ready"),
            before=4,
            labels=labels,
        ),
        Diagram(
            name="start",
            title="a presentation starts",
            signals=(*stream, "control__payload", "control__valid", "control__ready"),
            when=("control__valid", "control__ready"),
            before=4,
            labels=labels,
        ),
        Diagram(
            name="spike",
            title="output spikes",
            signals=("spikes__payload", "spikes__valid", "outputs__ready"),
            when=("spikes__valid", "outputs__ready"),
            labels=labels,
        ),
        Diagram(
            name="result",
            title="the result of a presentation, and the start of the next one",
            signals=("result__valid", "result_ready", "control__valid", "control__ready"),
            when=("result__valid", "result_ready"),
            labels=labels,
        ),
        Diagram(
            name="memory_port",
            title="a word is read through the memory port",
            signals=(
                *("requests__payload", "requests__valid", "requests__ready"),
                *("answers__payload", "answers__valid", "outputs__ready"),
            ),
            when=("requests__valid", "requests__ready"),
            after=12,
            labels=labels,
        ),
    ]
