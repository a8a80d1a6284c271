"""Tables of what was built for boards."""

from typing import Any

from prunus_docs.boards import BOARDS_BLOCKS


def build(**other: Any) -> dict[str, Any]:
    """A result of a build that there was before, and that has changed."""
    found = {
        "board": "ulx3s-85f",
        "mode": "inference",
        "neurons": 800,
        "lanes": 32,
        "lut": 20_000,
        "ff": 9_000,
        "bram": 175,
        "fmax_mhz": [60.0, 71.5, 90.0],
        "clock_mhz": 62.5,
        "cycles_per_inference": 33_000,
        "cycles_per_inference_early_exit": 7_600,
        "ms_per_inference": 0.528,
        "ms_per_inference_early_exit": 0.1216,
        "provenance": {"commit": "0123456789ab"},
    }
    return found | other


def rows(*results: dict[str, Any]) -> list[list[str]]:
    kind, block = BOARDS_BLOCKS["former-builds"]
    assert kind == "bitstream"
    lines = block(results).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_build_stands_beside_what_it_was() -> None:
    assert rows(build()) == [
        [
            "ulx3s-85f, inference, 800",
            "16 → 32",
            "10,746 → 20,000",
            "5,683 → 9,000",
            "179 → 175",
            "55.0 → 71.5",
            "40 → 62.5",
            "64,407 → 33,000",
            "14,836 → 7,600",
            "1.61 → 0.53",
            "0.37 → 0.12",
            "b2d6d1f → 0123456",
        ]
    ]


def test_groups_are_another_build_and_what_there_was_not_is_left_out() -> None:
    groups = build(neurons=200, groups=25)
    new, refused = build(neurons=10), build(refused="it does not fit")
    found = rows(build(), groups, build(neurons=200), new, refused)
    assert [row[0] for row in found] == [
        "ulx3s-85f, inference, 800",
        "ulx3s-85f, inference, 25 x 200",
    ]
