import re

import numpy as np
import pytest

from prunus_model.training.history import HISTORY_FIELDS, QUANTILES, History, percentiles

ROW: dict[str, int | list[int]] = {
    name: list(range(len(QUANTILES))) if name == "w_prune" else n
    for n, name in enumerate(HISTORY_FIELDS, start=1)
}


def test_empty_history_is_consistent() -> None:
    history = History.empty()
    history.check()
    assert len(history) == 0
    assert history.w_prune.shape == (0, 7)


def test_rows_are_appended_and_the_older_history_is_kept() -> None:
    empty = History.empty()
    one = empty.extended({**ROW, "correct": -1})
    two = one.extended({**ROW, "correct": 1})
    two.check()
    assert (len(empty), len(one), len(two)) == (0, 1, 2)
    assert two.correct.tolist() == [-1, 1]
    assert two.update_dense.tolist() == [8, 8]
    assert two.w_prune.tolist() == [[0, 1, 2, 3, 4, 5, 6]] * 2


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (
            "plastic",
            [[1]],
            "history of plastic must be int64 of shape (1,), not int64 of shape (1, 1)",
        ),
        ("w_prune", [[1]], "history of w_prune must be int64 of shape (1, 7), not int64 of shape"),
        (
            "plastic",
            [1.0],
            "history of plastic must be int64 of shape (1,), not float64 of shape (1,)",
        ),
        ("plastic", [-1], "history of plastic must be at least 0, not -1"),
        ("presentations", [0], "history of presentations must be at least 1, not 0"),
        ("correct", [-2], "history of correct must be at least -1, not -2"),
        ("correct", [2], "history of correct must be at most that of presentations"),
    ],
)
def test_inconsistent_history_is_refused(name: str, array: list[float], message: str) -> None:
    history = History.empty().extended({**ROW, "correct": -1})
    setattr(history, name, np.array(array))
    with pytest.raises(ValueError, match=re.escape(message)):
        history.check()


def test_percentiles_are_values_that_occur() -> None:
    assert percentiles(np.array([5], dtype=np.int64)) == [5] * 7
    assert percentiles(np.array([9, 1], dtype=np.int64)) == [1, 1, 1, 1, 1, 1, 9]
    assert percentiles(np.arange(101, dtype=np.int64)[::-1]) == list(QUANTILES)
