"""Address spaces of the memory port, as integers: no gateware."""

from __future__ import annotations

from collections.abc import Mapping

from prunus_model.spec.formats import (
    COACTIVITY_BITS,
    POST_COUNT_BITS,
    PRESENTATION_BITS,
    STEP_BITS,
    THETA_BITS,
    V_FIRE_BITS,
)
from prunus_rtl.hardware import Space
from prunus_rtl.widths import Widths

__all__ = ["DATA_BITS", "PLAIN_SPACES", "SPACE_BITS", "spaces"]

#: Width of a word of the memory port.
DATA_BITS = 32
#: Width of the number of an address space.
SPACE_BITS = 4

#: Spaces whose words are a state variable as it is, in the order of its indices.
PLAIN_SPACES: Mapping[Space, str] = {
    Space.THETA: "theta",
    Space.STRENGTH: "strength",
    Space.POST_COUNT: "post_count",
    Space.V: "v",
    Space.V_FIRE: "v_fire",
    Space.COACTIVITY: "coactivity",
}


def spaces(widths: Widths) -> dict[Space, tuple[int, int, int]]:
    """Return the address spaces of a core: width of address and word, and number of addresses.

    The addresses of ``SYNAPSES`` and ``STORE`` have parts, each with a range of its own; their
    number counts the gaps in. A packed store with words wider than :data:`DATA_BITS` (format
    ``bitmask``, many slots) is out of reach.
    """
    s, formats = widths, widths.network.formats
    inputs, neurons = s.network.inputs, s.network.neurons
    votes = neurons * s.network.readout.classes
    found = {
        Space.V: (s.post_bits, formats.v_bits, neurons),
        Space.V_FIRE: (s.post_bits, V_FIRE_BITS, neurons),
        Space.PRESENTATION: (0, PRESENTATION_BITS, 1),
        Space.VOTES: ((votes - 1).bit_length(), s.network.readout.vote_bits, votes),
    }
    if s.hardware.store == "learning":
        # Neuron in the low bits of the address; the weight in the low bits of the word, and alive.
        address, word = s.post_bits + s.pre_bits, s.network.weight_bits + 1
        found[Space.SYNAPSES] = (address, word, (inputs - 1 << s.post_bits) + neurons)
    if s.store is not None and s.store.width <= DATA_BITS:
        found[Space.STORE] = (s.store.address_bits, s.store.width, s.store.end)
    if s.hardware.learn:
        found |= {
            Space.THETA: (s.post_bits, THETA_BITS, neurons),
            Space.STRENGTH: (s.post_bits, formats.strength_bits, neurons),
            Space.POST_COUNT: (s.post_bits, POST_COUNT_BITS, neurons),
            Space.LAST_STEP: (s.pre_bits, STEP_BITS + 1, inputs),
        }
    if s.redundancy:
        found[Space.COACTIVITY] = (s.pre_bits, COACTIVITY_BITS, inputs)
    return dict(sorted(found.items()))
