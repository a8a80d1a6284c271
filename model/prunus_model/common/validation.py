"""How pydantic checks, and what it finds wrong: one line for each mistake, for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import ConfigDict, ValidationError

__all__ = ["STRICT", "validation_messages"]

#: Of dataclasses that files fill: no unknown keys, no value turned into another type.
STRICT = ConfigDict(extra="forbid", strict=True)


def validation_messages(
    error: ValidationError, *, branches: Mapping[str, Collection[str]] | None = None
) -> list[str]:
    """Return one message for each mistake, each naming its key.

    Parameters
    ----------
    error : pydantic.ValidationError
        What was found.
    branches : mapping, optional
        For each key that is a union by ``policy``, the names of its branches. Pydantic adds the
        name of the branch to the path; the user has no such key.

    Returns
    -------
    list of str
    """
    branches = branches or {}
    found = []
    for e in error.errors(include_url=False):
        path = [str(part) for part in e["loc"]]
        if len(path) > 1 and path[1] in branches.get(path[0], ()):
            del path[1]
        key = ".".join(path)
        match e["type"]:
            case "unexpected_keyword_argument":
                found.append(f"Key {key!r} is unknown")
            case "missing_argument" | "missing":
                found.append(f"{key} is missing")
            case "value_error":
                found.append(str(e["ctx"]["error"]))
            case "union_tag_invalid" | "union_tag_not_found":
                value = e["input"].get("policy") if isinstance(e["input"], dict) else e["input"]
                names = ", ".join(branches.get(path[0], ()))
                found.append(f"{key}.policy must be one of {names}, not {value!r}")
            case "greater_than_equal":
                found.append(f"{key} must be at least {e['ctx']['ge']}, not {e['input']!r}")
            case "less_than_equal":
                found.append(f"{key} must be at most {e['ctx']['le']}, not {e['input']!r}")
            case "int_type":
                found.append(f"{key} must be an integer, not {e['input']!r}")
            case "literal_error":
                found.append(f"{key} must be {e['ctx']['expected']}, not {e['input']!r}")
            case "string_type":
                found.append(f"{key} must be a text, not {e['input']!r}")
            case "tuple_type":
                found.append(f"{key} must be a list, not {e['input']!r}")
            case "too_short":
                found.append(
                    f"{key} must have at least {e['ctx']['min_length']}, not {e['input']!r}"
                )
            case "dataclass_type" | "dict_type":
                found.append(f"{key} must be a table, not {e['input']!r}")
            case _:
                found.append(f"{key}: {e['msg']}, not {e['input']!r}")
    return found
