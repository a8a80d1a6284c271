"""The state of a core from the simulator's memories, behind the back of the design."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prunus_model.spec.formats import RATE_BITS, STEP_BITS
from prunus_model.spec.state import NO_STEP
from prunus_rtl.bus.spaces import plain_values, spaces, weight_values
from prunus_rtl.hardware import Space
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.shapes import Shapes
from prunus_rtl.synapses.memory import SPRAM_NAME

__all__ = ["StateArrays", "gather"]

#: State variables (and votes) by name.
StateArrays = dict[str, npt.NDArray[np.int64]]


def gather(shapes: Shapes, memories: dict[str, list[int]]) -> StateArrays:
    """Put together what the lanes hold.

    Parameters
    ----------
    shapes : Shapes
        Network and hardware.
    memories : dict of str to list of int
        Words of each memory and register, by the names of
        :class:`prunus_sim.simulator.netlist.Design`.
    """
    network, lanes = shapes.network, shapes.hardware.lanes
    neurons, slots, groups = network.neurons, shapes.slots, network.group_count
    each = shapes.hardware.sweep_inputs
    found = StateArrays()

    def spread(columns: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
        """Interleave lanes, and drop the neurons that do not exist."""
        stacked = np.stack(columns, axis=-1)
        return stacked.reshape(*stacked.shape[:-2], -1)[..., :neurons]

    def of_lanes(name: str) -> list[list[int]]:
        return [memories[name.format(k)] for k in range(lanes)]

    if shapes.hardware.store == "learning":
        weights = [
            _weights(shapes, np.array(_split(words, bits=network.weight_bits, each=each)))
            for words in of_lanes("store{}.weights")
        ]
        found["weights"] = weight_values(shapes, spread(weights))
        rows = [
            np.array(
                [
                    [row >> slot & 1 for slot in range(slots)]
                    for row in _of_rows(shapes, _split(words, bits=slots, each=each))
                ],
                dtype=np.int64,
            )
            for words in of_lanes("store{}.alive")
        ]
        found["alive"] = spread(rows)
    if shapes.store is not None and Space.STORE in spaces(shapes):
        found["store"] = _store(shapes.store, memories)
    v = np.array(of_lanes("membrane.lane{}.v"), dtype=np.int64)
    if shapes.feedforward:
        bias = np.array(of_lanes("membrane.lane{}.bias"), dtype=np.int64)
        found["bias"] = plain_values(shapes, Space.BIAS, spread(list(bias)))
        found["v"] = plain_values(shapes, Space.V, spread(list(v)))
    else:
        epoch, v_bits = memories["membrane.epoch"][0], shapes.v.width
        found["v"] = spread(list(np.where(v >> v_bits == epoch, v & ((1 << v_bits) - 1), 0)))
    # Each group begins at a multiple of a power of 2.
    v_fire = np.zeros((lanes, groups << shapes.slot_bits), dtype=np.int64)
    of_groups = np.array(of_lanes("membrane.lane{}.v_fire"), dtype=np.int64)
    v_fire[:, : of_groups.shape[1]] = of_groups
    v_fire = v_fire.reshape(lanes, groups, -1)[:, :, :slots]
    found["v_fire"] = spread(list(v_fire)).ravel()
    found["presentation"] = np.array(memories["stream_key.presentation"], dtype=np.int64)
    votes = np.array(memories["readout.votes"], dtype=np.int64)
    found["votes"] = votes.reshape(network.readout.classes, network.all_neurons).T
    if shapes.hardware.learn:
        for name in ("theta", "strength", "post_count"):
            found[name] = np.array(memories[f"learning.homeostasis.{name}"], dtype=np.int64)
        if shapes.lift:
            rates = _split(memories["learning.lift"], bits=RATE_BITS, each=each)
            found["input_rate"] = np.array(_of_rows(shapes, rates), dtype=np.int64)
        banks = [
            memories[f"learning.last_step.bank{k}" if each > 1 else "learning.last_step"]
            for k in range(each)
        ]
        words = np.array(banks, dtype=np.int64).T.ravel()[: network.inputs]
        found["last_step"] = np.where(words >> STEP_BITS, words & ((1 << STEP_BITS) - 1), NO_STEP)
    return found


def _split(words: list[int], *, bits: int, each: int) -> list[int]:
    """Return the values of words of several, the lowest first."""
    mask = (1 << bits) - 1
    return [word >> bits * k & mask for word in words for k in range(each)]


def _of_rows(shapes: Shapes, values: list[int]) -> list[int]:
    """Return values of all places of rows without those that fill up the words of a group."""
    stride, inputs = shapes.row_stride, shapes.network.inputs
    return [value for place, value in enumerate(values) if place % stride < inputs]


def _weights(shapes: Shapes, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the weights of a lane, by row and slot; in a word are inputs of one slot."""
    words = values.reshape(-1, shapes.slots, shapes.hardware.sweep_inputs).transpose(0, 2, 1)
    of_groups = words.reshape(-1, shapes.row_stride, shapes.slots)[:, : shapes.network.inputs]
    return of_groups.reshape(-1, shapes.slots)


def _store(layout: StoreLayout, memories: dict[str, list[int]]) -> npt.NDArray[np.int64]:
    """Put together the words of the packed store, in the order of their addresses."""
    words: list[int] = []
    for lane, depths in enumerate(layout.depths):
        for name, depth in zip(layout.fields, depths, strict=True):
            memory = _banks(memories, f"store{lane}.{name}")
            # CSR in SPRAM: entries from the front, row pointers from the back.
            joint = name == "row_pointers" and not memory
            memory = memory or memories[f"store{lane}.{SPRAM_NAME}"]
            words += memory[: -depth - 1 : -1] if joint else memory[:depth]
    return np.array(words, dtype=np.int64)


def _banks(memories: dict[str, list[int]], name: str) -> list[int]:
    """Return the words of all banks of a memory of the packed store; none if it is not there."""
    words: list[int] = []
    bank = memories.get(name)
    number = 0
    while bank is not None:
        words += bank
        number += 1
        bank = memories.get(f"{name}.memory{number}")
    return words
