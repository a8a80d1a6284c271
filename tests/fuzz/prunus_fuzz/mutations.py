"""Mutations of bytes and of text that has a structure; all are determined by the generator."""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Callable
from typing import Any, TypeAlias

import tomli_w

__all__ = ["Mutation", "in_json", "in_text", "in_toml", "in_values", "of_bytes", "of_encoding"]

#: Makes another content from one.
Mutation: TypeAlias = Callable[[random.Random, bytes], bytes]

#: Integers at which widths and signs end.
_INTEGERS = [0, 1, 2, 7, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1]
_INTEGERS += [2**53, 2**63 - 1, 2**63, 2**64, 10**30, -1, -(2**31), -(2**63) - 1]
#: Nesting that exceeds what Python recurses, and more digits than it converts.
_DEEP, _LONG = 5000, 5000
_TEXTS = ["", "x", "true", "1", "../../x", "/dev/zero", "\0", "\x1b[2J", "\u202e", "x" * 10_000]
_JSON = [*map(json.dumps, _TEXTS), *map(str, _INTEGERS)]
_JSON += ["null", "true", "{}", "[]", "[0]", "[[]]", '{"a": 1}', "1.5", "-0.0", "1e-320", "1e308"]
_JSON += ["NaN", "Infinity", "-Infinity", "1e999", "9" * _LONG, "-" + "9" * _LONG, '"\\ud800"']
_JSON += ["[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP]
_TOML = [json.dumps(text) for text in _TEXTS if "\0" not in text]
_TOML += [str(n) for n in _INTEGERS]
_TOML += ["true", "{}", "[]", "[0]", "[[]]", "{a = 1}", "1.5", "-0.0", "1e308", "nan", "inf"]
_TOML += ["-inf", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0x" + "f" * _LONG, "1e999"]
_TOML += ["9" * _LONG, "[" * _DEEP + "]" * _DEEP, "{a = " * _DEEP + "1" + "}" * _DEEP]
_TOML += [".".join("a" * _DEEP)]
_MARK = "@mark@"


def of_bytes(rng: random.Random, content: bytes) -> bytes:
    """Change one to four places: bits, bytes, integers, pieces cut out, doubled or put in."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        length = rng.choice((1, 2, 4, 16, 256))
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + length] = rng.randbytes(length)
            case 2:
                size = rng.choice((1, 2, 4, 8))
                value = rng.choice(_INTEGERS) % 256**size
                data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length] * rng.choice((1, 2, 100))
            case 5:
                data[at:at] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
            case _:
                del data[at:]
    return bytes(data)


def of_encoding(rng: random.Random, content: bytes) -> bytes:
    """Write a text in another way: with a mark of the byte order, NUL, no UTF-8, other ends."""
    text = content.decode(errors="replace")
    at = rng.randrange(len(content) + 1)
    return rng.choice(
        (
            b"\xef\xbb\xbf" + content,
            text.encode("utf-16"),
            text.encode("utf-32"),
            content[:at] + b"\0" + content[at:],
            content[:at] + b"\xff\xfe\xe4" + content[at:],
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\r"),
            content + b"#" * 100_000,
            content * 2,
            b"",
        )
    )


def in_json(rng: random.Random, content: bytes) -> bytes:
    """Change one to three values of a JSON file."""
    return in_values(rng, json.loads(content), json.dumps, _JSON)


def in_toml(rng: random.Random, content: bytes) -> bytes:
    """Change one to three values of a TOML file."""
    return in_values(rng, tomllib.loads(content.decode()), tomli_w.dumps, _TOML)


def in_values(
    rng: random.Random, values: Any, dumps: Callable[[Any], str], literals: list[str]
) -> bytes:
    """Change one to three of some values, or their keys.

    Parameters
    ----------
    rng : random.Random
        Determines everything.
    values : dict
        Changed in place.
    dumps : callable
        Writes them.
    literals : list of str
        What a value is replaced by, as it is written.
    """
    for number in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(values))
        if not places:
            break
        holder, key = rng.choice(places)
        action = rng.randrange(8)
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, dict):
            holder[rng.choice((f"{key}x", "", "__class__", "x" * 5000))] = holder.pop(key)
        elif action == 2:
            # A value of the same file, which is of the right kind elsewhere.
            other, name = rng.choice(places)
            holder[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else 1))
            holder[key] = 1 if holder[key] is None else holder[key]
        elif action == 3 and isinstance(holder[key], int) and not isinstance(holder[key], bool):
            holder[key] += rng.choice((-1, 1, 1000, -(10**6)))
        else:
            holder[key] = f"{_MARK}{number}"
    text = dumps(values)
    for number in range(3):
        text = text.replace(f'"{_MARK}{number}"', rng.choice(literals))
    return text.encode()


def in_text(rng: random.Random, content: bytes) -> bytes:
    """Change one to three tokens of a text, a number as a rule."""
    text = content.decode()
    for _ in range(rng.choice((1, 1, 2, 3))):
        tokens = _tokens(text)
        first, last = rng.choice(tokens)
        more = ["-inf", "inf", "nan", "1e999", "", "}", "{", '"', ";", "(", ")", "/*", "\\\n"]
        more += ["x(){" * _DEEP + "}" * _DEEP, "(" * _DEEP + ")" * _DEEP, "!" * _DEEP, "9" * _LONG]
        new = rng.choice([*more, str(rng.choice(_INTEGERS)), text[slice(*rng.choice(tokens))]])
        text = text[:first] + new + text[last:]
    return text.encode()


def _places(values: Any) -> Any:
    """Yield the holder and the key of every value below."""
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in items:
        yield values, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _tokens(text: str) -> list[tuple[int, int]]:
    """Return where words and numbers are, and all other characters."""
    found = [match.span() for match in re.finditer(r"[\w.+-]+|[^\w\s]", text)]
    return found or [(0, 0)]
