"""Form of the results files: what each kind must hold, and nothing else.

A form is a list of keys by type. A key that is not listed is refused: all that is measured is named
here.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from prunus_model.common.provenance import Input

__all__ = ["SCHEMAS", "Header", "Origin"]

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(gt=0)]
_Amount = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{16}|[0-9a-f]{64}|unknown)$")]
_Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{12}(-dirty)?|unknown)$")]
_Inputs = Annotated[dict[Input, _Digest], Field(min_length=1)]
_Mode = Literal["learning", "inference"]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Origin(_Form):
    """Where results come from: the header of a file, or what a row says of itself instead."""

    kind: str
    command: Annotated[str, Field(min_length=1)]
    commit: _Commit
    tools: dict[str, str]
    inputs: _Inputs


class Header(BaseModel):
    """What every results file has, of whatever kind it is."""

    provenance: Origin


_Keys = dict[str, Any]


def _keys(of: Any, names: str) -> _Keys:
    """Return keys that must be there."""
    return dict.fromkeys(names.split(), (of, ...))


def _may(of: Any, names: str) -> _Keys:
    """Return keys that may be left out, or hold nothing."""
    return dict.fromkeys(names.split(), (of | None, None))


def _form(*parts: _Keys) -> Any:
    """Return an object with all these keys."""
    fields: _Keys = {name: of for part in parts for name, of in part.items()}
    return create_model("Form", __base__=_Form, **fields)


def _rows(*parts: _Keys) -> Any:
    """Return rows with all these keys; a row of other inputs than its file says of which."""
    own = _may(str, "command") | _may(_Commit, "commit") | _may(_Inputs, "inputs")
    return Annotated[GenericAlias(list, (_form(*parts, own),)), Field(min_length=1)]


def _file(*parts: _Keys, **lists: Any) -> type[BaseModel]:
    """Return a file with a header, these keys, and these lists of rows."""
    form: type[BaseModel] = _form(
        {"provenance": (Origin, ...)}, *parts, {name: (of, ...) for name, of in lists.items()}
    )
    return form


_BUDGETS = _rows(
    _keys(str, "figure"),
    _keys(float, "must reach value"),
    _keys(bool, "least"),
    _keys(Literal["reached", "kept", "missed"], "verdict"),
)
_RUN = (
    _keys(str, "data config policy"),
    _keys(dict[str, str], "parts"),
    _keys(dict[str, int], "policy_setting"),
    _keys(dict[str, Any], "settings"),
    _keys(int, "seed"),
    _keys(_Positive, "neurons epochs weight_bits"),
    _keys(_Count, "early_exit undecided silent_neurons"),
    _keys(_Share, "hard vote density"),
    _keys(_Amount, "steps_per_inference forward_sops_per_inference train_seconds"),
    _keys(_Amount, "inference_sop_fraction inference_sop_fraction_without_frozen"),
    _keys(_Amount, "training_sop_fraction training_sop_fraction_without_frozen"),
    _keys(_Amount, "update_sop_fraction forward_sops_per_training_presentation"),
    _keys(_Amount, "strength_deviation strength_mean"),
    _keys(list[int], "w_prune_early w_prune_late") | _keys(_Hash, "digest artifact_hash"),
    # Not in files that were written before there were margins.
    _may(_Positive, "weights vote_bits groups")
    | _may(str, "votes network")
    | _may(_Count, "margin"),
    _may(_Amount, "output_spikes_per_inference neuron_updates_per_inference"),
)
_SPLIT = Literal["validation", "test"]
_CLAIM = (_keys(str, "claim verdict"), _may(float, "estimate bound"))
#: A rate of the engine, and what is counted where it is compared.
_RATE = (
    _keys(str, "what"),
    _keys(_Positive, "neurons threads"),
    _may(_Positive, "groups"),
    _keys(_Amount, "presentations_per_s least most peak_memory_mb"),
)
_COUNTED = "input_spikes_per_presentation output_spikes_per_presentation synapses_per_presentation"
_LEARNED = (
    _keys(_Positive, "presentations"),
    _keys(_Amount, "seconds"),
    _keys(_Share, "hard vote"),
)
_ECP5 = "CCU2C DP16KD DPR16X4 MULT18X18D"
_CORE = (_keys(str, "policy"), _keys(_Positive, "neurons lanes"))
_ENERGY = (
    *_CORE,
    _keys(Literal["a", "b", "c"], "class"),
    _keys(str, "technology workload store"),
    _keys(_Mode, "mode"),
    _keys(_Count, "early_exit"),
    _keys(_Amount, "voltage_v nj_per_presentation sops_per_presentation"),
    _may(_Amount, "pj_per_sop"),
    _keys(dict[str, _Amount], "parts"),
)
_ACTIVITY = (
    *_ENERGY,
    _keys(bool, "same_decisions"),
    _keys(_Share, "density"),
    _keys(_Amount, "clock_nj leakage_nj forward_sops update_sops dense_sops"),
    _keys(_Amount, "cycles_per_presentation"),
    _keys(_Count, "cycles_simulated words_compared"),
    _keys(dict[str, _Amount], "units"),
    _keys(_Hash, "netlist_sha256 artifact_sha256"),
)
_UNIT_COST = (
    *_CORE,
    _keys(Literal["b", "c"], "class"),
    _keys(_Amount, "with_nj without_nj"),
    _keys(float, "percent"),
)
_READER = _form(
    _keys(str, "reader"),
    _keys(_Positive, "inputs"),
    _keys(_Count, "tracebacks hangs wrong"),
    _keys(_Amount, "peak_mb"),
)

#: Form of the files of each kind.
SCHEMAS: dict[str, type[BaseModel]] = {
    # Claims and rows that were written before there were bounds and a validation split, too.
    "mnist": _file(
        claims=_rows(*_CLAIM, _may(float, "margin"), _may(_Count, "n"), _may(str, "measured note")),
        runs=_rows(*_RUN, _may(_SPLIT, "split"), _may(bool, "chose")),
    ),
    "reproduction": _file(
        claims=_rows(*_CLAIM, _keys(float, "margin"), _keys(_Count, "n")),
        runs=_rows(*_RUN, _keys(_SPLIT, "split"), _keys(bool, "chose")),
    ),
    "frontier": _file(
        claims=_rows(*_CLAIM, _keys(float, "margin"), _keys(_Count, "n")),
        rows=_rows(
            _keys(str, "data configuration rule"),
            _keys(_Positive, "groups neurons weights"),
            _keys(_Count, "margin"),
            _keys(list[int], "seeds"),
            _keys(_Share, "accuracy") | _may(float, "accuracy_low") | _keys(_Amount, "spikes"),
            _keys(_Amount, "sops_per_image training_sops_per_image neuron_updates_per_image"),
        ),
    ),
    "datasets": _file(
        rows=_rows(
            _keys(str, "data rule"),
            _keys(_Positive, "neurons epochs"),
            _keys(list[int], "seeds"),
            _keys(_Share, "accuracy inference_sop_fraction training_sop_fraction unpruned_share"),
            _keys(float, "loss") | _may(float, "loss_high"),
        )
    ),
    "search": _file(
        _keys(str, "data config"),
        _keys(Literal["validation"], "split"),
        _keys(_Positive, "epochs"),
        _keys(list[int], "seeds"),
        _keys(dict[str, str], "ranges"),
        _keys(_Count, "failed best"),
        rows=_rows(
            _keys(_Count, "number"),
            _keys(dict[str, int | str], "values"),
            _keys(_Share, "accuracy density"),
            _keys(_Amount, "sops_per_image memory_bits"),
            _keys(list[str], "digests"),
            _keys(bool, "front"),
        ),
    ),
    **dict.fromkeys(
        ("lockstep", "lockstep-groups"),
        _file(
            rows=_rows(
                *_CORE,
                _keys(str, "bench simulator"),
                _keys(_Mode, "mode"),
                _keys(_Positive, "presentations cycles core_cycles values_compared"),
                _keys(_Count, "differences cycles_per_second"),
                _keys(_Amount, "cycles_per_presentation presentations_per_second"),
                _keys(_Amount, "build_seconds seconds simulation_seconds wall_seconds"),
                _keys(bool, "equal"),
            )
        ),
    ),
    "buses": _file(
        _keys(
            _form(_keys(str, "network"), _keys(_Positive, "lanes"), _keys(_Mode, "mode")), "core"
        ),
        _keys(list[str], "jobs"),
        rows=_rows(
            _keys(str, "bus way simulator"),
            _keys(_Positive, "lut ff presentations"),
            _keys(_Count, "blocks differences"),
            _keys(_Amount, "fmax_mhz"),
            _may(_Amount, "cycles_per_image core_cycles_per_image"),
        ),
    ),
    "core-sizes": _file(
        rows=_rows(
            _keys(_Positive, "neurons lanes lut ff"),
            _keys(_Mode, "mode"),
            _keys(str, "bus"),
            _keys(_Count, "blocks"),
            _keys(_Amount, "fmax_mhz"),
            _keys(dict[str, _Count], "xilinx"),
        ),
    ),
    "mutants": _file(
        _keys(_Hash, "sources"),
        _keys(bool, "finished"),
        _keys(_Count, "total killed timeouts survived invalid"),
        _keys(_Amount, "seconds"),
        _keys(list[dict[Literal["mutant", "reason"], str]], "equivalent"),
        _keys(dict[str, dict[str, _Count]], "units"),
        mutants=_rows(
            _keys(str, "file scope operator before after"),
            _keys(_Positive, "line"),
            _keys(Literal["killed", "timeout", "survived", "equivalent", "invalid"], "verdict"),
            _may(str, "test reason"),
            _may(_Amount, "seconds"),
        ),
    ),
    "engine-speed": _file(
        _keys(str, "processor"),
        _keys(_Amount, "ratio_400 ratio_400_per_synapse bindsnet_400_presentations_per_s"),
        _keys(list[_Amount], "ratio_400_all"),
        _keys(_Count, "adds_per_s_400"),
        _keys(_Positive, "best_adds_per_s"),
        _keys(dict[Literal["first", "cached"], _Amount], "compile_seconds"),
        _keys(_form(*_RATE, _keys(_Amount, f"steps {_COUNTED}")), "prunus_400"),
        _keys(dict[str, Any], "bindsnet_400"),
        rows=_rows(*_RATE, _may(_Amount, f"steps {_COUNTED}")),
    ),
    "bindsnet": _file(
        _keys(str, "data"),
        _keys(_Positive, "neurons presentations labelled tested"),
        _keys(_form(*_LEARNED, _keys(_Amount, "steps output_spikes_per_presentation")), "bindsnet"),
        prunus=_rows(*_LEARNED, _keys(str, "policy"), _keys(_Share, "density")),
    ),
    "change": _file(
        _keys(str, "data"),
        _keys(_Positive, "labelled"),
        rows=_rows(
            _keys(str, "rule"),
            _keys(Literal["A", "B", "C"], "phase"),
            _keys(_Positive, "neurons") | _keys(int, "seed"),
            _keys(_Share, "old density training_sop_fraction inference_sop_fraction"),
            _may(_Share, "new all"),
            _keys(_Amount, "forward_sops_per_inference"),
        ),
    ),
    "nir": _file(
        rows=_rows(
            _keys(str, "framework version node network why"),
            _keys(Literal["export", "import"], "direction"),
            _keys(Literal["refused", "read", "run", "equal"], "status"),
            _may(_Share, "equal_predictions"),
            _keys(_Count, "images"),
        ),
    ),
    "cycles": _file(
        _keys(str, "images"),
        budgets=_BUDGETS,
        rows=_rows(
            _keys(str, "network store"),
            _keys(_Positive, "neurons lanes images values_compared"),
            _keys(_Count, "early_exit"),
            _keys(_Share, "density lane_use"),
            _keys(_Amount, "cycles_per_inference forward_sops_per_inference"),
            _keys(_Amount, "integrating_cycles_per_inference"),
            _keys(Literal[0], "differences"),
            _keys(bool, "swept"),
        ),
    ),
    "core-options": _file(
        _keys(_Positive, "images"),
        rows=_rows(
            _keys(str, "network"),
            _keys(Literal["first", "quick"], "options"),
            _keys(_Positive, "neurons lanes cycles_per_inference"),
            _keys(_Positive, "cycles_per_inference_early_exit"),
            _keys(_Positive, "cycles_per_inference_early_exit_learning_core"),
            _keys(_Positive, "cycles_per_learning_presentation cycles_per_first_presentation"),
        ),
    ),
    "simulation-speed": _file(
        _keys(str, "processor"),
        rows=_rows(
            _keys(str, "what simulator"),
            _keys(_Positive, "presentations cycles"),
            _keys(_Count, "cycles_per_second"),
            _keys(_Amount, "presentations_per_second build_seconds seconds simulation_seconds"),
            _keys(_Share, "python_share"),
            _keys(Literal[0], "differences"),
        ),
    ),
    "size": _file(
        budgets=_BUDGETS,
        rows=_rows(
            _keys(Literal["ecp5", "ice40"], "target"),
            _keys(str, "network store"),
            _keys(_Positive, "lanes instances"),
            _keys(_Count, "LUT4 FF"),
            _may(_Count, f"{_ECP5} carry EBR SPRAM"),
        ),
        units=_rows(
            _keys(str, "unit"),
            _keys(_Positive, "instances"),
            _keys(_Count, f"LUT4 FF {_ECP5}"),
        ),
    ),
    "ablation": _file(
        rows=_rows(
            *_CORE,
            _keys(str, "technology"),
            _keys(_Mode, "mode"),
            _keys(_Hash, "artifact_hash"),
            _keys(_Digest, "design"),
            _keys(_Count, "memory_bits lut carry ff blocks lut_ram logic"),
            _may(dict[str, _Count], "units"),
            _may(_Positive, "units_logic"),
            _may(list[_Amount], "fmax_mhz"),
            _may(list[int], "seeds"),
            _may(str, "device cycles_from"),
            _may(_Amount, "cycles_per_presentation cycles_same_decisions"),
        )
    ),
    "energy": _file(
        _keys(dict[str, Any], "technology"),
        _keys(str, "sop"),
        rows=_rows(
            *_ENERGY,
            _keys(_Amount, "memory_nj"),
            _keys(_Hash, "artifact_hash"),
            _may(_Share, "accuracy"),
            _may(dict[str, _Amount], "groups"),
        ),
        pruning_unit=_rows(*_UNIT_COST),
        sensitivity=_rows(
            _keys(_Mode, "mode"),
            _keys(str, "policy"),
            _keys(_Positive, "neurons"),
            _keys(_Amount, "exponent nj_per_presentation sops_per_presentation"),
        ),
    ),
    "cells": _file(
        _keys(dict[Literal["name", "sha256"], str], "liberty"),
        _keys(dict[str, _Amount], "assumptions"),
        _keys(dict[str, str], "notes"),
        _keys(dict[str, Any], "cross_check"),
        ablation=_rows(
            *_CORE,
            _keys(str, "technology"),
            _keys(_Mode, "mode"),
            _keys(_Positive, "cells"),
            _keys(_Count, "memory_bits"),
            _keys(_Amount, "cells_um2 nand2 sequential_um2 units_um2 bit_cell_um2 memory_um2"),
            _keys(dict[str, _Amount], "units"),
            _keys(dict[str, _Count], "memories"),
        ),
        energy=_rows(*_ACTIVITY),
        pruning_unit=_rows(*_UNIT_COST, _keys(str, "technology"), _keys(float, "unit_nj")),
    ),
    "gating": _file(
        _keys(dict[Literal["name", "sha256"], str], "liberty"),
        _keys(dict[Literal["latch", "or"], list[str]], "gates"),
        rows=_rows(
            *_ACTIVITY,
            _keys(Literal["none", "latch", "or"], "gating"),
            _keys(_Amount, "cells_um2 gates_um2"),
            _keys(_Count, "gates flip_flops ungated"),
            _may(_Amount, "period_ns"),
        ),
    ),
    "bitstream": _file(
        _keys(str, "board device store network training"),
        _keys(_Mode, "mode"),
        _keys(_Positive, "neurons lanes"),
        _keys(_Hash, "artifact_hash"),
        _may(str, "refused cycles_from"),
        _may(dict[str, bool | int | str], "options"),
        _may(_Share, "density"),
        _may(_Positive, "groups lut cycles_per_inference cycles_per_inference_early_exit"),
        _may(_Positive, "cycles_per_inference_configured cycles_per_learning_presentation"),
        _may(_Count, "ff bram spram dsp bitstream_bytes seconds memory_mb"),
        _may(list[_Amount], "fmax_mhz"),
        _may(list[int], "seeds"),
        _may(_Amount, "clock_mhz ms_per_inference ms_per_inference_early_exit"),
        _may(_Positive, "baud"),
        _may(float, "baud_error_percent"),
        _may(Literal["uart", "spi"], "link"),
        _may(_Amount, "images_per_second images_per_second_early_exit"),
        _may(_Amount, "ms_per_inference_configured images_per_second_configured"),
    ),
    "netlist": _file(
        _keys(str, "board store"),
        _keys(_Positive, "neurons lanes images cycles"),
        _keys(_Count, "differences seconds"),
        _keys(dict[str, _Count], "cells"),
    ),
    "link": _file(
        _keys(_Positive, "frames requests"),
        _keys(_Count, "corrupted wrong_accepted state_changed recovered"),
        _keys(dict[str, _Count], "faults"),
    ),
    "live": _file(
        _keys(str, "network data"),
        _keys(_Positive, "presentations pairs"),
        rows=_rows(
            _keys(str, "reader"),
            _keys(_Positive, "presentations_per_s"),
            _keys(_Amount, "ratio ratio_low ratio_high cpu_ratio cpu_ratio_low cpu_ratio_high"),
            _keys(_Amount, "frames_per_s"),
        ),
    ),
    "throughput": _file(
        _keys(_Amount, "clock_mhz"),
        _keys(_Positive, "images stop_after"),
        rows=_rows(
            _keys(str, "network"),
            _keys(_Positive, "baud cycles"),
            _keys(_Count, "latency_ms"),
            _keys(_Amount, "images_per_s round_trips_per_image"),
            _keys(_Amount, "bytes_in_per_image bytes_out_per_image"),
        ),
        simulated=_form(
            _keys(str, "network"),
            _keys(_Positive, "images baud cycles_per_image core_cycles_per_image"),
            _keys(_Amount, "images_per_s"),
        ),
    ),
    # Each part is written by a program of its own.
    "attack": _file(
        _may(_form(_keys(_Count, "kills identical left_over")), "kills"),
        _may(_form(_keys(_Count, "kinds told"), _keys(_Amount, "longest_s")), "devices"),
        # No rows with inputs of their own: here these are files, and their number.
        readers=GenericAlias(list, (_READER,)),
    ),
}
