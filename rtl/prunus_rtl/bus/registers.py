"""Register table of a core on a bus: names, offsets, fields. The one home of the map, no gateware.

Registers have 32 bits, in one window of 64 kB; offsets are in bytes. Every access is of a whole
register, at an offset that is a multiple of 4. What cannot be done is answered with an error of the
bus (``SLVERR`` of AXI, ``ERR`` of Wishbone), changes nothing, and sets ``ERROR.access``: an offset
without a register, a write of a part of a register, a write of what can only be read and the other
way round, and what the text of a register says. All cores have the same map; a register that is of
no use for a core, such as the count of pruned synapses in one that cannot learn, reads as 0.

A program uses it in this order:

1. Read ``ID`` and ``VERSION``, which must be ``MAGIC`` and ``MAP_VERSION``; then what the core is
   (``CAPABILITY`` to ``MAX_SPIKES``), and whether it holds the right network (``HASH0`` to
   ``HASH7``).
2. If it does not, load the network: for each run of words write ``MEMORY_ADDRESS`` with
   ``increment`` set, then every word to ``MEMORY_DATA``. At last write the hash of that network.
   A core cannot be read or written by ``MEMORY_DATA`` while a presentation runs or waits.
3. Levels: write the image to ``LEVELS``, four levels at a time, if ``STATUS.input_ready`` says so,
   or set ``CONTROL.input_stream`` and send it over the stream. Then start: one write of
   ``CONTROL`` with ``start``, and ``learn``, ``keep`` and ``stop_after`` for this presentation;
   ``MARGIN`` before it. The next image may be sent meanwhile.
   Events: start, then write the events to ``EVENT``, never more than ``ROOM`` says, or send them
   over the stream. They may be sent before the start, as many as there is room for.
4. Wait for ``INTERRUPT_STATUS.done``, by the interrupt or by reading. Write 1 to it, then read
   ``RESULT``, ``LEAD`` and the counts. They stay until the next presentation begins.
5. Read ``OUTPUT_SPIKES`` and then as many spikes, and after them the end of the presentation, from
   ``SPIKE``; or leave them, the next start drops them; or have them sent over the stream
   (``CONTROL.spike_stream``).

Streams (AXI4-Stream), if ``CAPABILITY.streams``. Levels: 8 bits, level 0 first, TLAST with the last
of an image. Events: 16 bits, of each step the inputs in ascending order, TLAST with the last of a
step; a transfer of 0xFFFF names no input, for steps without any. Spikes: 32 bits as ``SPIKE``,
TLAST with the end of a presentation, which is a transfer of its own.

What goes wrong sets a bit of ``ERROR`` that stays until 1 is written to it. TLAST too early or
missing: the whole image is dropped, up to the next TLAST; a start that waits for it is withdrawn.
Nothing waits for ever on the side of the bus: every access is answered within a fixed number of
cycles, also while a presentation runs. A presentation that waits for events or levels can be ended
with ``CONTROL.cancel``; one that waits because nobody takes its spikes goes on when
``CONTROL.spike_stream`` is cleared.

Examples
--------
>>> hex(register("CONTROL").offset), register("CONTROL").field("start").access
('0x40', 'w1s')
"""

from __future__ import annotations

from typing import Literal

from prunus_rtl.bus.fields import REGISTER_BITS, Access, Field, Register

__all__ = [
    "COUNTS",
    "MAGIC",
    "MAP_VERSION",
    "REGISTERS",
    "REGISTER_BITS",
    "WINDOW_BYTES",
    "Field",
    "Register",
    "register",
]

#: What ``ID`` reads as: the letters PRUN, the first in the highest byte.
MAGIC = 0x5052_554E
#: Version of the map. A register or field that moves or means something else makes a new one.
MAP_VERSION = 2
#: Size of the window that all registers are in.
WINDOW_BYTES = 1 << 16


def _whole(
    name: str,
    offset: int,
    access: Literal["ro", "rw", "wo"],
    reset: int | None,
    text: str,
    *,
    read_effect: bool = False,
) -> Register:
    """Return a register of one field, ``value``."""
    field = Field("value", 0, REGISTER_BITS, access, reset, text)
    return Register(name, offset, access, (field,), text, read_effect)


def _flag(name: str, lsb: int, access: Access, text: str, reset: int | None = 0) -> Field:
    return Field(name, lsb, 1, access, reset, text)


#: Counts of a presentation by their names in the core, and their registers. The widest has two.
COUNTS: dict[str, str] = {
    "cycles": "CYCLES",
    "steps": "STEPS_EXECUTED",
    "inhibited_steps": "INHIBITED_STEPS",
    "input_spikes": "INPUT_SPIKES",
    "integrated_spikes": "INTEGRATED_SPIKES",
    "dropped_spikes": "DROPPED_SPIKES",
    "output_spikes": "OUTPUT_SPIKES",
    "forward_sops": "FORWARD_SOPS",
    "update_sops": "UPDATE_SOPS",
    "pruned": "PRUNED",
}

_COUNT_TEXTS = {
    "cycles": "Clock cycles of the presentation.",
    "steps": "Steps that were executed, of all views.",
    "inhibited_steps": "Steps in which the neurons were inhibited.",
    "input_spikes": "Spikes of inputs.",
    "integrated_spikes": "Spikes of inputs that were sent to the neurons.",
    "dropped_spikes": "Spikes that refractory inputs dropped; 0 if inputs are not refractory.",
    "output_spikes": "Spikes of neurons.",
    "forward_sops": "Synapses that spikes of inputs have reached, low 32 bits.",
    "update_sops": "Synapses that were visited by learning; 0 in a core that cannot learn.",
    "pruned": "Synapses that were pruned; 0 in a core that cannot learn.",
}

_CAPABILITIES = (
    _flag("learn", 0, "ro", "The core can learn.", None),
    _flag("events", 1, "ro", "Inputs are events; else they are the levels of an image.", None),
    _flag("packed", 2, "ro", "The synapses are in a packed store, without the pruned ones.", None),
    _flag("streams", 3, "ro", "Inputs and spikes have streams.", None),
    _flag("refractory", 4, "ro", "Inputs are refractory.", None),
    _flag("lift", 5, "ro", "The core prunes by lift.", None),
    _flag("blank", 6, "ro", "Synapses have no contents at power-on: load them first.", None),
    _flag("feedforward", 7, "ro", "A feed-forward layer: every neuron may spike in a step.", None),
)

_CONTROL = (
    _flag("start", 0, "w1s", "Start a presentation. An error if STATUS.busy is 1."),
    _flag(
        "cancel",
        1,
        "w1s",
        "Withdraw a start that waits, and drop the part of an image that has come; with events, "
        "end all steps of the presentation that are missing. Sets ERROR.cancelled if it ended one.",
    ),
    _flag(
        "reset",
        2,
        "w1s",
        "Reset the core: ends a presentation at once, and forgets images, events, result and "
        "spikes. Memories keep their contents; a reset while learning damages the network.",
    ),
    _flag("learn", 4, "rw", "Learn from the presentation. An error if the core cannot."),
    _flag("keep", 5, "rw", "Go on with the scores of the presentation before."),
    _flag("input_stream", 6, "rw", "Inputs come over the stream, not by LEVELS or EVENT."),
    _flag("spike_stream", 7, "rw", "Spikes go out over the stream, not by SPIKE."),
    Field("stop_after", 8, 8, "rw", 0, "Output spikes that end a presentation or view; 0: none."),
    _flag(
        "no_spikes",
        16,
        "rw",
        "Output spikes are not kept, only the end of the presentation is. Set it with the start.",
    ),
)

_STATUS = (
    _flag("busy", 0, "ro", "A presentation waits for its image, or runs."),
    _flag("running", 1, "ro", "A presentation runs."),
    _flag("known", 2, "ro", "There is a result, in RESULT, LEAD and the counts."),
    _flag("input_ready", 3, "ro", "An image can be written to LEVELS; an event to EVENT.", 1),
    _flag("input_held", 4, "ro", "A whole image, or all steps of a presentation, is waiting."),
    _flag("spike_ready", 5, "ro", "SPIKE can be read."),
    _flag("error", 6, "ro", "A bit of ERROR is set."),
    _flag("interrupt", 7, "ro", "The interrupt line is high."),
    _flag("spikes_full", 8, "ro", "The core waits until SPIKE is read."),
)

_ERRORS = (
    _flag("early", 0, "w1c", "TLAST before the last level of an image. It was dropped."),
    _flag("late", 1, "w1c", "No TLAST with the last level of an image. It was dropped."),
    _flag(
        "value",
        2,
        "w1c",
        "An event of an input that there is not, or not in ascending order. It was dropped.",
    ),
    _flag("access", 3, "w1c", "An access was answered with an error of the bus."),
    _flag("busy", 4, "w1c", "A start was refused, because a presentation waited or ran."),
    _flag("cancelled", 5, "w1c", "A start was withdrawn, or a presentation ended with no events."),
)

_ADDRESS = (
    Field("address", 0, 27, "rw", 0, "Address in the space."),
    _flag("increment", 27, "rw", "Each access of MEMORY_DATA adds 1 to the address."),
    Field("space", 28, 4, "rw", 0, "Address space of the memory port."),
)

_EVENT = (
    Field("input", 0, 16, "wo", 0, "Input that spikes; 0xFFFF: none."),
    _flag("last", 31, "wo", "The step ends with this event."),
)

_SPIKE = (
    Field("step", 0, 8, "ro", None, "Step in its view; at the end: prediction, low bits."),
    Field("neuron", 8, 22, "ro", None, "Neuron through all groups; at the end: prediction, high."),
    _flag("undecided", 30, "ro", "At the end: as in RESULT; else 0.", None),
    _flag("end", 31, "ro", "The presentation is over: no spike.", None),
)

_RESULT = (
    Field("prediction", 0, 16, "ro", 0, "Elected class; 0 if undecided."),
    _flag(
        "undecided",
        16,
        "ro",
        "No class has a vote; two with as many are no reason, the lower one is elected.",
    ),
    _flag("known", 31, "ro", "There is a result; else all else reads as 0."),
)


def _parameters() -> list[Register]:
    texts = {
        "INPUTS": "Levels of an image, or inputs that can have events.",
        "NEURONS": "Neurons through all groups.",
        "STEPS": "Steps of a view.",
        "VIEWS": "Views of a presentation; 1 without groups.",
        "GROUPS": "Groups of neurons; 1 without.",
        "LANES": "Synapses that are added in a cycle.",
        "CLASSES": "Classes that the readout tells apart.",
        "MAX_SPIKES": "Output spikes that a presentation has at most.",
        "SPIKE_ROOM": "Output spikes that SPIKE holds. If MAX_SPIKES is more, the core may have to "
        "wait for a program that does not take them while the presentation runs.",
    }
    return [
        _whole(name, 0x0C + 4 * k, "ro", None, text) for k, (name, text) in enumerate(texts.items())
    ]


def _counts() -> list[Register]:
    """Return the registers of the counts; all are 0 without a result."""
    found = [
        _whole(name, 0x100 + 4 * k, "ro", 0, _COUNT_TEXTS[count])
        for k, (count, name) in enumerate(COUNTS.items())
    ]
    high = "Synapses that spikes of inputs have reached, high 32 bits."
    return [*found, _whole("FORWARD_SOPS_HIGH", 0x100 + 4 * len(found), "ro", 0, high)]


_IRQ_TEXT = "A presentation is over."
_IRQ_ERROR_TEXT = "A bit of ERROR was set."
_IRQ_FULL_TEXT = "The core waits until SPIKE is read."


def _interrupts(access: Literal["rw", "w1c"]) -> tuple[Field, ...]:
    texts = {"done": _IRQ_TEXT, "error": _IRQ_ERROR_TEXT, "spikes_full": _IRQ_FULL_TEXT}
    return tuple(_flag(name, bit, access, text) for bit, (name, text) in enumerate(texts.items()))


#: All registers, the lowest offset first.
REGISTERS: tuple[Register, ...] = (
    _whole("ID", 0x00, "ro", MAGIC, "The letters PRUN."),
    Register(
        "VERSION",
        0x04,
        "ro",
        (Field("map", 0, 16, "ro", MAP_VERSION, "Version of this map."),),
        "Version of this map.",
    ),
    Register("CAPABILITY", 0x08, "ro", _CAPABILITIES, "What the core can do."),
    *_parameters(),
    Register("CONTROL", 0x40, "rw", _CONTROL, "Starts and ends presentations."),
    _whole(
        "MARGIN",
        0x44,
        "rw",
        0,
        "Lead in votes that ends a presentation; 0: none. Up to the width of LEAD.",
    ),
    Register("STATUS", 0x48, "ro", _STATUS, "What the core does now."),
    Register("ERROR", 0x4C, "rw", _ERRORS, "What went wrong since it was cleared."),
    Register(
        "INTERRUPT_ENABLE",
        0x50,
        "rw",
        _interrupts("rw"),
        "What makes the interrupt line high.",
    ),
    Register(
        "INTERRUPT_STATUS",
        0x54,
        "rw",
        _interrupts("w1c"),
        "What has happened since it was cleared, enabled or not.",
    ),
    _whole("STARTED", 0x58, "ro", 0, "Presentations that have begun since reset, modulo 2**32."),
    Register("MEMORY_ADDRESS", 0x60, "rw", _ADDRESS, "Word of the memory port that is next."),
    _whole(
        "MEMORY_DATA",
        0x64,
        "rw",
        None,
        "Reads or writes that word. An error if there is none, or STATUS.busy is 1.",
        read_effect=True,
    ),
    _whole(
        "LEVELS",
        0x70,
        "wo",
        0,
        "Four levels of an image, the first in the low bits; of the last word, those that are "
        "left. An error if there is no room for an image, if inputs are events, or come over the "
        "stream.",
    ),
    Register(
        "EVENT",
        0x74,
        "wo",
        _EVENT,
        "Event of an input. An error if there is no room, if inputs come over the stream, or are "
        "levels, and with ERROR.value.",
    ),
    _whole(
        "ROOM", 0x78, "ro", None, "Levels that are left of an image, or events there is room for."
    ),
    Register(
        "SPIKE",
        0x7C,
        "ro",
        _SPIKE,
        "Takes the next output spike, or the end of the presentation. An error if there is none.",
        True,
    ),
    Register("RESULT", 0x80, "ro", _RESULT, "Outcome of the last presentation."),
    _whole("LEAD", 0x84, "ro", 0, "Votes by which the elected class leads; 0 without a result."),
    *(
        _whole(
            f"HASH{k}",
            0xC0 + 4 * k,
            "rw",
            None,
            f"Content hash of the network, bytes {4 * k} to {4 * k + 3}, the first in the highest "
            "byte. Who loads another network writes its hash. Reset keeps it.",
        )
        for k in range(8)
    ),
    *_counts(),
)

_BY_NAME = {entry.name: entry for entry in REGISTERS}


def register(name: str) -> Register:
    """Return a register by its name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return _BY_NAME[name]
