"""How bright images are, and what follows for the encoder: spikes to be expected, and its gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prunus_model.spec.encoder import EncoderParams
from prunus_model.spec.formats import GAIN_BITS, max_of
from prunus_model.spec.levels import levels

__all__ = ["Brightness"]

#: All presets were found with MNIST, whose training images have this mean level, and this gain.
_MEAN, _GAIN = 33.32, 100
_WHITE = 255
#: Share of the lit pixels that may be brighter than what is taken for white.
_OUTLIERS = 0.001
#: Images are far too dark if the suggested gain is so many times the one that they have.
_DIM = 2
#: Their background is bright if half of the levels after the gain are so high: half of the inputs
#: then spike in one of eight steps or more often.
_BRIGHT = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Brightness:
    """Grey levels of a set of images, by how many pixels have each.

    Attributes
    ----------
    counts : ndarray of int64, shape (256,)
        Pixels of each level.
    images : int
        Images that they are of.
    """

    counts: npt.NDArray[np.int64]
    images: int

    @classmethod
    def of(cls, pixels: npt.NDArray[np.uint8]) -> Brightness:
        """Count the pixels of images, uint8, shape (n, pixels)."""
        counts = np.zeros(256, np.int64)
        for image in np.array_split(pixels.ravel(), max(1, pixels.size >> 22)):
            counts += np.bincount(image, minlength=256)
        return cls(counts=counts, images=len(pixels))

    @property
    def darkest(self) -> int:
        """Lowest level."""
        return int(np.flatnonzero(self.counts)[0])

    @property
    def brightest(self) -> int:
        """Highest level."""
        return int(np.flatnonzero(self.counts)[-1])

    @property
    def mean(self) -> float:
        """Mean level."""
        return float(self.counts @ np.arange(256) / self.counts.sum())

    @property
    def median(self) -> int:
        """Highest level that at least half of the pixels have or exceed."""
        return int(np.flatnonzero(self.counts[::-1].cumsum()[::-1] * 2 >= self.counts.sum())[-1])

    def spikes(self, params: EncoderParams) -> float:
        """Return the input spikes of a presentation that are to be expected, of grey levels."""
        of = levels(np.arange(256, dtype=np.uint8), EncoderParams(gain=params.gain))
        return float(params.steps * (self.counts @ of.astype(np.int64)) / 256 / self.images)

    @property
    def suggested_gain(self) -> int:
        """``encoder.gain`` with which inputs spike as often as those of MNIST do with 100.

        The smaller one of two: with the first, white spikes as often (white is the level that a
        thousandth of the lit pixels exceed); with the second, all inputs do on average.
        """
        if not self.brightest:
            return _GAIN
        gain = _GAIN * min(_WHITE / self._white, _MEAN / self.mean)
        return min(max(round(gain), 1), max_of(GAIN_BITS))

    @property
    def _white(self) -> int:
        lit = self.counts[1:].cumsum()
        return 1 + int(np.searchsorted(lit, lit[-1] * (1 - _OUTLIERS)))

    def doubts(self, what: str, params: EncoderParams) -> list[str]:
        """Return what is odd, one line each; ``what`` is how messages call the images."""
        if self.brightest == 0:
            return [f"All pixels of {what} are black"]
        white, gain = self._white, self.suggested_gain
        # Whoever chose a low gain for images that have white knows that.
        if gain >= _DIM * params.gain and white < _WHITE:
            few = "No" if white == self.brightest else "Hardly any"
            told = f"{few} pixel of {what} is above {white}: is {white} white? Here white is 255; "
            return [f"{told}encoder.gain={gain} would make up for it"]
        if self.median * params.gain >> 8 >= _BRIGHT:
            told = f"Half of the pixels of {what} are at {self.median} of 255 or above, "
            return [f"{told}a bright background: exchange light and dark, or encoder.gain={gain}"]
        return []
