"""What is rendered of the attacks, of which each part is measured by a command of its own."""

from typing import Any

from prunus_docs.render import BLOCKS

_TABLE = """\
| reader | inputs | tracebacks | hangs | wrong | peak MB |
| --- | ---: | ---: | ---: | ---: | ---: |
| idx | 1,500 | 1 | 2 | 3 | 100 |
| picture | 20 | 1 | 2 | 3 | 12 |
| **together** | 1,520 | 2 | 4 | 6 | 100 |

"""
_MADE = "`make fuzz`, python 3."


def written(**parts: Any) -> str:
    readers = [
        {"reader": name, "inputs": n, "tracebacks": 1, "hangs": 2, "wrong": 3, "peak_mb": peak}
        for name, n, peak in (("idx", 1500, 99.6), ("picture", 20, 12.0))
    ]
    origin = {"command": "make fuzz", "tools": {"python": "3"}}
    kinds, write = BLOCKS["attack"]
    assert kinds == ("attack",)
    return write({"attack": [{"provenance": origin, "readers": readers, **parts}]})


def test_readers_are_added_up() -> None:
    assert written() == _TABLE + _MADE


def test_kills_and_devices_are_told_if_they_are_there() -> None:
    kills = {"kills": 1200, "identical": 1199, "left_over": 1}
    devices = {"kinds": 81, "told": 80, "longest_s": 8.143}
    told = (
        "Commands ended at 1,200 random moments: 1,199 ended in the identical result when they "
        "were started again, 1 left something behind.\n"
    )
    broken = (
        "Broken devices of 81 kinds: 80 told in one line, in at most 8.1 s of the device's clock.\n"
    )
    assert written(kills=kills) == _TABLE + told + _MADE
    assert written(devices=devices) == _TABLE + broken + _MADE
    assert written(kills=kills, devices=devices) == _TABLE + told + broken + _MADE
