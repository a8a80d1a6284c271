"""A Liberty file of a few cells, whose energies are easy to add up by hand."""

from pathlib import Path

__all__ = ["CLOCK_GATE", "GATED_LIBERTY", "LIBERTY", "write_liberty"]

_TABLE = """rise_power(energy) {{ values ("{rise}, {rise}", "{rise}, {rise}"); }}
      fall_power(energy) {{ values ("{fall}, {fall}", "{fall}, {fall}"); }}"""


#: Delays: abc, which maps to the cells, wants them.
_TIMING = """    timing() {{ related_pin : "{pin}"; timing_sense : {sense};
{tables}    }}
"""
_DELAY = '      {name}(delay) {{ values ("0.05, 0.06", "0.15, 0.16"); }}\n'


def _timing(pin: str, function: str) -> str:
    sense = "negative_unate" if "!" in function else "positive_unate"
    sense = "non_unate" if "^" in function else sense
    names = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    tables = "".join(_DELAY.format(name=name) for name in names)
    return _TIMING.format(pin=pin, sense=sense, tables=tables)


def _gate(name: str, area: int, inputs: str, function: str, rise: float, fall: float) -> str:
    pins = "".join(
        f"  pin({pin}) {{ direction : input; capacitance : 0.010; }}\n" for pin in inputs
    )
    table = _TABLE.format(rise=rise, fall=fall)
    return (
        f"cell ({name}) {{\n  area : {area}; cell_leakage_power : 2;\n{pins}"
        f'  pin(Y) {{ direction : output; capacitance : 0; function : "{function}";\n'
        f"    internal_power() {{ related_pin : A;\n      {table} }}\n"
        + "".join(_timing(pin, function) for pin in inputs)
        + "  }\n}\n"
    )


_FLIP_FLOP = """cell (DFF) {
  area : 60; cell_leakage_power : 10;
  ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
  pin(CK) { direction : input; capacitance : 0.020; clock : true;
    internal_power() {
      rise_power(passive) { values ("0.1, 0.1"); }
      fall_power(passive) { values ("0.3, 0.3"); }
    }
  }
  pin(D) { direction : input; capacitance : 0.008;
    internal_power() { power(passive) { values ("0.05, 0.05"); } }
  }
  pin(Q) { direction : output; capacitance : 0; function : "IQ";
    internal_power() { related_pin : CK;
      rise_power(energy) { values ("0.2, 0.3", "0.4, 0.5"); }
      fall_power(energy) { values ("0.2, 0.3", "0.4, 0.5"); }
    }
  }
}
"""

LIBERTY = (
    """/* A few cells,
 of no process. */
library (tiny) {
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 2; nom_temperature : 25;
  power_lut_template(energy) {
    variable_1 : total_output_net_capacitance; variable_2 : input_transition_time;
    index_1 ("0.0, 0.1"); index_2 ("0.0, 1.0");
  }
  lu_table_template(delay) {
    variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
    index_1 ("0.0, 0.1"); index_2 ("0.0, 1.0");
  }
  power_lut_template(passive) { variable_1 : input_transition_time; index_1 ("0.0, 1.0"); }
"""
    + _gate("INV", 10, "A", "(!A)", 0.01, 0.03)
    + _gate("BUF", 14, "A", "(A)", 0.03, 0.05)
    + _gate("NAND2", 20, "AB", "(!(A B))", 0.02, 0.06)
    # Without these, netlists would be twice as large.
    + _gate("NOR2", 20, "AB", "(!(A+B))", 0.02, 0.06)
    + _gate("AOI21", 25, "ABC", "(!((A B)+C))", 0.03, 0.07)
    + _gate("OAI21", 25, "ABC", "(!((A+B) C))", 0.03, 0.07)
    + _gate("XOR2", 40, "AB", "(A^B)", 0.05, 0.07)
    + _FLIP_FLOP
    + "}\n"
)

_LATCH = """cell (LATCH) {
  area : 35; cell_leakage_power : 6;
  latch (IQ, IQN) { data_in : "D"; enable : "G"; }
  pin(G) { direction : input; capacitance : 0.015; clock : true;
    internal_power() { power(passive) { values ("0.07, 0.07"); } }
  }
  pin(D) { direction : input; capacitance : 0.006;
    internal_power() { power(passive) { values ("0.03, 0.03"); } }
  }
  pin(Q) { direction : output; capacitance : 0; function : "IQ";
    internal_power() { related_pin : D; power(energy) { values ("0.1, 0.1", "0.1, 0.1"); } }
  }
}
"""
#: The same, and what clock gates are made of.
GATED_LIBERTY = (
    LIBERTY.rstrip().removesuffix("}")
    + _gate("AND2", 24, "AB", "(A B)", 0.03, 0.05)
    + _gate("OR2", 26, "AB", "(A+B)", 0.04, 0.06)
    + _LATCH
    + "}\n"
)
#: A clock gate, as libraries have them.
CLOCK_GATE = """cell (GATE) {
  area : 50; cell_leakage_power : 8; clock_gating_integrated_cell : "latch_posedge";
  latch (IQ, IQN) { data_in : "E"; enable : "!CK"; }
  pin(CK) { direction : input; capacitance : 0.016; clock : true; clock_gate_clock_pin : true; }
  pin(E) { direction : input; capacitance : 0.007; clock_gate_enable_pin : true; }
  pin(GCK) { direction : output; capacitance : 0; clock_gate_out_pin : true;
    state_function : "(CK IQ)"; function : "(CK IQ)";
    internal_power() { related_pin : CK; power(energy) { values ("0.2, 0.2", "0.2, 0.2"); } }
  }
}
"""


def write_liberty(folder: Path, text: str = LIBERTY, name: str = "tiny.lib") -> Path:
    """Write it, or another text, and return the path."""
    path = folder / name
    path.write_text(text)
    return path
