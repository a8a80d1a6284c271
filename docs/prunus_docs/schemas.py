"""Form of the results files: what each kind must hold, and nothing else."""

from __future__ import annotations

from types import GenericAlias
from typing import Any, Literal

from pydantic import BaseModel

from prunus_docs.forms import (
    CORE,
    Amount,
    Count,
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
from prunus_docs.overhead_schemas import OVERHEAD_SCHEMAS

__all__ = ["SCHEMAS"]

_RUN = (
    keys(str, "data config policy"),
    keys(dict[str, str], "parts"),
    keys(dict[str, int], "policy_setting"),
    keys(dict[str, Any], "settings"),
    keys(int, "seed"),
    keys(Positive, "neurons epochs weight_bits"),
    keys(Count, "early_exit undecided silent_neurons"),
    keys(Share, "hard vote density"),
    keys(Amount, "steps_per_inference forward_sops_per_inference train_seconds"),
    keys(Amount, "inference_sop_fraction inference_sop_fraction_without_frozen"),
    keys(Amount, "training_sop_fraction training_sop_fraction_without_frozen"),
    keys(Amount, "update_sop_fraction forward_sops_per_training_presentation"),
    keys(Amount, "strength_deviation strength_mean"),
    keys(list[int], "w_prune_early w_prune_late") | keys(Hash, "digest artifact_hash"),
    # Not in files that were written before there were margins.
    may(Positive, "weights vote_bits groups") | may(str, "votes network") | may(Count, "margin"),
    may(Amount, "output_spikes_per_inference neuron_updates_per_inference"),
)
_SPLIT = Literal["validation", "test"]
_CLAIM = (keys(str, "claim verdict"), may(float, "estimate bound"))
#: A rate of the engine, and what is counted where it is compared.
_RATE = (
    keys(str, "what"),
    keys(Positive, "neurons threads"),
    may(Positive, "groups"),
    keys(Amount, "presentations_per_s least most peak_memory_mb"),
)
_COUNTED = "input_spikes_per_presentation output_spikes_per_presentation synapses_per_presentation"
_LEARNED = (
    keys(Positive, "presentations"),
    keys(Amount, "seconds"),
    keys(Share, "hard vote"),
)
_READER = form(
    keys(str, "reader"),
    keys(Positive, "inputs"),
    keys(Count, "tracebacks hangs wrong"),
    keys(Amount, "peak_mb"),
)

#: Form of the files of each kind.
#: Images that a simulated core was shown through the pins of its line.
_SIMULATED_LINE = form(
    keys(str, "network"),
    keys(Positive, "images baud cycles_per_image core_cycles_per_image"),
    keys(Amount, "images_per_s"),
)
SCHEMAS: dict[str, type[BaseModel]] = {
    # Claims and rows that were written before there were bounds and a validation split, too.
    "mnist": file(
        claims=rows(*_CLAIM, may(float, "margin"), may(Count, "n"), may(str, "measured note")),
        runs=rows(*_RUN, may(_SPLIT, "split"), may(bool, "chose")),
    ),
    "reproduction": file(
        claims=rows(*_CLAIM, keys(float, "margin"), keys(Count, "n")),
        runs=rows(*_RUN, keys(_SPLIT, "split"), keys(bool, "chose")),
    ),
    "frontier": file(
        claims=rows(*_CLAIM, keys(float, "margin"), keys(Count, "n")),
        rows=rows(
            keys(str, "data configuration rule"),
            keys(Positive, "groups neurons weights"),
            keys(Count, "margin"),
            keys(list[int], "seeds"),
            keys(Share, "accuracy") | may(float, "accuracy_low") | keys(Amount, "spikes"),
            keys(Amount, "sops_per_image training_sops_per_image neuron_updates_per_image"),
        ),
    ),
    "datasets": file(
        rows=rows(
            keys(str, "data rule"),
            keys(Positive, "neurons epochs"),
            keys(list[int], "seeds"),
            keys(Share, "accuracy inference_sop_fraction training_sop_fraction unpruned_share"),
            keys(float, "loss") | may(float, "loss_high"),
        )
    ),
    **dict.fromkeys(
        ("lockstep", "lockstep-groups"),
        file(
            rows=rows(
                *CORE,
                keys(str, "bench simulator"),
                keys(Mode, "mode"),
                keys(Positive, "presentations cycles core_cycles values_compared"),
                keys(Count, "differences cycles_per_second"),
                keys(Amount, "cycles_per_presentation presentations_per_second"),
                keys(Amount, "build_seconds seconds simulation_seconds wall_seconds"),
                keys(bool, "equal"),
            )
        ),
    ),
    "mutants": file(
        keys(Hash, "sources"),
        keys(bool, "finished"),
        keys(Count, "total killed timeouts survived invalid"),
        keys(Amount, "seconds"),
        keys(list[dict[Literal["mutant", "reason"], str]], "equivalent"),
        keys(dict[str, dict[str, Count]], "units"),
        mutants=rows(
            keys(str, "file scope operator before after"),
            keys(Positive, "line"),
            keys(Literal["killed", "timeout", "survived", "equivalent", "invalid"], "verdict"),
            may(str, "test reason"),
            may(Amount, "seconds"),
        ),
    ),
    "engine-speed": file(
        keys(str, "processor"),
        keys(Amount, "ratio_400 ratio_400_per_synapse bindsnet_400_presentations_per_s"),
        keys(list[Amount], "ratio_400_all"),
        keys(Count, "adds_per_s_400"),
        keys(Positive, "best_adds_per_s"),
        keys(dict[Literal["first", "cached"], Amount], "compile_seconds"),
        keys(form(*_RATE, keys(Amount, f"steps {_COUNTED}")), "prunus_400"),
        keys(dict[str, Any], "bindsnet_400"),
        rows=rows(*_RATE, may(Amount, f"steps {_COUNTED}")),
    ),
    "bindsnet": file(
        keys(str, "data"),
        keys(Positive, "neurons presentations labelled tested"),
        keys(form(*_LEARNED, keys(Amount, "steps output_spikes_per_presentation")), "bindsnet"),
        prunus=rows(*_LEARNED, keys(str, "policy"), keys(Share, "density")),
    ),
    "change": file(
        keys(str, "data"),
        keys(Positive, "labelled"),
        rows=rows(
            keys(str, "rule"),
            keys(Literal["A", "B", "C"], "phase"),
            keys(Positive, "neurons") | keys(int, "seed"),
            keys(Share, "old density training_sop_fraction inference_sop_fraction"),
            may(Share, "new all"),
            keys(Amount, "forward_sops_per_inference"),
        ),
    ),
    "nir": file(
        rows=rows(
            keys(str, "framework version node network why"),
            keys(Literal["export", "import"], "direction"),
            keys(Literal["refused", "read", "run", "equal"], "status"),
            may(Share, "equal_predictions"),
            keys(Count, "images"),
        ),
    ),
    "simulation-speed": file(
        keys(str, "processor"),
        rows=rows(
            keys(str, "what simulator"),
            keys(Positive, "presentations cycles"),
            keys(Count, "cycles_per_second"),
            keys(Amount, "presentations_per_second build_seconds seconds simulation_seconds"),
            keys(Share, "python_share"),
            keys(Literal[0], "differences"),
        ),
    ),
    "bitstream": file(
        keys(str, "board device store network training"),
        keys(Mode, "mode"),
        keys(Positive, "neurons lanes"),
        keys(Hash, "artifact_hash"),
        may(str, "refused cycles_from"),
        may(dict[str, bool | int | str], "options"),
        may(Share, "density"),
        may(Positive, "groups lut cycles_per_inference cycles_per_inference_early_exit"),
        may(Positive, "cycles_per_inference_configured cycles_per_learning_presentation"),
        may(Count, "ff bram spram dsp bitstream_bytes seconds memory_mb"),
        may(list[Amount], "fmax_mhz"),
        may(list[int], "seeds"),
        may(Amount, "clock_mhz ms_per_inference ms_per_inference_early_exit"),
        may(Positive, "baud"),
        may(float, "baud_error_percent"),
        may(Literal["uart", "spi"], "link"),
        may(Amount, "images_per_second images_per_second_early_exit"),
        may(Amount, "ms_per_inference_configured images_per_second_configured"),
    ),
    "netlist": file(
        keys(str, "board store"),
        keys(Positive, "neurons lanes images cycles"),
        keys(Count, "differences seconds"),
        keys(dict[str, Count], "cells"),
    ),
    "link": file(
        keys(Positive, "frames requests"),
        keys(Count, "corrupted wrong_accepted state_changed recovered"),
        keys(dict[str, Count], "faults"),
    ),
    "live": file(
        keys(str, "network data"),
        keys(Positive, "presentations pairs"),
        rows=rows(
            keys(str, "reader"),
            keys(Positive, "presentations_per_s"),
            keys(Amount, "ratio ratio_low ratio_high cpu_ratio cpu_ratio_low cpu_ratio_high"),
            keys(Amount, "frames_per_s"),
            may(Amount, "reader_ms_per_frame"),
        ),
    ),
    "throughput": file(
        keys(Amount, "clock_mhz"),
        keys(Positive, "images stop_after"),
        rows=rows(
            keys(str, "network"),
            keys(Positive, "baud cycles"),
            keys(Count, "latency_ms"),
            keys(Amount, "images_per_s round_trips_per_image"),
            keys(Amount, "bytes_in_per_image bytes_out_per_image"),
        ),
        simulated=_SIMULATED_LINE,
        simulated_spi=_SIMULATED_LINE,
    ),
    # Each part is written by a program of its own.
    "attack": file(
        may(form(keys(Count, "kills identical left_over")), "kills"),
        may(form(keys(Count, "kinds told"), keys(Amount, "longest_s")), "devices"),
        # No rows with inputs of their own: here these are files, and their number.
        readers=GenericAlias(list, (_READER,)),
    ),
    **OVERHEAD_SCHEMAS,
}
