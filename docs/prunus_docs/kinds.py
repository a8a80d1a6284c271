"""Kinds of results, from `results.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from prunus_model.common.provenance import Input

__all__ = ["Kind", "kinds"]


class Kind(BaseModel):
    """A kind of results; as `results.toml` explains."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    files: str
    inputs: Annotated[list[Input], Field(min_length=1)]
    strict: Literal["current", "dated"]
    command: str
    minutes: Annotated[int, Field(gt=0)]

    def paths(self, root: Path) -> list[Path]:
        """Return the files that are there, in order."""
        return sorted(root.glob(self.files))


@cache
def kinds() -> dict[str, Kind]:
    """Return all kinds, by name.

    Raises
    ------
    pydantic.ValidationError
        If one has not what it must have.
    """
    text = (files("prunus_docs") / "results.toml").read_text(encoding="utf-8")
    return {name: Kind(name=name, **entry) for name, entry in tomllib.loads(text).items()}
