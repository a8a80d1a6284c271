"""Digests of all gateware are kept as long as its sources stay."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prunus_rtl.digest import gateware
from prunus_rtl.digest.netlist import design_digest
from prunus_rtl.link.phy.uart import UartReceiver

pytestmark = pytest.mark.tools


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[UartReceiver]:
    """Replace the designs by a list of units, and the cache by an empty folder."""
    found = [UartReceiver(divisor=8)]
    monkeypatch.setattr(gateware, "core_designs", lambda: iter(found))
    monkeypatch.setattr(gateware, "user_cache_path", lambda name: tmp_path / name)
    return found


def test_kept_until_a_source_changes(
    units: list[UartReceiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gateware.gateware_digest()
    units[0] = UartReceiver(divisor=9)
    assert gateware.gateware_digest() == first
    monkeypatch.setattr(gateware, "_sources", lambda: "other")
    assert gateware.gateware_digest() != first


@pytest.mark.usefixtures("units")
def test_a_kept_file_that_was_cut_is_not_believed(tmp_path: Path) -> None:
    first = gateware.gateware_digest()
    (kept,) = (tmp_path / "prunus/gateware").iterdir()
    kept.write_text(first[:5])
    assert gateware.gateware_digest() == first


@pytest.mark.parametrize("change", ["text", "name", "new"])
def test_any_source_counts(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "unit/a.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    monkeypatch.setattr("prunus_rtl.__path__", [str(tmp_path)])
    before = gateware._sources()
    assert gateware._sources() == before
    changes: dict[str, Callable[[], object]] = {
        "text": lambda: source.write_text("a = 2\n"),
        "name": lambda: source.rename(tmp_path / "a.py"),
        "new": lambda: (tmp_path / "unit/b.py").write_text(""),
    }
    changes[change]()
    assert gateware._sources() != before


def test_every_design_counts() -> None:
    designs = [
        *gateware.core_designs(),
        *gateware.grouped_designs(),
        *gateware.link_designs(),
        *gateware.bus_designs(),
    ]
    found = [design_digest(design) for design in designs]
    assert len(set(found)) == len(designs) == 24
