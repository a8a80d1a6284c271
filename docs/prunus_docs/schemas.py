"""Form of the results files: one model per kind, with what documents and other parts read of it.

A file may hold more than its model names; what is named must be there, of its type and range.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prunus_docs.kinds import Kind
from prunus_model.common.errors import ResultsError
from prunus_model.common.provenance import Input

__all__ = ["SCHEMAS", "Origin", "Results", "read"]

_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(gt=0)]
_Amount = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{16}|[0-9a-f]{64}|unknown)$")]
_Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{12}(-dirty)?|unknown)$")]
_Inputs = dict[Input, _Digest]
_Mode = Literal["learning", "inference"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class Origin(BaseModel):
    """Where results come from: the header of a file, or what a row says of itself instead."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: str
    command: Annotated[str, Field(min_length=1)]
    commit: _Commit
    tools: dict[str, str]
    inputs: Annotated[_Inputs, Field(min_length=1)]


class _Row(_Model):
    """A row that may be of other inputs than its file; then it says all three."""

    command: str | None = None
    commit: _Commit | None = None
    inputs: _Inputs | None = None


class _Budget(_Model):
    figure: str
    must: float
    reach: float
    value: float
    verdict: Literal["reached", "kept", "missed"]


class _Claim(_Model):
    claim: str
    verdict: str
    command: str


class _Training(_Row):
    data: str
    neurons: _Positive
    epochs: _Positive
    policy: str
    weight_bits: _Positive
    seed: int
    early_exit: _Count
    hard: _Share
    vote: _Share
    undecided: _Count
    density: _Share
    forward_sops_per_inference: _Amount
    inference_sop_fraction: _Amount
    training_sop_fraction: _Amount
    update_sop_fraction: _Amount
    artifact_hash: _Hash


class _Study(_Model):
    provenance: Origin
    claims: list[_Claim]
    runs: list[_Training]


class _Rate(_Row):
    what: str
    neurons: _Positive
    threads: _Positive
    presentations_per_s: _Amount
    least: _Amount
    most: _Amount
    peak_memory_mb: _Amount


class _EngineSpeed(_Model):
    provenance: Origin
    processor: str
    rows: list[_Rate]
    ratio_400: _Amount
    ratio_400_all: list[_Amount]
    ratio_400_per_synapse: _Amount
    adds_per_s_400: _Count
    best_adds_per_s: _Positive
    compile_seconds: dict[Literal["first", "cached"], _Amount]


class _Learned(_Model):
    presentations: _Positive
    seconds: _Amount
    hard: _Share
    vote: _Share


class _Bindsnet(_Model):
    provenance: Origin
    data: str
    neurons: _Positive
    presentations: _Positive
    labelled: _Positive
    tested: _Positive
    bindsnet: _Learned
    prunus: list[_Learned]


class _Compared(_Row):
    lanes: _Positive
    presentations: _Positive
    core_cycles: _Positive
    cycles_per_presentation: _Amount
    values_compared: _Positive
    differences: _Count


class _Lockstep(_Model):
    provenance: Origin
    rows: Annotated[list[_Compared], Field(min_length=1)]


class _Mutant(_Row):
    file: str
    line: _Positive
    operator: str
    verdict: Literal["killed", "timeout", "survived", "equivalent", "invalid"]


class _Mutants(_Model):
    provenance: Origin
    finished: bool
    total: _Count
    killed: _Count
    survived: _Count
    equivalent: list[dict[str, str]]
    units: dict[str, dict[str, int]]
    mutants: list[_Mutant]


class _CyclesRow(_Row):
    network: str
    neurons: _Positive
    lanes: _Positive
    store: str
    density: _Share
    early_exit: _Count
    cycles_per_inference: _Amount
    forward_sops_per_inference: _Amount
    lane_use: _Share
    differences: Literal[0]
    swept: bool


class _Cycles(_Model):
    provenance: Origin
    images: str
    budgets: list[_Budget]
    rows: list[_CyclesRow]


class _SpeedRow(_Row):
    what: str
    simulator: str
    cycles_per_second: _Count
    presentations_per_second: _Amount
    build_seconds: _Amount
    python_share: _Share
    differences: Literal[0]


class _SimulationSpeed(_Model):
    provenance: Origin
    processor: str
    rows: list[_SpeedRow]


class _Unit(_Row):
    unit: str
    instances: _Positive
    LUT4: _Count
    FF: _Count


class _SizeRow(_Row):
    target: Literal["ecp5", "ice40"]
    network: str
    store: str
    lanes: _Positive
    LUT4: _Count
    FF: _Count


class _Size(_Model):
    provenance: Origin
    budgets: list[_Budget]
    rows: list[_SizeRow]
    units: list[_Unit]


class _AblationRow(_Row):
    technology: str
    policy: str
    neurons: _Positive
    lanes: _Positive
    mode: _Mode
    artifact_hash: _Hash
    design: _Digest
    logic: _Positive | None = None
    units_logic: _Positive | None = None
    fmax_mhz: list[_Amount] | None = None
    cycles_per_presentation: _Amount | None = None


class _Ablation(_Model):
    provenance: Origin
    rows: list[_AblationRow]


class _Energy(_Row):
    technology: str
    voltage_v: _Amount
    mode: _Mode
    policy: str
    neurons: _Positive
    lanes: _Positive
    early_exit: _Count
    workload: str
    nj_per_presentation: _Amount
    sops_per_presentation: _Amount


class _PruningUnit(_Row):
    policy: str
    neurons: _Positive
    lanes: _Positive
    with_nj: _Amount
    without_nj: _Amount
    percent: float


class _Energies(_Model):
    provenance: Origin
    rows: list[_Energy]
    pruning_unit: list[_PruningUnit]
    technology: dict[str, Any]
    sensitivity: list[dict[str, Any]]


class _Area(_Row):
    technology: str
    mode: _Mode
    policy: str
    neurons: _Positive
    lanes: _Positive
    cells: _Positive
    cells_um2: _Amount
    nand2: _Amount
    memory_bits: _Count


class _Cells(_Model):
    provenance: Origin
    liberty: dict[Literal["name", "sha256"], str]
    assumptions: dict[str, float]
    ablation: list[_Area]
    energy: list[_Energy]
    pruning_unit: list[_PruningUnit]


class _Bitstream(_Model):
    provenance: Origin
    board: str
    device: str
    mode: _Mode
    neurons: _Positive
    lanes: _Positive
    store: str
    artifact_hash: _Hash
    refused: str | None = None
    lut: _Positive | None = None
    fmax_mhz: list[_Amount] | None = None
    clock_mhz: _Amount | None = None


class _Netlist(_Model):
    provenance: Origin
    board: str
    neurons: _Positive
    lanes: _Positive
    store: str
    cells: dict[str, int]
    images: _Positive
    cycles: _Positive
    differences: _Count
    seconds: _Count


class _Link(_Model):
    provenance: Origin
    frames: _Positive
    faults: dict[str, int]
    requests: _Positive
    wrong_accepted: _Count
    state_changed: _Count
    recovered: _Count


#: Form of the files of each kind.
SCHEMAS: dict[str, type[BaseModel]] = {
    "mnist": _Study,
    "reproduction": _Study,
    "lockstep": _Lockstep,
    "mutants": _Mutants,
    "engine-speed": _EngineSpeed,
    "bindsnet": _Bindsnet,
    "cycles": _Cycles,
    "simulation-speed": _SimulationSpeed,
    "size": _Size,
    "ablation": _Ablation,
    "energy": _Energies,
    "cells": _Cells,
    "bitstream": _Bitstream,
    "netlist": _Netlist,
    "link": _Link,
}


@dataclass(frozen=True, slots=True)
class Results:
    """A results file that has the form of its kind.

    Attributes
    ----------
    provenance : Origin
        Its header.
    content : dict
        All of it, as JSON.
    """

    provenance: Origin
    content: dict[str, Any]

    def origins(self) -> Iterator[Origin]:
        """Yield the header, and what rows say of themselves instead."""
        yield self.provenance
        lists = (rows for rows in self.content.values() if isinstance(rows, list))
        for row in (row for rows in lists for row in rows if isinstance(row, dict)):
            if "inputs" in row:
                own = {name: row[name] for name in ("command", "commit", "inputs") if name in row}
                yield self.provenance.model_copy(update=own)


def read(path: Path, kind: Kind) -> Results:
    """Read a results file and check its form.

    Parameters
    ----------
    path : Path
        The file.
    kind : Kind
        What it must be.

    Raises
    ------
    ResultsError
        If it is not JSON, of another kind, or a value is missing or wrong: the first is named.
    OSError
        If it can't be read.
    """
    try:
        content = json.loads(path.read_text())
        SCHEMAS[kind.name].model_validate(content)
        provenance = Origin.model_validate(content["provenance"])
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ResultsError(
            f"Results {path}: {where}: {first['msg']}; make them with `{kind.command}`"
        ) from e
    except ValueError as e:
        raise ResultsError(f"Results {path} must be JSON; make them with `{kind.command}`") from e
    if provenance.kind != kind.name:
        raise ResultsError(
            f"Results {path} must be of kind {kind.name}, not {provenance.kind}; make them with "
            f"`{kind.command}`"
        )
    return Results(provenance, content)
