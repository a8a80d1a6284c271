"""The operators of the mutation test: what they change, and what they leave."""

from pathlib import Path

import pytest

import prunus_rtl
from prunus_sim.mutation.operators import OPERATORS, chosen_order, mutants_of
from prunus_sim.mutation.units import units

pytestmark = pytest.mark.tools

GATEWARE = Path(str(prunus_rtl.__file__)).parent


def unit(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in ("m = Module()", *lines))
    return f"def elaborate(self):\n{body}"


@pytest.mark.parametrize(
    ("operator", "line", "mutated"),
    [
        ("tie", "a = b < (c)", ["a = b <= (c)"]),
        ("tie", "a = (b) >= c", ["a = (b) > c"]),
        ("tie", "a = b == c", []),
        ("comparator", "a = b > c", ["a = b <= c"]),
        ("comparator", "a = b == c", ["a = b != c"]),
        ("shift", "a = b >> (c)", ["a = b << (c)"]),
        ("tap", "a = b << 13", ["a = b << 14"]),
        ("tap", "a = b >> up", ["a = b >> (up + 1)"]),
        ("index", "a = b[-1]", ["a = b[-2]"]),
        ("index", "a = b[3]", ["a = b[2]"]),
        ("index", "a = b[0]", ["a = b[1]"]),
        ("index", "a = b['x']", []),
        ("width", "a = Signal(8)", ["a = Signal(len(Signal(8)) - 1)"]),
        ("width", "a = Signal(range(n + 1))", ["a = Signal(range((n + 1) // 2))"]),
        ("width", "a = Signal.like(b)", ["a = Signal(len(b) - 1)"]),
        ("width", "a = Signal(s.v)", ["a = Signal(len(Signal(s.v)) - 1)"]),
        ("reset", "a = Signal(3, init=2)", ["a = Signal(3, init=(2) ^ 1)"]),
        ("reset", "a = Signal()", []),
        ("arithmetic", "a = b + c", ["a = b - c"]),
        ("off_by_one", "a = b - 1", ["a = (b)"]),
        ("off_by_one", "a = b == 0", ["a = b == 1"]),
        ("mux", "a = Mux(b, c + 1, d)", ["a = Mux(b, d, c + 1)"]),
        ("enable", "a = b & (c | d)", ["a = (b)", "a = (c | d)"]),
        ("logic", "a = b ^ c", ["a = b | c"]),
        ("logic", "a = (b & c) | d", ["a = (b & c) & d", "a = (b | c) | d"]),
        ("inversion", "a = ~(b | c)", ["a = (b | c)"]),
        ("reduction", "a = Cat(b).any()", ["a = Cat(b).all()"]),
        ("transition", 'm.next = "Wait"', ["pass"]),
        ("dropped_write", "m.d.comb += a.eq(b)", ["m.d.comb += []"]),
        (
            "dropped_write",
            "m.d.sync += [a.eq(b), c.eq(d)]",
            ["m.d.sync += [*[], c.eq(d)]", "m.d.sync += [a.eq(b), *[]]"],
        ),
    ],
)
def test_operators_change_what_they_say(operator: str, line: str, mutated: list[str]) -> None:
    found = [m for m in mutants_of("unit.py", unit(line)) if m.operator == operator]
    assert [m.after for m in found] == mutated
    assert all(m.before == line and m.line == 3 and m.scope == "elaborate" for m in found)
    assert [m.source for m in found] == [unit(text) for text in mutated]


def test_conditions_are_inverted_but_not_twice() -> None:
    source = unit("with m.If(a == b):", "    pass", "with m.Elif(~c):", "    pass")
    found = [(m.operator, m.after) for m in mutants_of("unit.py", source)]
    assert ("condition", "with m.If((a == b) == 0):") in found
    assert ("inversion", "with m.Elif((c)):") in found
    assert sum(operator == "condition" for operator, _ in found) == 1


def test_registers_have_other_values_after_reset() -> None:
    source = unit("a = Signal(3)", "b = Signal()", "m.d.sync += a.eq(1)", "m.d.comb += b.eq(1)")
    found = [m.after for m in mutants_of("unit.py", source) if m.operator == "reset"]
    assert found == ["a = Signal(3, init=1)"]


def test_only_gateware_is_changed() -> None:
    source = "def check(n: int | None, m: int = 3 + 1) -> int | None:\n    return n < 1\n"
    assert mutants_of("unit.py", source) == []
    source = 'PORT = {"x": Out(4, init=5), "y": Out(4, init=first)}\n'
    assert [m.after for m in mutants_of("unit.py", source)] == [
        'PORT = {"x": Out(4, init=(5) ^ 1), "y": Out(4, init=first)}'
    ]
    annotated = unit("x: int | None = 3", "m.d.comb += a.eq(x)")
    assert {m.operator for m in mutants_of("unit.py", annotated)} == {"dropped_write"}


def test_changes_of_several_lines_and_other_alphabets_are_at_their_place() -> None:
    source = unit("m.d.comb += [", "    a.eq('µ', b <", "        c),", "]")
    (found,) = (m for m in mutants_of("unit.py", source) if m.operator == "tie")
    assert found.after == "a.eq('µ', b <="
    assert found.source == source.replace("b <", "b <=")


def test_what_is_built_for_the_simulator_only_is_not_changed() -> None:
    source = unit("if isinstance(platform, Collisions):", "    m.d.sync += a.eq(b < c)")
    assert mutants_of("unit.py", source) == []
    found = mutants_of("lib/ram.py", (GATEWARE / "lib/ram.py").read_text())
    assert found
    assert not [mutant.before for mutant in found if "collided" in mutant.before]


def test_every_unit_has_mutants_of_its_own_and_every_operator_is_used() -> None:
    used = set()
    for name in units(GATEWARE):
        found = mutants_of(name, (GATEWARE / name).read_text())
        assert found, name
        used |= {m.operator for m in found}
        for mutant in found:
            compile(mutant.source, mutant.file, "exec")
    assert used == OPERATORS.keys()


def test_choice_depends_on_the_seed_only_and_takes_operators_in_turn() -> None:
    found = mutants_of("plasticity/stdp.py", (GATEWARE / "plasticity/stdp.py").read_text())
    order = chosen_order(found, seed=1)
    assert order == chosen_order(list(found), seed=1)
    assert order != chosen_order(found, seed=2)
    assert sorted(m.source for m in order) == sorted(m.source for m in found)
    kinds = len({m.operator for m in found})
    assert len({m.operator for m in order[:kinds]}) == kinds
    assert chosen_order([], seed=1) == []
