"""Which views of which presentations make a core that learns compute its thresholds anew."""

from __future__ import annotations

from prunus_model.spec.formats import PRESENTATION_BITS, max_of
from prunus_rtl.widths import Widths, theta_decays

__all__ = ["StaleThresholds"]


class StaleThresholds:
    """Groups whose firing thresholds may not be those that follow from ``theta`` and strengths.

    It follows what the core does (:class:`prunus_rtl.neurons.threshold.Homeostasis`), and begins
    as the core does after reset.

    Parameters
    ----------
    widths : Widths
        Of the core. One that does not learn never computes a threshold.

    Examples
    --------
    >>> from prunus_model.spec.config import NetworkConfig
    >>> from prunus_rtl.hardware import HardwareConfig
    >>> widths = Widths(network=NetworkConfig.named("tiny"), hardware=HardwareConfig(lanes=1))
    >>> stale = StaleThresholds(widths)
    >>> stale.show(learn=False, number=0), stale.show(learn=False, number=1)
    ((True,), (False,))
    >>> stale.show(learn=True, number=2)
    (True,)
    """

    def __init__(self, widths: Widths) -> None:
        self._widths = widths
        self._groups: set[int] = set()
        self.spoil()

    def spoil(self) -> None:
        """Take all groups as stale: reset, or ``theta``, strength or threshold by memory port."""
        if self._widths.hardware.learn:
            self._groups = set(range(self._widths.network.group_count))

    def show(self, *, learn: bool, number: int, views: int = 1) -> tuple[bool, ...]:
        """Return for each view of a presentation whether all thresholds of its group are computed.

        Parameters
        ----------
        learn : bool
            Whether it learns.
        number : int
            Its number; of a larger one the core has the low bits.
        views : int
            Views that are shown.
        """
        network = self._widths.network
        decays = theta_decays(network.homeostasis)
        decays = decays and learn and number & max_of(PRESENTATION_BITS) != 0
        found = []
        for view in range(views):
            group = view % network.group_count
            found.append(decays or group in self._groups)
            self._groups.discard(group)
        return tuple(found)
