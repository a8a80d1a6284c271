"""Timing diagrams: waveforms read, the right cycles found, WaveJSON as WaveDrom wants it."""

import importlib.util
import json
from pathlib import Path

import pytest

from prunus_rtl.export.waves import Diagram, draw, excerpt, read_vcd, wavejson

#: Rising edges at 5, 15, 25 ...; what an edge changes has its time.
_VCD = """
$timescale 1ns $end
$scope module bench $end
$var wire 1 ! clk $end
$var wire 1 " valid $end
$var wire 8 # data [7:0] $end
$var wire 1 " alias $end
$scope module dut $end
$var wire 1 $ valid $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
0!
x"
bx #
1$
#5
1!
0"
b101 #
#10
0!
#15
1!
1"
#20
0!
b110 #
#25
1!
0"
b111 #
#30
0!
#35
1!
#40
0!
#45
1!
1"
#50
0!
#55
1!
"""
_SEEN = Diagram(
    name="seen", title="a transfer", signals=("valid", "data"), when=("valid",), before=1, after=2
)


@pytest.fixture
def vcd(tmp_path: Path) -> Path:
    path = tmp_path / "some.vcd"
    path.write_text(_VCD)
    return path


def test_values_are_those_before_each_edge(vcd: Path) -> None:
    samples = read_vcd(vcd)
    assert samples.values["valid"] == [None, 0, 1, 0, 0, 1]
    assert samples.values["alias"] == samples.values["valid"]
    # Changed between two edges.
    assert samples.values["data"] == [None, 5, 6, 7, 7, 7]
    assert samples.bits == {"clk": 1, "valid": 1, "data": 8, "alias": 1}


def test_the_first_or_the_last_such_cycle_is_drawn(vcd: Path) -> None:
    samples = read_vcd(vcd)
    assert excerpt(samples, _SEEN) == range(1, 5)
    last = Diagram(name="l", title="", signals=("valid",), when=("valid",), last=True)
    assert excerpt(samples, last) == range(3, 6)
    never = Diagram(name="n", title="", signals=("valid",), when=("valid", "clk"))
    assert excerpt(samples, never) is None
    assert draw(samples, [never]) == {}


def test_wavejson_has_levels_and_boxes(vcd: Path) -> None:
    samples = read_vcd(vcd)
    drawn = json.loads(wavejson(samples, _SEEN, range(1, 5)))
    assert drawn["head"] == {"text": "a transfer"}
    assert drawn["signal"] == [
        {"name": "clk", "wave": "p..."},
        {"name": "valid", "wave": "010."},
        {"name": "data", "wave": "345.", "data": ["5", "6", "7"]},
    ]
    first = json.loads(wavejson(samples, _SEEN, range(2)))
    assert [lane["wave"] for lane in first["signal"]] == ["p.", "x0", "x3"]
    # Nothing changes.
    same = json.loads(wavejson(samples, _SEEN, range(3, 5)))
    assert [lane["wave"] for lane in same["signal"]] == ["p.", "0.", "3."]
    named = Diagram(name="d", title="", signals=("valid",), when=(), labels={"valid": "other"})
    assert json.loads(wavejson(samples, named, range(2)))["signal"][1]["name"] == "other"


@pytest.mark.skipif(importlib.util.find_spec("wavedrom") is None, reason="needs wavedrom")
def test_pictures_are_drawn_beside(vcd: Path) -> None:
    files = draw(read_vcd(vcd), [_SEEN])
    assert set(files) == {"waves/seen.json", "waves/seen.svg"}
    assert files["waves/seen.svg"].startswith("<svg") and "a transfer" in files["waves/seen.svg"]


def test_without_the_extra_only_wavejson_is_written(
    vcd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert set(draw(read_vcd(vcd), [_SEEN])) == {"waves/seen.json"}
