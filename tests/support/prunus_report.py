"""Results of which a report is made."""

from typing import Any

from prunus_overhead.report.sources import SOURCES, Results


def origin(command: str, **tools: str) -> dict[str, Any]:
    """Return the header of a file."""
    inputs = {"gateware": "a" * 16}
    return {"command": command, "commit": "0123456789ab", "tools": tools, "inputs": inputs}


def energy(policy: str, kind: str = "b", **other: Any) -> dict[str, Any]:
    sops = {"none": 1000.0, "adaptive": 400.0}[policy]
    row: dict[str, Any] = {"class": kind, "technology": "45 nm & <less>", "voltage_v": 0.9}
    row |= {
        "mode": "inference",
        "policy": policy,
        "redundancy": False,
        "neurons": 100,
        "lanes": 4,
        "early_exit": 0,
    }
    row |= {"workload": "10 images", "accuracy": 0.9, "store": "csr", "pj_per_sop": 2.0}
    row |= {"sops_per_presentation": sops, "nj_per_presentation": sops / 2 + 100}
    row |= {"memory_nj": 100.0, "artifact_hash": "0123456789abcdef" * 4}
    row |= {"parts": {"store": sops / 2, "encoder": 100.0}}
    row |= {"groups": {"synapses": sops / 2, "input spikes": 100.0}}
    return row | other


def core(policy: str, logic: int, *fmax: float) -> dict[str, Any]:
    row: dict[str, Any] = {"technology": "ECP5", "mode": "learning", "neurons": 100, "lanes": 4}
    row |= {
        "policy": policy,
        "redundancy": False,
        "logic": logic,
        "lut": logic - 20,
        "carry": 10,
        "ff": 5,
        "blocks": 2,
    }
    cycles = {"cycles_per_presentation": 1234.5, "cycles_same_decisions": 1300}
    return row | {"fmax_mhz": list(fmax), "units_logic": 2 * logic - 1000} | cycles


def cells() -> dict[str, Any]:
    """Return results as of `make cells`."""
    area: dict[str, Any] = {"technology": "OSU", "mode": "learning", "neurons": 100, "lanes": 4}
    area |= {"cells": 10, "nand2": 20.5, "memory_bits": 30, "memory_um2": 40.0}
    area |= {"units": {"sweep": 1.0, "last_step": 2.0, "membrane": 5.0, "memory_port": 2.0}}
    found: dict[str, Any] = {"provenance": origin("make the cells", yosys="1")}
    found["ablation"] = [
        area | {"policy": policy, "redundancy": False, "cells_um2": um2}
        for policy, um2 in (("none", 1000.0), ("adaptive", 1015.0))
    ]
    c: dict[str, Any] = {"class": "c", "technology": "OSU", "voltage_v": 1.8, "lanes": 4}
    c |= {"mode": "learning", "neurons": 100, "store": "learning", "early_exit": 0}
    c |= {"density": 0.5, "workload": "2 images", "pj_per_sop": 9.0, "sops_per_presentation": 7.0}
    c |= {"units": {"membrane": 2.0, "core": 1.0}, "parts": {"clock_net": 3.0}}
    c |= {"artifact_sha256": "ab" * 32}
    found["energy"] = [
        c
        | {
            "policy": "none",
            "redundancy": False,
            "same_decisions": False,
            "nj_per_presentation": 3.0,
        },
        c
        | {
            "policy": "adaptive",
            "redundancy": False,
            "same_decisions": False,
            "nj_per_presentation": 2.0,
        },
        c
        | {
            "policy": "adaptive",
            "redundancy": False,
            "same_decisions": True,
            "nj_per_presentation": 3.01,
        },
    ]
    unit = {"policy": "adaptive", "redundancy": False, "neurons": 100, "lanes": 4, "class": "c"}
    found["pruning_unit"] = [unit | {"with_nj": 3.01, "without_nj": 3.0, "percent": 0.333}]
    return found


def results() -> Results:
    rows = [energy(p, k) for p in ("none", "adaptive") for k in ("a", "b")]
    unit = {
        "policy": "adaptive",
        "redundancy": False,
        "neurons": 100,
        "lanes": 4,
        "class": "b",
        "with_nj": 100.5,
    }
    unit |= {"without_nj": 100.0, "percent": 0.5}
    ablation = {
        "provenance": origin("make the ablation", python="3"),
        "rows": [core("none", 1000, 50, 60, 55), core("adaptive", 1030, 54, 52, 56)],
    }
    energies = {
        "provenance": origin("make the energy", python="3"),
        "rows": rows,
        "pruning_unit": [unit],
    }
    size: dict[str, Any] = {"provenance": origin("make the size")}
    size |= {"units": [{"unit": "sweep", "LUT4": 30, "CCU2C": 5, "FF": 1, "DP16KD": 0}]}
    size["units"][0]["DPR16X4"] = 0
    found = Results(content={"ablation": ablation, "energy": energies, "size": size})
    found.missing = [s for s in SOURCES if s.name not in found.content]
    return found
