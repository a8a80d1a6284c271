"""What a host must know of a core that is behind the link: parameters, store, order of neurons."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, Literal, get_args

from platformdirs import user_data_path
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import from_json

from prunus_model.common.atomic import write_json
from prunus_model.common.errors import ConfigError, PrunusError
from prunus_model.common.leftovers import clean
from prunus_model.common.validation import validation_messages
from prunus_model.data.datasets import load
from prunus_model.spec.config import NetworkConfig
from prunus_model.spec.levels import levels
from prunus_model.training.artifact import Artifact
from prunus_rtl.export.plan import PASSED_ON, ExportOptions, Plan, make_plan
from prunus_rtl.hardware import HardwareConfig
from prunus_rtl.link.protocol.records import Identity
from prunus_rtl.memory_image.address_map import StoreLayout
from prunus_rtl.widths import Widths

__all__ = ["LINES", "CoreDescription", "DescriptionError", "Line", "link_plan"]

#: What a line in front of a core can be.
Line = Literal["uart", "spi"]
LINES: tuple[Line, ...] = get_args(Line)

_FORMAT = "prunus core"
#: 3: neurons of a core that learns are in another order, too.
_FORMAT_VERSION = 3
_DIGEST_BYTES = 16
#: What 16 bits of the protocol can count.
_MOST = 0xFFFF
#: Images of the bundled sample for which lanes are balanced.
_TYPICAL = 300
#: Characters of a message about a file: what is wrong may be as long as the file.
_MESSAGE = 300


class DescriptionError(PrunusError):
    """A description of a core can't be used."""


def link_plan(artifact: Artifact, options: ExportOptions) -> Plan:
    """Decide what is built behind a link.

    As :func:`prunus_rtl.export.plan.make_plan`, but always balanced for the same images, those of
    the bundled sample (or for none, if their size differs). So the order of neurons follows from
    artefact and options, and a host can work it out again. A core for a network whose inputs are
    events (``encoder.events``) takes events, whatever the options say.

    Raises
    ------
    ConfigError
        As of ``make_plan``; so if a network of events has groups.
    """
    if artifact.config.encoder.events is not None:
        return make_plan(artifact, replace(options, source="events"))
    sample = load("sample", "train")
    typical = None
    images = sample.take(0, _TYPICAL).images
    if images.shape[1] == artifact.config.pixels:
        typical = levels(images, artifact.config.encoder)
    return make_plan(artifact, options, typical=typical)


@dataclass(frozen=True, kw_only=True)
class CoreDescription:
    """Everything that a core was built of, but the contents of its memories.

    A file of this goes with every bitstream and every simulation.

    Attributes
    ----------
    network : NetworkConfig
        Parameters of the network.
    hardware : HardwareConfig
        Parameters of the core.
    options : ExportOptions
        What was built, nothing left open. With a network, :func:`link_plan` makes of it what is
        loaded.
    layout : StoreLayout or None
        Layout of the packed store; None for a learning store.
    clock_hz : int
        Clock of the core; 0 if it has none.
    baud : int
        Bits per second of its line; 0 if it has none.
    link : str
        What that line is: ``uart`` or ``spi``.

    Raises
    ------
    ConfigError
        If these do not go together.
    """

    network: NetworkConfig
    hardware: HardwareConfig
    options: ExportOptions
    layout: StoreLayout | None
    clock_hz: int = 0
    baud: int = 0
    link: Line = "uart"

    def __post_init__(self) -> None:
        packed = self.layout is not None
        for name, value, want in (
            ("hardware.store", self.hardware.store, "packed" if packed else "learning"),
            ("options.mode", self.options.mode, "learning" if self.hardware.learn else "inference"),
            ("options.lanes", self.options.lanes, self.hardware.lanes),
            (
                "options.store",
                self.options.store,
                self.layout.format if self.layout else "learning",
            ),
            *(
                (f"options.{name}", getattr(self.options, name), getattr(self.hardware, name))
                for name in PASSED_ON
            ),
        ):
            if value != want:
                raise ConfigError(f"{name} must be {want!r} in this core, not {value!r}")
        for name, value in (
            ("levels of an image", self.network.image_levels),
            ("neurons", self.network.all_neurons),
            ("output spikes of a presentation", self.network.presentation_spikes()),
        ):
            if value > _MOST:
                raise ConfigError(
                    f"{name} must be at most {_MOST} for a core behind a link, not {value}"
                )
        try:
            Widths(network=self.network, hardware=self.hardware, store=self.layout)
        except ValueError as e:
            raise ConfigError(str(e)) from e

    @classmethod
    def of(
        cls, plan: Plan, *, clock_hz: int = 0, baud: int = 0, link: Line = "uart"
    ) -> CoreDescription:
        """Return the description of a core that is built as planned."""
        return cls(
            network=plan.network,
            hardware=plan.hardware,
            options=replace(plan.options, store=plan.store, lanes=plan.hardware.lanes),
            layout=plan.widths.store,
            clock_hz=clock_hz,
            baud=baud,
            link=link,
        )

    @cached_property
    def widths(self) -> Widths:
        """Widths of everything in the core."""
        return Widths(network=self.network, hardware=self.hardware, store=self.layout)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that tell this core from others; clock, baud rate and link are not in it."""
        values = self._mapping()
        del values["clock_hz"], values["baud"], values["link"]
        content = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(content).digest()[:_DIGEST_BYTES]

    def identity(self, network: bytes) -> Identity:
        """Return what the core says of itself; ``network`` is the content hash that is loaded."""
        return Identity(
            lanes=self.hardware.lanes,
            learn=self.hardware.learn,
            neurons=self.network.all_neurons,
            inputs=self.network.image_levels,
            steps=self.network.encoder.steps,
            clock_hz=self.clock_hz,
            core=self.digest,
            network=network,
        )

    def plan(self, artifact: Artifact) -> Plan:
        """Return what is loaded into the core for a network.

        Raises
        ------
        DescriptionError
            If the network has other parameters than the core.
        ConfigError
            If its synapses do not fit into the packed store.
        """
        if artifact.config != self.network:
            other, mine = artifact.config.to_mapping(), self.network.to_mapping()
            names = ", ".join(name for name in mine if mine[name] != other[name])
            raise DescriptionError(f"Network must have the parameters of the core: {names} differ")
        plan = link_plan(artifact, self.options)
        image = None
        if self.layout is not None:
            image = self.layout.pack(plan.state.weights, plan.state.alive)
        return replace(plan, hardware=self.hardware, image=image)

    def save(self, path: Path) -> None:
        """Write a file that :meth:`load` reads."""
        write_json(path, self._content())

    def text(self) -> str:
        """Return the content of such a file."""
        return json.dumps(self._content(), indent=2) + "\n"

    def _content(self) -> dict[str, Any]:
        return {"format": _FORMAT, "version": _FORMAT_VERSION, **self._mapping()}

    @classmethod
    def load(cls, path: Path) -> CoreDescription:
        """Read the description of a core.

        Raises
        ------
        DescriptionError
            If there is no such file, or it is not a description.
        """
        try:
            values = from_json(path.read_bytes(), allow_inf_nan=False)
            found = _FILE.validate_json(json.dumps(values))
            if (found.format, found.version) != (_FORMAT, _FORMAT_VERSION):
                raise ConfigError(
                    f"format must be {_FORMAT!r} and version {_FORMAT_VERSION}, "
                    f"not {found.format!r} and {found.version}; build the core again"
                )
            return cls(
                network=NetworkConfig.from_mapping(found.network, source="network"),
                hardware=found.hardware,
                options=found.options,
                layout=found.layout,
                clock_hz=found.clock_hz,
                baud=found.baud,
                link=found.link,
            )
        except OSError as e:
            raise DescriptionError(f"Core {path} can't be read: {e.strerror}") from e
        except ValidationError as e:
            raise _invalid(path, "; ".join(validation_messages(e))) from e
        except ValueError as e:
            raise _invalid(path, str(e)) from e

    def register(self) -> Path:
        """Save this where :meth:`find` finds it; return where."""
        path = _registered(self.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        clean(path.parent)
        self.save(path)
        return path

    @classmethod
    def find(cls, digest: bytes) -> CoreDescription:
        """Return the core of that digest, from those that were built on this machine.

        Raises
        ------
        DescriptionError
            If there is none.
        """
        path = _registered(digest)
        if not path.exists():
            raise DescriptionError(
                f"Core {digest.hex()} must be known: it was not built here, so its core.json "
                f"must be named"
            )
        found = cls.load(path)
        if found.digest != digest:
            raise DescriptionError(f"Core {path} is not valid: its digest is {found.digest.hex()}")
        return found

    def _mapping(self) -> dict[str, Any]:
        network = self.network.to_mapping()
        if network["encoder"]["events"] is None:
            # Later than the first cores, which keep their digests.
            del network["encoder"]["events"]
        hardware, options = asdict(self.hardware), asdict(self.options)
        if self.hardware.host_access == "all":
            # Likewise.
            del hardware["host_access"], options["host_access"]
        return {
            "network": network,
            "hardware": hardware,
            "options": options,
            "layout": None if self.layout is None else asdict(self.layout),
            "clock_hz": self.clock_hz,
            "baud": self.baud,
            "link": self.link,
        }


@checked_dataclass(
    frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True)
)
class _File:
    """What is in a file, by types and ranges."""

    format: str
    version: int
    network: dict[str, Any]
    hardware: HardwareConfig
    options: ExportOptions
    layout: StoreLayout | None
    clock_hz: Annotated[int, Field(ge=0, lt=1 << 32)]
    baud: Annotated[int, Field(ge=0, lt=1 << 32)]
    # Later than the first cores, all of which had a UART.
    link: Line = "uart"


_FILE = TypeAdapter(_File)


def _invalid(path: Path, reason: str) -> DescriptionError:
    return DescriptionError(
        f"Core {path} is not valid: {shorten(reason, _MESSAGE, placeholder=' ...')}"
    )


def _registered(digest: bytes) -> Path:
    """Return where the description of a core is kept for this user."""
    return user_data_path("prunus") / "cores" / f"{digest.hex()}.json"
