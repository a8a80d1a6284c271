"""Register table: whole, without overlaps, and the same as the one that programs were written for.

If `test_the_map_is_frozen` fails because the map was changed on purpose: something that moved, or
means something else, needs a new `MAP_VERSION`. Then write the file anew by `python
tests/rtl/bus/test_registers.py`.
"""

from pathlib import Path

from prunus_rtl.bus.registers import (
    COUNTS,
    MAGIC,
    MAP_VERSION,
    REGISTER_BITS,
    REGISTERS,
    WINDOW_BYTES,
    register,
)

_GOLDEN = Path(__file__).with_name("registers.txt")
_FIELD_ACCESS = {
    "ro": {"ro"},
    "wo": {"wo"},
    "rw": {"rw", "w1c", "w1s"},
}


def _map() -> str:
    """Return all that a program depends on, a line for each register and field."""
    lines = [f"version {MAP_VERSION} magic {MAGIC:#010x} window {WINDOW_BYTES:#x}"]
    for entry in REGISTERS:
        effect = " read_effect" if entry.read_effect else ""
        lines.append(f"{entry.offset:#05x} {entry.name} {entry.access}{effect}")
        for field in entry.fields:
            top = field.lsb + field.width - 1
            reset = "-" if field.reset is None else f"{field.reset:#x}"
            lines.append(f"    {top}:{field.lsb} {field.name} {field.access} {reset}")
    return "\n".join(lines) + "\n"


def test_the_map_is_frozen() -> None:
    assert _map() == _GOLDEN.read_text()


def test_registers_are_words_of_the_window_in_order() -> None:
    offsets = [entry.offset for entry in REGISTERS]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 and offset < WINDOW_BYTES for offset in offsets)
    assert len({entry.name for entry in REGISTERS}) == len(REGISTERS)


def test_fields_do_not_overlap_and_can_be_what_their_register_is() -> None:
    for entry in REGISTERS:
        end = 0
        for field in entry.fields:
            assert field.lsb >= end, (entry.name, field.name)
            end = field.lsb + field.width
            assert field.width > 0
            assert field.access in _FIELD_ACCESS[entry.access], (entry.name, field.name)
            assert field.reset is None or 0 <= field.reset < 1 << field.width
            assert field.description.endswith(".")
        assert end <= REGISTER_BITS
        assert len({field.name for field in entry.fields}) == len(entry.fields)
        assert entry.description.endswith(".")


def test_the_hash_begins_at_a_multiple_of_its_size() -> None:
    """Its words are told apart by the low bits of their offsets."""
    assert register("HASH0").offset % 32 == 0
    assert [register(f"HASH{k}").offset for k in range(8)] == [
        register("HASH0").offset + 4 * k for k in range(8)
    ]


def test_every_count_has_a_register() -> None:
    assert {register(name).access for name in COUNTS.values()} == {"ro"}
    assert register("FORWARD_SOPS_HIGH").access == "ro"


if __name__ == "__main__":
    _GOLDEN.write_text(_map())
