"""What is rendered of the results of the hardware."""

from typing import Any

import pytest

from prunus_docs.hardware import HARDWARE_BLOCKS

_ROW = {
    "bench": "400 neurons, inference",
    "what": "400 neurons, inference",
    "simulator": "icarus",
    "network": "paper",
    "mode": "learning",
    "policy": "adaptive",
    "target": "ecp5",
    "store": "list",
    "neurons": 800,
    "lanes": 16,
    "density": 1.0,
    "early_exit": 0,
    "swept": False,
    "presentations": 10_000,
    "core_cycles": 396_023_188,
    "cycles_per_presentation": 39_602.3,
    "values_compared": 242_199,
    "differences": 0,
    "forward_sops_per_inference": 1000.0,
    "cycles_per_inference": 100.0,
    "lane_use": 0.956,
    "cycles_per_second": 12_345,
    "presentations_per_second": 1.25,
    "build_seconds": 3.0,
    "python_share": 0.25,
    "LUT4": 4804,
    "CCU2C": 1469,
    "FF": 4042,
    "DP16KD": 71,
    "DPR16X4": 259,
}
_UNIT = {"unit": "pruning", "instances": 1, **{k: _ROW[k] for k in ("LUT4", "CCU2C", "FF")}}
_RESULTS: dict[str, Any] = {
    "provenance": {"command": "python -m something", "tools": {"python": "3.11"}},
    "processor": "2 x fast",
    "images": "first 4 of mnist test",
    "budgets": [
        {"figure": "LUT4", "must": 11_000, "reach": 0.95, "value": 7742, "verdict": "kept"}
    ],
    "rows": [
        _ROW,
        _ROW | {"early_exit": 1, "cycles_per_inference": 20.0, "mode": "inference"},
        _ROW | {"swept": True},
        _ROW
        | {
            "swept": True,
            "density": 0.5,
            "forward_sops_per_inference": 500.0,
            "cycles_per_inference": 55.0,
        },
    ],
    "total": 91,
    "killed": 85,
    "survived": 0,
    "equivalent": [{"mutant": "a", "reason": "b"}] * 6,
    "units": [_UNIT | {"DP16KD": 0, "DPR16X4": 0}],
}
_ABLATION: dict[str, Any] = {
    "provenance": {
        "command": "python -m something",
        "tools": {"python": "3.11"},
        "inputs": {"gateware": "a" * 16},
        "commit": "0123456789ab",
    },
    "rows": [
        {
            "technology": technology,
            "lanes": lanes,
            "neurons": neurons,
            "policy": policy,
            "logic": logic,
            # Of the largest core in the budget.
            "lut_ram": 10 if neurons == 800 else 400,
            "inputs": {"gateware": gateware * 16},
        }
        # Cores of 100 neurons are of two gatewares; other technologies and lanes have no budget.
        for technology, lanes, neurons, policy, logic, gateware in (
            ("ECP5", 16, 100, "none", 7000, "b"),
            ("ECP5", 16, 100, "adaptive", 8000, "a"),
            ("ECP5", 16, 400, "none", 8000, "a"),
            ("ECP5", 16, 400, "adaptive", 8120, "a"),
            ("ECP5", 16, 800, "adaptive", 11910, "a"),
            ("ECP5", 4, 400, "none", 20000, "a"),
            ("iCE40", 16, 400, "none", 20000, "a"),
        )
    ],
}
_ENERGY: dict[str, Any] = {
    "rows": [
        {
            "class": kind,
            "technology": "45 nm",
            "voltage_v": 0.9,
            "mode": mode,
            "policy": policy,
            "neurons": neurons,
            "early_exit": early,
            "nj_per_presentation": 900 if early or neurons == 100 or kind == "a" else nj,
            "sops_per_presentation": 900 if early or neurons == 100 or kind == "a" else sops,
        }
        for mode, policy, nj, sops in (
            ("inference", "none", 100, 1000),
            ("inference", "adaptive", 40, 500),
            ("learning", "none", 200, 2000),
            ("learning", "adaptive", 150, 1200),
        )
        # The largest network counts, class b, all steps.
        for kind, neurons, early in (("b", 800, 0), ("b", 100, 0), ("b", 800, 1), ("a", 800, 0))
    ],
    "pruning_unit": [
        {"policy": policy, "neurons": neurons, "percent": percent}
        for policy, neurons, percent in (
            ("adaptive", 100, 1.0),
            ("adaptive", 800, 0.0125),
            ("constant", 800, 1.0),
        )
    ],
    "sensitivity": [
        {
            "mode": mode,
            "policy": policy,
            "neurons": 800,
            "exponent": exponent,
            "nj_per_presentation": nj,
        }
        for mode, exponent, policy, nj in (
            ("inference", 0.5, "none", 100),
            ("inference", 0.0, "none", 400),
            ("inference", 0.0, "adaptive", 300),
            ("learning", 0.0, "adaptive", 1),
        )
    ],
}


def written(name: str) -> str:
    """Return a block of the results above."""
    _, write = HARDWARE_BLOCKS[name]
    return write({"energy-headline": _ENERGY, "size-learning": _ABLATION}.get(name, _RESULTS))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("size", "| `paper`, list | 16 | 4,804 | 1,469 | 4,042 | 71 | 259 |"),
        ("size-learning", "| LUTs learning, 16 lanes | 11,000 | 7,000 | 11,970 | missed |"),
        ("size-learning", "| adaptive against none, 400 neurons, % | 3 | 1 | 1.5 | kept |"),
        ("size", "| LUT4 | 11,000 | 0.95 | 7,742 | kept |"),
        ("size-units", "| pruning | 1 | 4,804 | 1,469 | 4,042 | 0 | 0 |"),
        ("cycles", "| `paper`, 800 neurons | 16 | list | 1.000 | all | 1,000 | 100 | 0.956 |"),
        ("cycles-density", "| packed, list | 16 | 1.00 | 1,000 | 100 | 0.956 |  |  |  |"),
        (
            "cycles-density",
            "| packed, list | 16 | 0.50 | 500 | 55 | 0.956 | 50.0 | 45.0 | 0.900 |",
        ),
        (
            "lockstep",
            "| 400 neurons, inference | 16 | 10,000 | 396,023,188 | 39,602 | 242,199 | 0 |",
        ),
        ("sim-speed", "| 400 neurons, inference, icarus | 12,345 | 1.25 | 3 | 25 |"),
        (
            "mutants",
            (
                "91 faults in 1 units: 85 killed, 0 survived, 6 equivalent, each with its reason "
                "in the file (`python -m something`, python 3.11)."
            ),
        ),
        (
            "energy-headline",
            (
                "By memory accesses and operations (class b, 45 nm, 0.9 V), adaptive pruning at "
                "800 neurons takes 60 % off the energy of an inference, whose SOPs fall by 50 % "
                "(25 % if memories of any size cost the same per access), and 25 % off a "
                "presentation of the training, whose SOPs fall by 40 %; the pruning itself is "
                "0.013 % of that."
            ),
        ),
        ("lockstep-headline", "40,000 presentations, 968,796 values compared, 0 differences"),
    ],
)
def test_block_holds_the_figures(name: str, line: str) -> None:
    assert line in written(name).splitlines()


def test_cores_of_two_gatewares_are_not_compared() -> None:
    assert "100 neurons" not in written("size-learning")


@pytest.mark.parametrize("name", ["size", "cycles", "lockstep", "sim-speed"])
def test_table_names_command_and_versions(name: str) -> None:
    assert written(name).endswith("`python -m something`, python 3.11.")


def test_headline_is_of_the_network_of_the_paper() -> None:
    assert written("cycles-headline") == (
        "A core with 16 lanes, each of which adds a synapse per cycle, takes 100 cycles for an "
        "inference with the pruned network of 800 neurons (1,000 forward SOPs, lanes 96 % busy "
        "while integrating), 20 if it ends with the first output spike (early exit)."
    )
