"""What a graph of NIR says, if it is one layer of spiking neurons: shapes are found here.

NIR checks types of its own accord only in files that are as new as itself, so its check is left
out: scalars are for all neurons, and leading axes of a batch are dropped. Whatever is not one layer
without recurrence is refused in a sentence that names the node.
"""

from __future__ import annotations

from dataclasses import dataclass

import nir
import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import ExchangeError
from prunus_model.exchange.graph import check_dt
from prunus_model.exchange.simulate import FloatLayer
from prunus_model.exchange.topology import Chain, chain_of
from prunus_model.spec.formats import INPUTS_MAX, NEURONS_MAX, V_FIRE_BITS

__all__ = ["Leak", "Read", "leak_of", "read_layer"]

#: Relative error up to which a leak is a power of two: that of single precision, many times over.
_EXACT = 1e-5
#: Of all numbers: products of a few are still some.
_LARGEST = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """What a potential loses in a step.

    Attributes
    ----------
    share : float
        Share of it, as the graph has it.
    shift : int
        The nearest that a network can have is ``2**-shift``; 0 for none at all.
    """

    share: float
    shift: int

    @property
    def nearest(self) -> float:
        """The share that the shift gives."""
        return 2.0**-self.shift if self.shift else 0.0

    @property
    def exact(self) -> bool:
        """Whether that is the graph's, but for rounding."""
        return abs(self.nearest - self.share) <= _EXACT * self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One layer, as a graph has it.

    Attributes
    ----------
    layer : FloatLayer
        All parameters, for each neuron.
    leak : Leak
        That of all neurons.
    nodes : str
        Kinds of the nodes between input and output.
    """

    layer: FloatLayer
    leak: Leak
    nodes: str


def read_layer(graph: nir.NIRNode, *, dt: float, subtract: bool = False) -> Read:
    """Find the layer of a graph.

    Parameters
    ----------
    graph : nir.NIRNode
        As :func:`prunus_model.exchange.files.read_graph` returns it.
    dt : float
        Step in seconds, which NIR does not say.
    subtract : bool
        Whether the threshold is taken from a potential that exceeds it; NIR does not say this,
        either, and has a reset to ``v_reset``.

    Raises
    ------
    ExchangeError
        If it is no such layer, a parameter is no number or out of range, or shapes do not fit.
    """
    check_dt(dt)
    chain = chain_of(graph)
    name, neuron = chain.neuron
    weight, bias = _connection(chain)
    neurons, inputs = weight.shape

    def parameter(key: str) -> npt.NDArray[np.float64]:
        return _of_neurons(_numbers(name, neuron, key), neurons, f"{key} of node {name!r}")

    zeros = np.zeros(neurons)
    threshold, reset, r = (parameter(key) for key in ("v_threshold", "v_reset", "r"))
    leaks = not isinstance(neuron, nir.IF)
    # What NIR calls the time constant of the potential.
    key = "tau_mem" if isinstance(neuron, nir.CubaLIF) else "tau"
    v_leak, share, gain = zeros, zeros, r * dt
    if leaks:
        tau = parameter(key)
        _check(name, key, tau, tau > 0, "more than 0")
        v_leak, share, gain = parameter("v_leak"), dt / tau, r * dt / tau
        _check(name, key, tau, share <= 1, f"dt ({dt:g}) or more")
    if isinstance(neuron, nir.CubaLIF):
        # A current that is gone within a step is the spikes that make it.
        tau_syn = parameter("tau_syn")
        _check(
            name, "tau_syn", tau_syn, tau_syn <= dt * (1 + _EXACT), f"at most dt ({dt:g}), as "
            f"currents can't last for more than a step",
        )  # fmt: skip
        gain = gain * parameter("w_in")
    _check(name, "v_reset", reset, reset == 0, "0")
    _check(name, "v_threshold", threshold, threshold >= 0, "0 or more")
    if (share.max() - share.min()) > _EXACT * share.max():
        raise ExchangeError(
            f"{key} of node {name!r} must be equal for all neurons, which leak together, "
            f"not {dt / share.max():g} to {dt / share.min():g}"
        )
    _check_shapes(chain, inputs, neurons)
    layer = FloatLayer(
        weight=weight,
        bias=bias,
        leak=share,
        gain=gain,
        v_leak=v_leak,
        v_threshold=threshold,
        v_reset=reset,
        subtract=subtract,
    )
    return Read(layer=layer, leak=leak_of(float(share[0])), nodes=chain.kinds)


def leak_of(share: float) -> Leak:
    """Return the leak that is nearest to a share of the potential, 0..1.

    Examples
    --------
    >>> leak_of(0.1)
    Leak(share=0.1, shift=3)
    >>> leak_of(1e-9).shift, leak_of(0.0).exact
    (0, True)
    """
    allowed = {shift: 2.0**-shift for shift in range(1, V_FIRE_BITS + 1)} | {0: 0.0}
    return Leak(share=share, shift=min(allowed, key=lambda shift: abs(allowed[shift] - share)))


def _connection(chain: Chain) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return weights, shape (neurons, inputs), and bias, shape (neurons,)."""
    name, node = chain.connection
    weight = _without_batch(_numbers(name, node, "weight"), 2)
    if weight.ndim != 2 or not weight.size:
        raise ExchangeError(
            f"weight of node {name!r} must be a matrix of neurons x inputs, not of shape "
            f"{weight.shape}"
        )
    for what, count, most in zip(
        ("neurons", "inputs"), weight.shape, (NEURONS_MAX, INPUTS_MAX), strict=True
    ):
        if count > most:
            raise ExchangeError(
                f"weight of node {name!r} must have at most {most} {what}, not {count}"
            )
    neurons = len(weight)
    if isinstance(node, nir.Linear):
        return weight, np.zeros(neurons)
    return weight, _of_neurons(_numbers(name, node, "bias"), neurons, f"bias of node {name!r}")


def _numbers(name: str, node: nir.NIRNode, key: str) -> npt.NDArray[np.float64]:
    """Return a parameter as it is in the file."""
    try:
        values = np.asarray(getattr(node, key))
        if values.dtype.kind not in "fiub":
            raise TypeError
        numbers = values.astype(np.float64)
    except (TypeError, ValueError, AttributeError):
        raise ExchangeError(f"{key} of node {name!r} must be numbers") from None
    size = np.abs(numbers[numbers != 0])
    # What is no number is not in any range.
    if not ((size > 1 / _LARGEST) & (size < _LARGEST)).all():
        raise ExchangeError(
            f"{key} of node {name!r} must be numbers, all of them finite, and 0 or in "
            f"{1 / _LARGEST:g}..{_LARGEST:g}"
        )
    return numbers


def _without_batch(values: npt.NDArray[np.float64], dimensions: int) -> npt.NDArray[np.float64]:
    """Drop leading axes of length 1."""
    while values.ndim > dimensions and len(values) == 1:
        values = values[0]
    return values


def _of_neurons(
    values: npt.NDArray[np.float64], neurons: int, what: str
) -> npt.NDArray[np.float64]:
    """Return a value for each neuron."""
    if values.size == 1:
        return np.full(neurons, values.reshape(-1)[0])
    values = _without_batch(values, 1)
    if values.shape != (neurons,):
        raise ExchangeError(
            f"{what} must be one number, or one for each of {neurons} neurons, not of shape "
            f"{values.shape}"
        )
    return values


def _check(
    name: str, key: str, values: npt.NDArray[np.float64], good: npt.NDArray[np.bool_], must: str
) -> None:
    """Check a parameter of all neurons."""
    if not good.all():
        raise ExchangeError(f"{key} of node {name!r} must be {must}, not {values[~good][0]:g}")


def _check_shapes(chain: Chain, inputs: int, neurons: int) -> None:
    """Check what input and output say of themselves, if they do: batches may be in front."""
    for (name, shape), count in zip((chain.given, chain.taken), (inputs, neurons), strict=True):
        last = {int(np.prod(shape[start:])) for start in range(len(shape))}
        if shape and count not in last:
            raise ExchangeError(
                f"shape of node {name!r} must be of {count}, as node {chain.connection[0]!r} has "
                f"{inputs} inputs and {neurons} outputs, not {shape}"
            )
