"""Why energy does not fall as SOPs do: what of it belongs to synapses, and what does not."""

from __future__ import annotations

from prunus_overhead.energy.estimate import Charge, Estimate

__all__ = ["GROUPS", "groups"]

_SYNAPSES, _FINDING, _SWEEPS, _SPIKES, _LEARNING, _PRUNING, _READOUT = GROUPS = (
    "synapses",
    "finding them",
    "sweeps over neurons",
    "input spikes",
    "learning",
    "pruning",
    "readout",
)
_SWEPT = ("v_fire reads", "leak additions", "margin additions", "winner comparisons")


def groups(estimate: Estimate) -> dict[str, float]:
    """Return the energy of a presentation by what it is spent for.

    A charge that serves two purposes is divided by counts: of the accesses of potentials, those
    that belong to SOPs are as many as additions of weights; of the reads of weights, those that do,
    too; of those of rows, as many as of weights belong to the learning sweep.

    Parameters
    ----------
    estimate : Estimate
        Of class b.

    Returns
    -------
    dict of str to float
        Nanojoules, by :data:`GROUPS`; those that are 0 are left out.

    Raises
    ------
    ValueError
        If the estimate is of another class.
    """
    if estimate.energy_class != "b":
        raise ValueError(f"Estimate must be of class b, not {estimate.energy_class!r}")
    count = {charge.name: charge.count for charge in estimate.charges}
    added = count.get("integrate additions", 0.0)
    # Reads of the learning store that are for no SOP are those of the words that sweeps visit.
    visited = count["weights reads"] - added if count.get("age additions") else 0.0
    found = dict.fromkeys(GROUPS, 0.0)
    for charge in estimate.charges:
        group, part, rest = _purpose(charge, added, visited)
        found[group] += charge.nj * part / charge.count
        found[rest] += charge.nj * (1 - part / charge.count)
    return {name: nj for name, nj in found.items() if nj}


def _purpose(charge: Charge, added: float, visited: float) -> tuple[str, float, str]:
    """Return what a charge is for, how many of it are, and what the others are for."""
    name, every = charge.name, charge.count
    if charge.unit == _PRUNING:
        return _PRUNING, every, _PRUNING
    if name in ("v reads", "v writes"):
        return _SYNAPSES, added, _SWEEPS
    if name in ("weights reads", "entries reads"):
        return _SYNAPSES, every - visited, _LEARNING
    if name == "spram reads":
        return _SYNAPSES, added, _FINDING
    if name in ("rows reads", "row_pointers reads"):
        return _FINDING, every - visited, _LEARNING
    if name == "integrate additions":
        return _SYNAPSES, every, _SYNAPSES
    if name in _SWEPT:
        return _SWEEPS, every, _SWEEPS
    if charge.unit in ("encoder", "queue"):
        return _SPIKES, every, _SPIKES
    if charge.unit == "readout":
        return _READOUT, every, _READOUT
    return _LEARNING, every, _LEARNING
