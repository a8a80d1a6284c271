"""What the registers say of a core, as integers: no gateware."""

from __future__ import annotations

from collections.abc import Mapping

from prunus_model.common.errors import ConfigError
from prunus_rtl.bus.registers import REGISTERS, register
from prunus_rtl.bus.spaces import spaces
from prunus_rtl.widths import Widths

__all__ = ["HASH_BYTES", "SPIKE_ROOM", "check_map", "hash_words", "parameters", "spike_room"]

#: Bytes of the content hash of a network.
HASH_BYTES = 4 * sum(entry.name.startswith("HASH") for entry in REGISTERS)

#: Output spikes that wait for a program on a bus; with the end of a presentation, 2,048 words. More
#: than any network with a winner has in the presentations of `prunus config`.
SPIKE_ROOM = 2047


def spike_room(widths: Widths, *, limit: int = SPIKE_ROOM) -> int:
    """Return how many output spikes ``SPIKE`` holds: those of a presentation, or ``limit``."""
    return min(widths.network.presentation_spikes(), limit)


def parameters(widths: Widths, *, streams: bool, limit: int = SPIKE_ROOM) -> dict[str, int]:
    """Return the values of the registers that never change, from ``ID`` to ``SPIKE_ROOM``."""
    network, hardware = widths.network, widths.hardware
    capability = {
        "learn": hardware.learn,
        "events": hardware.source == "events",
        "packed": hardware.store == "packed",
        "streams": streams,
        "refractory": widths.refractory,
        "lift": widths.lift,
        "blank": hardware.spram,
        "feedforward": network.feedforward is not None,
    }
    fields = register("CAPABILITY").fields
    return {
        "ID": register("ID").fields[0].reset or 0,
        "VERSION": register("VERSION").fields[0].reset or 0,
        "CAPABILITY": sum(capability[field.name] << field.lsb for field in fields),
        "INPUTS": network.image_levels if hardware.source == "levels" else network.inputs,
        "NEURONS": network.all_neurons,
        "STEPS": network.encoder.steps,
        "VIEWS": network.view_count,
        "GROUPS": network.group_count,
        "LANES": hardware.lanes,
        "CLASSES": network.readout.classes,
        "MAX_SPIKES": network.presentation_spikes(),
        "SPIKE_ROOM": spike_room(widths, limit=limit),
    }


def hash_words(network: bytes) -> list[int]:
    """Return the words of ``HASH0`` and the following.

    Raises
    ------
    ValueError
        If the hash is not one.

    Examples
    --------
    >>> hex(hash_words(bytes(range(32)))[1])
    '0x4050607'
    """
    if len(network) != HASH_BYTES:
        raise ValueError(f"Hash of the network must be {HASH_BYTES} bytes, not {len(network)}")
    return [int.from_bytes(network[k : k + 4], "big") for k in range(0, HASH_BYTES, 4)]


def check_map(widths: Widths, counters: Mapping[str, int]) -> None:
    """Check that all numbers of a core fit into their registers.

    Parameters
    ----------
    widths : Widths
        Of the core.
    counters : mapping of str to int
        Widths of its counts.

    Raises
    ------
    ConfigError
        If one does not.
    """
    spike = register("SPIKE")
    room = {
        "address of the memory port": (
            max(width for width, _, _ in spaces(widths).values()),
            register("MEMORY_ADDRESS").field("address").width,
        ),
        "number of an input": (
            # One number more, which names no input.
            widths.network.inputs.bit_length(),
            register("EVENT").field("input").width,
        ),
        "number of a neuron": (widths.neuron_bits, spike.field("neuron").width),
        "number of a class": (
            widths.prediction_bits,
            register("RESULT").field("prediction").width,
        ),
        "number of levels of an image": (
            widths.network.image_levels.bit_length(),
            register("ROOM").fields[0].width // 2,
        ),
    }
    room |= {
        f"count {name}": (bits, 64 if name == "forward_sops" else 32)
        for name, bits in counters.items()
    }
    for what, (bits, most) in room.items():
        if bits > most:
            raise ConfigError(f"{what} must have at most {most} bits behind a bus, not {bits}")
