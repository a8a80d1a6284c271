"""The table of energies: what it gives, and what it refuses."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from prunus_overhead.energy.technology import Technology, TechnologyError

TEXT = (files("prunus_overhead.energy") / "technology.toml").read_text()


def test_published_figures_are_met() -> None:
    technology = Technology.bundled()
    kilobyte = 8192 // 64
    assert technology.access_pj(words=8 * kilobyte, width=64, write=False) == 10
    assert technology.access_pj(words=32 * kilobyte, width=64, write=True) == 20
    assert technology.add_pj(32) == pytest.approx(0.1)
    assert technology.sop_pj == 0.1


def test_small_memories_are_registers() -> None:
    technology = Technology.bundled()
    at_border = technology.access_pj(words=64, width=16, write=False)
    assert at_border == 0.01953125 * 16
    dear = Technology.from_toml(TEXT.replace("read_pj_per_bit = 0.01953125", "read_pj_per_bit = 1"))
    assert dear.access_pj(words=64, width=16, write=False) == 16
    assert dear.access_pj(words=65, width=16, write=False) < 1
    # Below the border, size does not matter; above, it does.
    assert technology.access_pj(words=2, width=16, write=False) == at_border
    assert technology.access_pj(words=256, width=16, write=False) == 2 * at_border


def test_reads_and_writes_have_prices_of_their_own() -> None:
    text = TEXT.replace("write_pj_per_bit = 0.15625", "write_pj_per_bit = 0.3125")
    technology = Technology.from_toml(text)
    read = technology.access_pj(words=1024, width=64, write=False)
    assert technology.access_pj(words=1024, width=64, write=True) == 2 * read


def test_scaling_applies_to_everything() -> None:
    plain, scaled = (
        Technology.bundled(),
        Technology.from_toml(TEXT.replace("factor = 1.0", "factor = 2.0")),
    )
    assert scaled.sop_pj == 2 * plain.sop_pj
    assert scaled.add_pj(7) == 2 * plain.add_pj(7)
    assert scaled.compare_pj(7) == 2 * plain.compare_pj(7)
    assert scaled.draw_pj == 2 * plain.draw_pj
    for write in (False, True):
        one, two = (t.access_pj(words=100, width=24, write=write) for t in (plain, scaled))
        assert two == 2 * one


def test_every_entry_has_a_source() -> None:
    sources = Technology.bundled().sources
    assert len(sources) == TEXT.count("\nsource = ")
    assert all(sources.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("\npj = 0.3", "", "draw.pj is missing", id="missing"),
        pytest.param(
            "[scaling]\nfactor = 1.0\n",
            "[scaling]\n",
            "scaling.factor is missing",
            id="missing factor",
        ),
        pytest.param(
            "pj = 0.3", "pj = -0.3", "draw.pj must be at least 0, not -0.3", id="negative"
        ),
        pytest.param(
            "voltage_v = 0.9",
            "voltage_v = 0",
            "voltage_v must be more than 0, not 0",
            id="zero volt",
        ),
        pytest.param(
            "pj = 0.3", "pj = 0.3\nnj = 1", "Entry 'draw.nj' is unknown", id="unknown in a table"
        ),
        pytest.param("[draw]", "[dram]\npj = 1\n[draw]", "Entry 'dram' is unknown", id="unknown"),
        pytest.param(
            "pj = 0.3", 'pj = "cheap"', "draw.pj must be a number, not 'cheap'", id="text"
        ),
        pytest.param(
            "pj = 0.3", "pj = 1e308", "draw.pj must be at most 1e+12, not 1e+308", id="enormous"
        ),
        pytest.param("pj = 0.3", "pj = inf", "draw.pj must be finite, not inf", id="infinite"),
        pytest.param(
            "exponent = 0.5",
            "exponent = 1.5",
            "memory.sram.exponent must be at most 1, not 1.5",
            id="exponent",
        ),
        pytest.param(
            "at_bits = 65536",
            "at_bits = 0.5",
            "memory.sram.at_bits must be an integer, not 0.5",
            id="not an integer",
        ),
        pytest.param(
            'name = "45 nm, Horowitz 2014"', 'name = ""', "name must not be empty", id="empty"
        ),
    ],
)
def test_bad_entries_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(TechnologyError, match=f"^{re.escape(f'{path}: {message}')}$"):
        Technology.read(path)


def test_all_mistakes_are_told_at_once() -> None:
    text = TEXT.replace("pj = 0.3", "pj = -1").replace("exponent = 0.5", "exponent = -1")
    with pytest.raises(TechnologyError, match=r"draw\.pj.*; memory\.sram\.exponent"):
        Technology.from_toml(text)


def test_broken_toml_is_told_with_its_line() -> None:
    with pytest.raises(
        TechnologyError, match=r"^mine: Technology must be TOML: .*\(at line 1, column 7\)$"
    ):
        Technology.from_toml("name =\n", source="mine")


def test_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        TechnologyError,
        match=f"^{re.escape(f'Technology file {tmp_path} must be a file, not a folder')}$",
    ):
        Technology.read(tmp_path)
    path = tmp_path / "latin"
    path.write_bytes(b"\xe9")
    with pytest.raises(TechnologyError, match=r"must be readable: not UTF-8$"):
        Technology.read(path)
