"""Form of the results files of what cores cost: sizes, cycles, energy, and the search for them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from prunus_docs.forms import (
    BUDGETS,
    CORE,
    Amount,
    Count,
    Digest,
    Hash,
    Mode,
    Positive,
    Share,
    file,
    form,
    keys,
    may,
    rows,
)

__all__ = ["OVERHEAD_SCHEMAS"]

_ECP5 = "CCU2C DP16KD DPR16X4 MULT18X18D"
_ENERGY = (
    *CORE,
    keys(Literal["a", "b", "c"], "class"),
    keys(str, "technology workload store"),
    keys(Mode, "mode"),
    keys(Count, "early_exit"),
    keys(Amount, "voltage_v nj_per_presentation sops_per_presentation"),
    may(Amount, "pj_per_sop"),
    keys(dict[str, Amount], "parts"),
)
_ACTIVITY = (
    *_ENERGY,
    keys(bool, "same_decisions"),
    keys(Share, "density"),
    keys(Amount, "clock_nj leakage_nj forward_sops update_sops dense_sops"),
    keys(Amount, "cycles_per_presentation"),
    keys(Count, "cycles_simulated words_compared"),
    keys(dict[str, Amount], "units"),
    keys(Hash, "netlist_sha256 artifact_sha256"),
)
_UNIT_COST = (
    *CORE,
    keys(Literal["b", "c"], "class"),
    keys(Amount, "with_nj without_nj"),
    keys(float, "percent"),
)

#: Form of the files of each kind.
OVERHEAD_SCHEMAS: dict[str, type[BaseModel]] = {
    "search": file(
        keys(str, "data config"),
        keys(Literal["validation"], "split"),
        keys(Positive, "epochs"),
        keys(list[int], "seeds"),
        keys(dict[str, str], "ranges"),
        keys(Count, "failed best"),
        rows=rows(
            keys(Count, "number"),
            keys(dict[str, int | str], "values"),
            keys(Share, "accuracy density"),
            keys(Amount, "sops_per_image memory_bits"),
            keys(list[str], "digests"),
            keys(bool, "front"),
        ),
    ),
    "buses": file(
        keys(form(keys(str, "network"), keys(Positive, "lanes"), keys(Mode, "mode")), "core"),
        keys(list[str], "jobs"),
        rows=rows(
            keys(str, "bus way simulator"),
            keys(Positive, "lut ff presentations"),
            keys(Count, "blocks differences"),
            keys(Amount, "fmax_mhz"),
            may(Amount, "cycles_per_image core_cycles_per_image"),
        ),
    ),
    "core-sizes": file(
        rows=rows(
            keys(Positive, "neurons lanes lut ff"),
            keys(Mode, "mode"),
            keys(str, "bus"),
            keys(Count, "blocks"),
            keys(Amount, "fmax_mhz"),
            keys(dict[str, Count], "xilinx"),
        ),
    ),
    "cycles": file(
        keys(str, "images"),
        budgets=BUDGETS,
        rows=rows(
            keys(str, "network store"),
            keys(Positive, "neurons lanes images values_compared"),
            keys(Count, "early_exit"),
            keys(Share, "density lane_use"),
            keys(Amount, "cycles_per_inference forward_sops_per_inference"),
            keys(Amount, "integrating_cycles_per_inference"),
            keys(Literal[0], "differences"),
            keys(bool, "swept"),
        ),
    ),
    "core-options": file(
        keys(Positive, "images"),
        rows=rows(
            keys(str, "network"),
            keys(Literal["first", "quick"], "options"),
            keys(Positive, "neurons lanes cycles_per_inference"),
            keys(Positive, "cycles_per_inference_early_exit"),
            keys(Positive, "cycles_per_inference_early_exit_learning_core"),
            keys(Positive, "cycles_per_learning_presentation cycles_per_first_presentation"),
        ),
    ),
    "size": file(
        budgets=BUDGETS,
        rows=rows(
            keys(Literal["ecp5", "ice40"], "target"),
            keys(str, "network store"),
            keys(Positive, "lanes instances"),
            keys(Count, "LUT4 FF"),
            may(Count, f"{_ECP5} carry EBR SPRAM"),
        ),
        units=rows(
            keys(str, "unit"),
            keys(Positive, "instances"),
            keys(Count, f"LUT4 FF {_ECP5}"),
        ),
    ),
    "ablation": file(
        rows=rows(
            *CORE,
            keys(str, "technology"),
            keys(Mode, "mode"),
            keys(Hash, "artifact_hash"),
            keys(Digest, "design"),
            keys(Count, "memory_bits lut carry ff blocks lut_ram logic"),
            may(dict[str, Count], "units"),
            may(Positive, "units_logic"),
            may(list[Amount], "fmax_mhz"),
            may(list[int], "seeds"),
            may(str, "device cycles_from"),
            may(Amount, "cycles_per_presentation cycles_same_decisions"),
        )
    ),
    "energy": file(
        keys(dict[str, Any], "technology"),
        keys(str, "sop"),
        rows=rows(
            *_ENERGY,
            keys(Amount, "memory_nj"),
            keys(Hash, "artifact_hash"),
            may(Share, "accuracy"),
            may(dict[str, Amount], "groups"),
        ),
        pruning_unit=rows(*_UNIT_COST),
        sensitivity=rows(
            keys(Mode, "mode"),
            keys(str, "policy"),
            keys(Positive, "neurons"),
            keys(Amount, "exponent nj_per_presentation sops_per_presentation"),
        ),
    ),
    "cells": file(
        keys(dict[Literal["name", "sha256"], str], "liberty"),
        keys(dict[str, Amount], "assumptions"),
        keys(dict[str, str], "notes"),
        keys(dict[str, Any], "cross_check"),
        ablation=rows(
            *CORE,
            keys(str, "technology"),
            keys(Mode, "mode"),
            keys(Positive, "cells"),
            keys(Count, "memory_bits"),
            keys(Amount, "cells_um2 nand2 sequential_um2 units_um2 bit_cell_um2 memory_um2"),
            keys(dict[str, Amount], "units"),
            keys(dict[str, Count], "memories"),
        ),
        energy=rows(*_ACTIVITY),
        pruning_unit=rows(*_UNIT_COST, keys(str, "technology"), keys(float, "unit_nj")),
    ),
    "gating": file(
        keys(dict[Literal["name", "sha256"], str], "liberty"),
        keys(dict[Literal["latch", "or"], list[str]], "gates"),
        rows=rows(
            *_ACTIVITY,
            keys(Literal["none", "latch", "or"], "gating"),
            keys(Amount, "cells_um2 gates_um2"),
            keys(Count, "gates flip_flops ungated"),
            may(Amount, "period_ns"),
        ),
    ),
}
