"""Tables of the reference on the site say what the code says."""

from prunus_docs.reference import configuration_table, registers_table
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.bus.registers import REGISTERS


def test_every_field_of_every_register_has_a_row() -> None:
    rows = registers_table().splitlines()[2:]
    names = [f"`{r.name}.{f.name}`" for r in REGISTERS for f in r.fields]
    assert [row.split(" | ")[1] for row in rows] == names
    (start,) = [row for row in rows if "`CONTROL.start`" in row]
    assert start.startswith("| 0x0040 | `CONTROL.start` | 0:0 | w1s | 0x0 |")


def test_tables_of_text_are_aligned_to_the_left() -> None:
    for text in (registers_table(), configuration_table()):
        assert set(text.splitlines()[1].strip("| ").split(" | ")) == {"---"}


def test_every_key_of_a_configuration_has_its_range_and_default() -> None:
    rows = dict(row.strip("| ").split(" | ", 1) for row in configuration_table().splitlines()[2:])
    assert rows["`membrane.leak_shift`"] == "integer, 0..23 | `6`"
    assert rows["`pruning (adaptive).strength_gain`"] == "integer, 0..65535 | `330`"
    assert {key.strip("`").split(".")[0].split(" ")[0] for key in rows} == set(
        NetworkConfig.__dataclass_fields__
    )
