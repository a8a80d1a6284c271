"""Sipeed Tang Nano 9K."""

from typing import ClassVar

from amaranth_boards.tang_nano_9k import TangNano9kPlatform

from prunus_boards.platforms.board import Board

__all__ = ["BOARD"]


class _Platform(TangNano9kPlatform):
    """The board with the place and route of today; Amaranth 0.5 still calls one that is gone.

    And with a file of timing constraints, which that takes.
    """

    _apicula_file_templates: ClassVar[dict[str, str]] = {
        **TangNano9kPlatform._apicula_file_templates,
        "{{name}}.sdc": """{{get_override("add_constraints")}}""" + "\n",
    }
    _apicula_required_tools: ClassVar[list[str]] = [
        "yosys",
        "nextpnr-himbaechel-gowin",
        "gowin_pack",
    ]
    _apicula_command_templates: ClassVar[list[str]] = [
        TangNano9kPlatform._apicula_command_templates[0],
        r"""
        {{invoke_tool("nextpnr-himbaechel-gowin")}}
            {{quiet("--quiet")}}
            {{get_override("nextpnr_opts")|options}}
            --log {{name}}.tim
            --device {{platform.part}}
            --vopt family={{platform._chipdb_device}}
            --vopt cst={{name}}.cst
            --sdc {{name}}.sdc
            --json {{name}}.syn.json
            --write {{name}}.pnr.json
        """,
        TangNano9kPlatform._apicula_command_templates[2],
    ]

    def __init__(self) -> None:
        super().__init__(toolchain="Apicula")


#: UART on the BL702.
BOARD = Board(
    name="tang-nano-9k",
    title="Sipeed Tang Nano 9K",
    device="GW1NR-LV9QN88PC6/I5",
    family="gowin",
    memory="GW1NR-9",
    platform=_Platform,
    oscillator="clk27",
    oscillator_hz=27_000_000,
    clock_hz=27_000_000,
    network="demo",
    lanes=2,
    # Lists would take one block more than there are.
    store="bitmask",
    loader=("--board", "tangnano9k"),
)
