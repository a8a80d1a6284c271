"""Memory of the core for a configuration: what stands for its area."""

from __future__ import annotations

from prunus_model.common.errors import ConfigError
from prunus_model.spec.config import NetworkConfig
from prunus_rtl.counts.memories import memories
from prunus_rtl.export.plan import LANES
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.widths import Widths

__all__ = ["memory_bits"]


def memory_bits(config: NetworkConfig, synapses: int, *, lanes: int | None = None) -> int:
    """Return the bits of all memories of a core that infers, in the smallest of the store formats.

    The lanes share the synapses evenly, as they do when a core is generated with ``--balanced``.
    Memory is most of the area of a core, and the part that a network decides; its logic goes with
    the lanes.

    Parameters
    ----------
    config : NetworkConfig
        The network, with the readout that it is tested with.
    synapses : int
        Synapses that the store has to hold.
    lanes : int, optional
        Lanes of the core. Default: 16, or fewer if there are fewer neurons.

    Raises
    ------
    ConfigError
        If the core cannot carry the network.

    Examples
    --------
    >>> demo = NetworkConfig.named("demo")
    >>> [memory_bits(demo, synapses) for synapses in (78_400, 20_000)]
    [817688, 398136]
    """
    lanes = lanes or min(LANES, 1 << config.neurons.bit_length() - 1)
    try:
        hardware = HardwareConfig(lanes=lanes, learn=False, store="packed")
    except ValueError as e:
        raise ConfigError(f"lanes must be 1, 2, 4, 8, 16, 32 or 64, not {lanes}") from e
    hardware.check(config)
    return min(
        sum(
            memory.bits
            for memory in memories(
                Widths(
                    network=config,
                    hardware=hardware,
                    store=_layout(name, config, synapses, hardware),
                )
            )
        )
        for name in FORMATS
    )


def _layout(
    name: str, config: NetworkConfig, synapses: int, hardware: HardwareConfig
) -> StoreLayout:
    """Return the store of a format when the lanes share the synapses evenly."""
    slots, lanes = hardware.slots(config), hardware.lanes
    *first, last = FORMATS[name].depths(inputs=config.rows, slots=slots)
    # Of a single memory no word can be left out.
    shares = [max(1, (synapses + lanes - 1 - lane) // lanes) for lane in range(lanes)]
    return StoreLayout(
        format=name,
        inputs=config.rows,
        slots=slots,
        weight_bits=config.weight_bits,
        depths=tuple((*first, share) if first else (last,) for share in shares),
        flagged=synapses < config.rows * slots * lanes,
    )
