"""Compiled kernels of the engine: one presentation, and many.

Nothing here decides anything: each kernel computes exactly what the reference's unit of the same
name does, in an order and in widths that suit a processor. Weights are kept twice: row-major by
input for the addition of rows, and by neuron for learning.
"""

from prunus_model.engine.integrate import integrate
from prunus_model.engine.layout import (
    ADAPTIVE,
    BLOCK,
    CONSTANT,
    FROZEN,
    LANES,
    LIFT,
    NO_SWEEP_PRUNING,
    PLASTIC,
    PRUNED,
    SOFT,
    Net,
    Params,
    Stimuli,
    View,
    Workspace,
)
from prunus_model.engine.present import (
    begin,
    infer_many,
    present,
    train_many,
)
from prunus_model.engine.streams import jump_tables

__all__ = [
    "ADAPTIVE",
    "BLOCK",
    "CONSTANT",
    "FROZEN",
    "LANES",
    "LIFT",
    "NO_SWEEP_PRUNING",
    "PLASTIC",
    "PRUNED",
    "SOFT",
    "Net",
    "Params",
    "Stimuli",
    "View",
    "Workspace",
    "begin",
    "infer_many",
    "integrate",
    "jump_tables",
    "present",
    "train_many",
]
