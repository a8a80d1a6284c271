"""What a self-test has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from prunus_boards.driver.deadline import Deadline
from prunus_model.common.errors import PrunusError

__all__ = ["FaultError", "Result", "SkipError", "Verdict", "check_time"]

#: Outcome of a test.
Verdict = Literal["ok", "failed", "skipped"]


class FaultError(PrunusError):
    """The device is not as it must be. The message says what was wrong, and where."""


class SkipError(PrunusError):
    """A test can't be done with this device, or with what is known. The message says why."""


@dataclass(slots=True, kw_only=True)
class Result:
    """Outcome of one test.

    Attributes
    ----------
    name : str
        What was tested.
    verdict : Verdict
        How it went.
    text : str
        One line: what was tested, what was wrong and where, or why it was skipped.
    seconds : float
        How long it took.
    figures : dict
        What was counted.
    """

    name: str
    verdict: Verdict
    text: str
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)


def check_time(deadline: Deadline, done: str) -> None:
    """End a test that has had its time.

    Raises
    ------
    FaultError
        If it has; ``done`` says how far it came.
    """
    if deadline.over:
        raise FaultError(
            f"not finished in {deadline.seconds:g} s ({done}); `--limit` gives it more"
        )
