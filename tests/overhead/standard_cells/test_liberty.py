import re
from pathlib import Path

import pytest

from prunus_liberty import LIBERTY, write_liberty
from prunus_overhead.standard_cells import liberty as module
from prunus_overhead.standard_cells.liberty import Liberty, LibertyError, find_liberty
from prunus_overhead.standard_cells.liberty_text import LibertySyntaxError, parse


@pytest.fixture
def tiny(tmp_path: Path) -> Liberty:
    return Liberty.read(write_liberty(tmp_path))


def fails(message: str, path: Path) -> None:
    with pytest.raises(LibertyError, match=f"^{re.escape(message)}$"):
        Liberty.read(path)


def test_groups_attributes_and_comments_are_read() -> None:
    text = """library (a) { // one
      unit (1, pf); index ("1, 2", \\
        "3"); x : "a b"; y : 1.5 ; pin (b[3:0]) { z : c } }"""
    library = parse(text)
    assert (library.name, library.arguments) == ("library", ("a",))
    assert library.complex == {"unit": ("1", "pf"), "index": ("1, 2", "3")}
    assert library.simple == {"x": "a b", "y": "1.5"}
    (pin,) = library.all("pin")
    assert (pin.arguments, pin.simple) == (("b[3:0]",), {"z": "c"})
    assert library.all("cell") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: a name was expected"),
        ("a : b ;", "line 1: a group was expected"),
        ("library (a) {\n x : 1 }\n", None),
        ("library (a) {\n x : 1", "line 2: ';' was expected"),
        ("library (a) {\n\n x y ; }", "line 3: ':' or '(' was expected"),
        ('library (a) { x : "b }', "line 1: a quote that is closed was expected"),
        ("library (a) {\n x : ; }", "line 2: a name was expected"),
    ],
)
def test_what_follows_no_rule_is_refused_with_its_line(text: str, message: str | None) -> None:
    if message is None:
        parse(text)
        return
    with pytest.raises(LibertySyntaxError, match=f"^{re.escape(message)}$"):
        parse(text)


def test_cells_have_areas_pins_and_leakage(tiny: Liberty) -> None:
    gates = ["INV", "BUF", "NAND2", "NOR2", "AOI21", "OAI21", "XOR2"]
    assert list(tiny.cells) == [*gates, "DFF"]
    flip_flop = tiny.cells["DFF"]
    assert (flip_flop.area, flip_flop.leakage) == (60.0, 10e-9)
    assert [name for name, cell in tiny.cells.items() if cell.sequential] == ["DFF"]
    assert {name: pin.direction for name, pin in flip_flop.pins.items()} == {
        "CK": "input",
        "D": "input",
        "Q": "output",
    }
    assert [name for name, pin in flip_flop.pins.items() if pin.clock] == ["CK"]
    assert flip_flop.pins["CK"].capacitance == 0.020
    assert tiny.cells["NAND2"].pins["Y"].function == "(!(A B))"
    assert (tiny.voltage, tiny.temperature, tiny.technology) == (2.0, 25.0, "tiny 2 V")
    assert (tiny.nand2.name, tiny.buffer.name) == ("NAND2", "BUF")


def test_a_transition_is_the_mean_of_rise_and_fall(tiny: Liberty) -> None:
    assert tiny.cells["INV"].pins["Y"].transition(0.0, 0.0) == 0.02
    assert tiny.cells["INV"].pins["A"].transition(0.0, 0.0) == 0.0
    clock = tiny.cells["DFF"].pins["CK"]
    assert clock.transition(0.0, 0.5) == pytest.approx(0.2, rel=1e-12)
    # One table for both.
    assert tiny.cells["DFF"].pins["D"].transition(0.0, 0.5) == 0.05


@pytest.mark.parametrize(
    ("load", "slew", "energy"),
    [
        (0.0, 0.0, 0.2),
        (0.0, 1.0, 0.3),
        (0.1, 0.0, 0.4),
        (0.05, 0.0, 0.3),
        (0.05, 0.5, 0.35),
        (9.0, 9.0, 0.5),
        (-1.0, -1.0, 0.2),
    ],
)
def test_tables_are_interpolated_and_end_at_their_ends(
    tiny: Liberty, load: float, slew: float, energy: float
) -> None:
    pin = tiny.cells["DFF"].pins["Q"]
    assert pin.transition(load, slew) == pytest.approx(energy, rel=1e-12)


def test_the_order_of_axes_and_units_is_that_of_the_file(tmp_path: Path) -> None:
    turned = LIBERTY.replace(
        "variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;",
        "variable_1 : input_transition_time; variable_2 : total_output_net_capacitance;",
    )
    turned = turned.replace("(1, pf)", "(100, ff)").replace('"1nW"', '"10pW"')
    cells = Liberty.read(write_liberty(tmp_path, turned)).cells
    # Loads are 0 to 0.1 pF now, transition times 0 to 0.1 ns, energies in tenths of pJ.
    pin = cells["DFF"].pins["Q"]
    assert pin.transition(0.1, 0.0) == pytest.approx(0.03, rel=1e-12)
    assert pin.transition(0.0, 0.1) == pytest.approx(0.04, rel=1e-12)
    assert cells["DFF"].leakage == pytest.approx(100e-12, rel=1e-12)
    assert cells["DFF"].pins["D"].capacitance == pytest.approx(0.0008, rel=1e-12)


def test_an_own_index_goes_before_that_of_the_template(tmp_path: Path) -> None:
    text = LIBERTY.replace('{ values ("0.1, 0.1"); }', '{ index_1 ("0, 2"); values ("0, 2"); }')
    pin = Liberty.read(write_liberty(tmp_path, text)).cells["DFF"].pins["CK"]
    rise = pin.powers[0].rise
    assert rise is not None
    assert rise.at(0.0, 1.0) == 1.0


def test_a_missing_file_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "none.lib"
    fails(
        f"Liberty file {path} must exist: apt install qflow-tech-osu018, or name a file with "
        "--liberty",
        path,
    )


def test_the_library_of_the_system_is_found_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    monkeypatch.setattr(
        module, "site_data_dir", lambda *_, **__: ":".join(str(folder) for folder in folders)
    )
    message = (
        "Liberty file osu018_stdcells.lib must be installed: apt install qflow-tech-osu018, or "
        "name a file with --liberty"
    )
    with pytest.raises(LibertyError, match=f"^{re.escape(message)}$"):
        find_liberty()
    there = folders[1] / "tech" / "osu018"
    there.mkdir(parents=True)
    path = write_liberty(there, name="osu018_stdcells.lib")
    assert find_liberty() == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module x; endmodule", "must be a Liberty file: line 1: ':' or '(' was expected"),
        ("cell (a) { }", "must be a group 'library', not 'cell'"),
        ("library (a) { nom_voltage : 1; }", "must have cells, but has none"),
        ("library (a) { }", "must have a nom_voltage"),
        (
            "library (a) { nom_voltage : 1; cell (b) { area : big; } }",
            "must be readable: library a: cell b: could not convert string to float: 'big'",
        ),
    ],
)
def test_what_is_no_library_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = write_liberty(tmp_path, text)
    fails(f"Liberty file {path} {message}", path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.lib"
    path.write_bytes(b"\xff\xfe\x00")
    fails(f"Liberty file {path} must be a Liberty file: it is no text", path)


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    path = write_liberty(tmp_path, LIBERTY.replace('"1nW"', '"1 horse"'))
    fails("Unit of a Liberty file must be like 1ns, not '1 horse'", path)


def test_a_library_without_power_tables_is_refused(tmp_path: Path, tiny: Liberty) -> None:
    tiny.check_power()
    path = write_liberty(tmp_path, LIBERTY.replace("internal_power", "timing"), "t.lib")
    message = f"Liberty file {path} must have power tables (internal_power) for energies, "
    with pytest.raises(LibertyError, match=f"^{re.escape(message)}but has none$"):
        Liberty.read(path).check_power()


@pytest.mark.parametrize(
    ("old", "new", "name", "message"),
    [
        ("(NAND2)", "(NAND3)", "nand2", "must have a cell NAND2"),
        ('"(A)"', '"(!A)"', "buffer", "must have a buffer"),
    ],
)
def test_a_library_without_a_cell_that_is_needed_is_refused(
    tmp_path: Path, old: str, new: str, name: str, message: str
) -> None:
    path = write_liberty(tmp_path, LIBERTY.replace(old, new))
    library = Liberty.read(path)
    with pytest.raises(LibertyError, match=f"^{re.escape(f'Liberty file {path} {message}')}$"):
        getattr(library, name)
