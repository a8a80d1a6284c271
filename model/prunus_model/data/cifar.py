"""CIFAR-10 and CIFAR-100 in their binary version.

The version for Python is pickled: reading it can run any program that somebody put there. It is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal
from prunus_model.data.arrays import Raw, Reader
from prunus_model.data.split import SplitName, order_for

__all__ = ["find", "is_binary"]

_SIDE, _CHANNELS = 32, 3
_PIXELS = _SIDE * _SIDE * _CHANNELS
#: By split, the files; labels in front of an image, of which the last is taken; names of classes.
_VERSIONS: tuple[tuple[Mapping[SplitName, str], int, str], ...] = (
    ({"train": "data_batch_?.bin", "test": "test_batch.bin"}, 1, "batches.meta.txt"),
    ({"train": "train.bin", "test": "test.bin"}, 2, "fine_label_names.txt"),
)
_PICKLED = ("data_batch_1", "test_batch", "batches.meta")


def is_binary(folder: Path) -> bool:
    """Return whether a folder has files of the binary version."""
    return any(any(_files(folder, files).values()) for files, _, _ in _VERSIONS)


def find(folder: Path) -> Reader | None:
    """Return what reads the files of a folder; None if it has none of CIFAR.

    Raises
    ------
    DataError
        If it has the version for Python only.
    """
    for files, labels, names in _VERSIONS:
        found = _files(folder, files)
        if any(found.values()):
            return _reader(folder, found, labels, folder / names)
    if any((folder / name).is_file() for name in _PICKLED):
        raise DataError(
            f"Folder {folder} must be the binary version of CIFAR (cifar-10-binary.tar.gz), "
            "not the one for Python, which is pickled and can run any program"
        )
    return None


def _files(folder: Path, patterns: Mapping[SplitName, str]) -> dict[SplitName, list[Path]]:
    return {split: sorted(folder.glob(pattern)) for split, pattern in patterns.items()}


def _reader(folder: Path, found: dict[SplitName, list[Path]], labels: int, names: Path) -> Reader:
    def read(split: SplitName) -> Raw:
        used = next(s for s in order_for(split) if found[s])
        size = sum(path.stat().st_size for path in found[used])
        if wrong := memory_refusal(size):
            raise DataError(f"Folder {folder} {wrong}")
        content = b"".join(path.read_bytes() for path in found[used])
        if not content or len(content) % (labels + _PIXELS):
            raise DataError(
                f"Files {used} of {folder} must hold {labels + _PIXELS} bytes for each image, "
                f"not {len(content)}"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, labels + _PIXELS)
        images = records[:, labels:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
        return Raw(
            name=f"{folder} {used}",
            images=np.moveaxis(images, 1, 3),
            labels=records[:, labels - 1],
            images_name=f"Images of {folder}",
            labels_name=f"Labels of {folder}",
            fallback=used != split,
            class_names=tuple(names.read_text().split()) if names.is_file() else (),
        )

    return read
