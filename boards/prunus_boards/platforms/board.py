"""What a build must know of a board."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prunus_model.common.errors import PrunusError
from prunus_rtl.link.protocol.description import Line

__all__ = ["CLOCK_NET", "FLOWS", "LED", "LINE_PINS", "Board", "BoardError", "Flow"]


class BoardError(PrunusError):
    """There is no such board, or it can't do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Tools of a family, and what they write.

    Attributes
    ----------
    synth_opts : str
        Options of the synthesis of yosys.
    place : str
        Tool that places and routes.
    place_opts : tuple of str
        Its options, beside those of Amaranth.
    placed : str
        What it writes.
    pack : str
        Tool that makes the bitstream of that.
    product : str
        Suffix of the bitstream.
    constraint : str
        What constrains a clock in the file of constraints: ``net`` of ``hz`` Hz, which is ``mhz``
        MHz, with a period of ``ns`` ns.
    constraints : str
        Placeholder of Amaranth's template of that file that it is put into.
    cells : dict of str to (str, ...)
        For each figure of a report the kinds of cells that it counts: those of yosys for ``ff``,
        else those of the place and route.
    """

    synth_opts: str
    place: str
    place_opts: tuple[str, ...]
    placed: str
    pack: str
    product: str
    constraint: str
    constraints: str
    cells: Mapping[str, tuple[str, ...]]


#: Flows by family.
FLOWS = {
    "ecp5": Flow(
        synth_opts="",
        place="nextpnr-ecp5",
        # Several times as quick as the other router on designs of this size.
        place_opts=("--router", "router2"),
        placed="top.config",
        pack="ecppack",
        product="bit",
        constraint='FREQUENCY NET "{net}" {hz} HZ;',
        constraints="add_preferences",
        cells={
            "lut": ("TRELLIS_COMB",),
            "ff": ("TRELLIS_FF",),
            "bram": ("DP16KD",),
            "spram": (),
            "dsp": ("MULT18X18D",),
        },
    ),
    "ice40": Flow(
        synth_opts="-spram -dsp",
        place="nextpnr-ice40",
        place_opts=(),
        placed="top.asc",
        pack="icepack",
        product="bin",
        constraint="set_frequency {net} {mhz:.6f}",
        constraints="add_constraints",
        cells={
            "lut": ("ICESTORM_LC",),
            "ff": ("SB_DFF",),
            "bram": ("ICESTORM_RAM",),
            "spram": ("ICESTORM_SPRAM",),
            "dsp": ("ICESTORM_DSP",),
        },
    ),
    "gowin": Flow(
        synth_opts="",
        place="nextpnr-himbaechel-gowin",
        place_opts=(),
        placed="top.pnr.json",
        pack="gowin_pack",
        product="fs",
        constraint="create_clock -name {net} -period {ns:.6f} [get_nets {net}]",
        constraints="add_constraints",
        cells={
            "lut": ("LUT4", "ALU"),
            "ff": ("DFF",),
            "bram": ("BSRAM",),
            "spram": (),
            "dsp": ("MULT18X18", "MULT9X9", "MULT36X36"),
        },
    ),
}
#: Resource that every board has, with number 0.
LED = "led"
#: Pins of the resource of each line, which has its name and number 0.
LINE_PINS: Mapping[Line, tuple[str, ...]] = {
    "uart": ("rx", "tx"),
    "spi": ("sck", "cs", "mosi", "miso"),
}
#: Net of the core's clock, at the top of a design; constraints name it.
CLOCK_NET = "clk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board, or a device on a board of the user's.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
        As people call it.
    device : str
        FPGA.
    family : str
        One of :data:`FLOWS`.
    memory : str
        Memory of the device: one of :data:`prunus_rtl.memory_image.devices.DEVICES`.
    platform : function
        Returns a new Amaranth platform. Takes the pins by name if ``pins`` is not empty: those of
        one line.
    oscillator : str
        Resource of the clock.
    oscillator_hz : int
        Its frequency.
    clock_hz : int
        Clock of the core, unless the user asks for another.
    network : str
        Bundled network that is built, unless the user names one.
    lanes : int
        Lanes, unless the user asks for another number.
    store : str
        What holds the weights of an inference core, unless the user names another; ``auto`` takes
        the quickest packed format that fits.
    loader : tuple of str
        Options of openFPGALoader; empty if only the user can know them.
    volatile : bool
        Whether the loader reaches the configuration memory itself on a board as it is delivered;
        else the flash memory is loaded by default.
    tied : dict of str to int
        Resources, with number 0, that are outputs of one bit and stay at that level.
    pins : dict of str to str
        Pins that the user may move: ``clock``, ``rx``, ``tx``, ``led``. None: all are fixed. Pins
        of another line are named by the user.
    package : str
        Pins of the package that they may be moved to, separated by blanks.
    links : tuple of str
        Lines that the board has pins for, the default first.
    """

    name: str
    title: str
    device: str
    family: str
    memory: str
    platform: Callable[..., Any]
    oscillator: str
    oscillator_hz: int
    clock_hz: int
    network: str
    lanes: int
    store: str = "auto"
    loader: tuple[str, ...] = ()
    volatile: bool = True
    tied: Mapping[str, int] = field(default_factory=dict)
    pins: Mapping[str, str] | None = None
    package: str = ""
    links: tuple[Line, ...] = ("uart",)

    @property
    def flow(self) -> Flow:
        """Tools."""
        return FLOWS[self.family]

    def clock_constraint(self, hz: int) -> str:
        """Return the line that constrains the core's clock, in the file of constraints."""
        return self.flow.constraint.format(net=CLOCK_NET, hz=hz, mhz=hz / 1e6, ns=1e9 / hz)

    def make_platform(self, pins: Mapping[str, str], *, link: Line = "uart") -> Any:
        """Return a new platform, with some pins moved, for a line.

        Raises
        ------
        BoardError
            If there are no pins for this line, if there is no such pin, if one is not named that
            has no default, if two would be one, or if pins of this board can't be moved.
        """
        if link not in self.links:
            raise BoardError(
                f"Link of {self.name} must be {' or '.join(self.links)}, not {link}: no pins of "
                f"the board are known for it"
            )
        if self.pins is None:
            if pins:
                raise BoardError(f"Pins of {self.name} must stay where they are on the board")
            return self.platform()
        other = {name for names in LINE_PINS.values() for name in names} - set(LINE_PINS[link])
        fixed = {name: pin for name, pin in self.pins.items() if name not in other}
        names = list(dict.fromkeys([*fixed, *LINE_PINS[link]]))
        if unknown := sorted(set(pins) - set(names)):
            raise BoardError(f"Pin must be one of {', '.join(names)}, not {unknown[0]!r}")
        moved = {**fixed, **pins}
        if unnamed := [name for name in names if name not in moved]:
            raise BoardError(
                f"Pins of {self.name} must be named for {link}: "
                f"--pins {','.join(f'{name}=PIN' for name in unnamed)}"
            )
        there = self.package.split()
        for name, pin in pins.items():
            if pin not in there:
                raise BoardError(
                    f"Pin {name} must be a pin of {self.device} for signals, not {pin!r}: "
                    f"{self.package}"
                )
        users: dict[str, str] = {}
        for name, pin in moved.items():
            if (user := users.setdefault(pin, name)) != name:
                raise BoardError(f"Pins {user} and {name} must be two pins, not both {pin}")
        return self.platform(moved)
