"""Remake the sample of MNIST that comes with Prunus.

``python -m prunus_model.data.make_sample`` needs MNIST and overwrites the sample. The values
of :data:`prunus_model.data.datasets.SAMPLE_SHA256` must be those that it prints.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from prunus_model.data.datasets import SAMPLE_PATH, load

__all__ = ["COUNTS", "make"]

#: How many images are taken from the start of each split.
COUNTS = {"train": 2000, "test": 1000}


def make(path: Path) -> dict[str, str]:
    """Write the first images of MNIST to an archive; the same bytes every time.

    Parameters
    ----------
    path : Path
        File to write.

    Returns
    -------
    dict of str to str
        By split, :attr:`prunus_model.data.datasets.Split.sha256` of what was written.

    Raises
    ------
    DataError
        If MNIST is neither here nor can be downloaded.
    """
    train = load("mnist", "train").head(COUNTS["train"])
    test = load("mnist", "test").head(COUNTS["test"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, split in (("train", train), ("test", test)):
            images = split.images.reshape(-1, *split.image_shape)
            for field, array in (("images", images), ("labels", split.labels)):
                # np.savez would write the time of day and the operating system.
                info = zipfile.ZipInfo(f"{name}_{field}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                info.create_system = 3
                info.external_attr = 0o644 << 16
                member = io.BytesIO()
                np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
                archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return {"train": train.sha256, "test": test.sha256}


if __name__ == "__main__":
    for name, digest in make(SAMPLE_PATH).items():
        print(name, digest)
