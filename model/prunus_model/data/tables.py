"""Images and labels in tables: one line per image, values apart by comma, semicolon, tab or space.

Which column the labels are in: the one that a heading calls ``label``. Without such a heading, the
first or the last: the one of them that has whole numbers in 0..255, at least two different ones.
If both have, the file is refused: only a heading can tell. In a column that is headed ``label``
classes may be words; then they are numbered in the order of the words of the training.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from prunus_model.common.errors import DataError
from prunus_model.common.reading import memory_refusal, refusal
from prunus_model.data.arrays import Raw, whole_numbers
from prunus_model.data.class_names import check_words

__all__ = ["ENDINGS", "read_table"]

#: By which a table is known.
ENDINGS = (".csv", ".tsv", ".txt")
_LABEL = "label"
#: A comment in a line with words. What follows a character is no comment: C# is a word.
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
#: Bytes in memory of a byte in the file: a value takes two at least, and becomes a float of 8.
_GROWTH = 4


def read_table(path: Path, *, name: str = "", fallback: bool = False) -> Raw:
    """Read a table.

    Parameters
    ----------
    path : Path
        Text in UTF-8. The first line may be a heading.
    name : str
        As of :class:`prunus_model.data.arrays.Raw`; default: the file's.
    fallback : bool
        As of :class:`prunus_model.data.arrays.Raw`.

    Raises
    ------
    DataError
        If the file is missing, empty or too large, has anything but numbers and words as labels,
        or lines of different lengths, or if the column of the labels can't be told.
    """
    if wrong := refusal(path) or memory_refusal(_GROWTH * path.stat().st_size):
        raise DataError(f"File {path} {wrong}")
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline().strip(" \r\n")
            separator = next((s for s in ",;\t" if s in first), None)
            heading = [field.strip().strip('"').lower() for field in first.split(separator)]
            has_heading = any(not _is_number(field) for field in heading)
            values, words = _values(file, file.tell() if has_heading else 0, separator, heading)
    except UnicodeDecodeError as e:
        raise DataError(f"File {path} must be text in UTF-8") from e
    except ValueError as e:
        raise DataError(
            f"File {path} must have {_wrong(path, separator, heading if has_heading else [])}"
        ) from e
    except OSError as e:
        raise DataError(f"File {path} must be readable, not: {e.strerror}") from e
    if values.shape[0] == 0 or values.shape[1] < 2:
        raise DataError(
            f"File {path} must have lines of a label and at least one value, "
            f"not {values.shape[0]} lines of {values.shape[1]}"
        )
    column, told = _label_column(path, heading if has_heading else [], values)
    labels = whole_numbers(values[:, column])
    labels_name = f"Column {column + 1} of {path}, the labels,"
    if words:
        check_words(words, labels_name)
    return Raw(
        name=name or str(path),
        images=whole_numbers(np.delete(values, column, axis=1)),
        labels=np.array(words)[labels] if words else labels,
        images_name=f"File {path}",
        labels_name=labels_name,
        fallback=fallback,
        notes=(f"Labels of {path} are in the {told}",),
    )


def _values(
    file: TextIO, start: int, separator: str | None, heading: list[str]
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Return all values, shape (lines, columns), and the words of the labels, if they are words.

    Words stand in the values as their places in this list.
    """
    words: dict[str, int] = {}

    def place(field: str) -> int:
        if not (word := _word(field)) or _is_number(word):
            raise ValueError
        return words.setdefault(word, len(words))

    file.seek(start)
    with warnings.catch_warnings(action="ignore"):
        try:
            return np.loadtxt(file, delimiter=separator, ndmin=2), []
        except UnicodeDecodeError:
            raise
        except ValueError:
            if heading.count(_LABEL) != 1:
                raise
        file.seek(start)
        by_column: dict[int | str, Callable[[str], Any]] = {heading.index(_LABEL): place}
        lines = (_COMMENT.sub("", line) for line in file)
        values = np.loadtxt(
            lines, delimiter=separator, ndmin=2, converters=by_column, comments=None
        )
    return values, list(words)


def _word(field: str) -> str:
    return field.strip().strip('"').strip()


def _label_column(path: Path, heading: list[str], values: npt.NDArray[Any]) -> tuple[int, str]:
    """Return the index of the column, and words for it."""
    if (count := heading.count(_LABEL)) == 1:
        column = heading.index(_LABEL)
        return column, f"column {column + 1}, {_LABEL!r}"
    if count:
        raise DataError(f"File {path} must have one column {_LABEL!r}, not {count}")
    last = values.shape[1] - 1
    found = [column for column in (0, last) if _may_be_labels(values[:, column])]
    if len(found) != 1:
        either = "both" if found else "neither"
        raise DataError(
            f"File {path} must have labels, whole numbers in 0..255, in the first or the last "
            f"column, and {either} may be: head the column with {_LABEL!r}"
        )
    return found[0], "last column" if found[0] else "first column"


def _may_be_labels(values: npt.NDArray[Any]) -> bool:
    whole = whole_numbers(values)
    return bool(
        whole.dtype.kind == "i" and whole.min() >= 0 and whole.max() <= 255 and np.ptp(whole) > 0
    )


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _wrong(path: Path, separator: str | None, heading: list[str]) -> str:
    """Find the first line that is wrong; return what it should be, as the end of a message."""
    length, first = 0, ""
    labels = heading.index(_LABEL) + 1 if heading.count(_LABEL) == 1 else 0
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            text = _COMMENT.sub("", line) if labels else line.split("#")[0]
            fields = text.strip(" \r\n").split(separator)
            if fields in ([], [""]) or (number == 1 and heading):
                continue
            for column, field in enumerate(fields, 1):
                if column == labels and (word := _word(field)):
                    first = first or word
                    right = _is_number(word) == _is_number(first)
                else:
                    right = _is_number(field)
                if not right:
                    return (
                        f"numbers only, and words only in a column headed {_LABEL!r}, "
                        f"not {field.strip()[:40]!r} in line {number}, column {column}"
                    )
            length = length or len(fields)
            if len(fields) != length:
                return f"{length} values in each line, not {len(fields)} in line {number}"
    return "numbers that can be read"
