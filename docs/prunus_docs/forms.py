"""Words that forms of results files are made of: keys by type, objects, rows, the header.

A form is a list of keys by type. A key that is not listed is refused: all that is measured is named
in the form of its kind.
"""

from __future__ import annotations

from types import GenericAlias
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from prunus_model.common.provenance import Input

__all__ = [
    "BUDGETS",
    "CORE",
    "Amount",
    "Count",
    "Digest",
    "Hash",
    "Header",
    "Mode",
    "Origin",
    "Positive",
    "Share",
    "file",
    "form",
    "keys",
    "may",
    "rows",
]

#: Types of keys.
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Amount = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{16}|[0-9a-f]{64}|unknown)$")]
_Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{12}(-dirty)?|unknown)$")]
_Inputs = Annotated[dict[Input, Digest], Field(min_length=1)]
Mode = Literal["learning", "inference"]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Origin(_Form):
    """Where results come from: the header of a file, or what a row says of itself instead."""

    kind: str
    command: Annotated[str, Field(min_length=1)]
    commit: _Commit
    tools: dict[str, str]
    inputs: _Inputs


class Header(BaseModel):
    """What every results file has, of whatever kind it is."""

    provenance: Origin


_Keys = dict[str, Any]


def keys(of: Any, names: str) -> _Keys:
    """Return keys that must be there, each of a type; ``names`` are divided by spaces."""
    return dict.fromkeys(names.split(), (of, ...))


def may(of: Any, names: str) -> _Keys:
    """Return keys that may be left out, or hold nothing."""
    return dict.fromkeys(names.split(), (of | None, None))


def form(*parts: _Keys) -> Any:
    """Return an object with all these keys."""
    fields: _Keys = {name: of for part in parts for name, of in part.items()}
    return create_model("Form", __base__=_Form, **fields)


def rows(*parts: _Keys) -> Any:
    """Return rows with all these keys; a row of other inputs than its file says of which."""
    own = may(str, "command") | may(_Commit, "commit") | may(_Inputs, "inputs")
    return Annotated[GenericAlias(list, (form(*parts, own),)), Field(min_length=1)]


def file(*parts: _Keys, **lists: Any) -> type[BaseModel]:
    """Return a file with a header, these keys, and these lists of rows."""
    made: type[BaseModel] = form(
        {"provenance": (Origin, ...)}, *parts, {name: (of, ...) for name, of in lists.items()}
    )
    return made


#: Figures that must be reached, and what came out.
BUDGETS = rows(
    keys(str, "figure"),
    keys(float, "must reach value"),
    keys(bool, "least"),
    keys(Literal["reached", "kept", "missed"], "verdict"),
)
#: What tells cores apart.
CORE = (keys(str, "policy"), keys(Positive, "neurons lanes"))
