"""The driver in C on registers that a test plays: what it writes, and what it returns."""

import ctypes
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from prunus_rtl.bus.registers import COUNTS, MAGIC, MAP_VERSION, REGISTERS, register
from prunus_rtl.soc.driver import driver_files
from prunus_rtl.soc.script import word

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

_NO_CORE, _BUSY, _CANNOT, _TIMEOUT, _REFUSED, _FULL = range(-1, -7, -1)
_NUMBERS = (
    "inputs",
    "neurons",
    "steps",
    "views",
    "groups",
    "lanes",
    "classes",
    "max_spikes",
    "spike_room",
)
_LINES = """
#include <stdint.h>
uint32_t (*bus_read)(uintptr_t);
void (*bus_write)(uintptr_t, uint32_t);
#define PRUNUS_READ(base, offset) bus_read((base) + (offset))
#define PRUNUS_WRITE(base, offset, value) bus_write((base) + (offset), (value))
"""
_BASE = 0x4000_0000
_ONES = (1 << 32) - 1


class Core(ctypes.Structure):
    _fields_: ClassVar = [
        ("base", ctypes.c_size_t),
        *((name, ctypes.c_uint32) for name in ("patience", "capability", *_NUMBERS, "error")),
    ]


class Request(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint8) for name in ("learn", "keep", "no_spikes", "stop_after")),
        ("margin", ctypes.c_uint32),
    ]


class Result(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, ctypes.c_uint32) for name in ("prediction", "undecided", "lead")),
        *(
            (name, ctypes.c_uint64 if name == "forward_sops" else ctypes.c_uint32)
            for name in COUNTS
        ),
    ]


class Spike(ctypes.Structure):
    _fields_: ClassVar = [("step", ctypes.c_uint8), ("neuron", ctypes.c_uint32)]


class Registers:
    """Registers: a word for each, or several that are read one after the other."""

    def __init__(self, library: Any) -> None:
        self.values = {entry.name: 0 for entry in REGISTERS}
        self.next: dict[str, deque[int]] = {}
        self.writes: list[tuple[str, int]] = []
        self.reads = 0
        self.c = library
        self.core = Core(base=_BASE, patience=5)
        names = {entry.offset: entry.name for entry in REGISTERS}

        def read(at: int) -> int:
            self.reads += 1
            name = names[at - _BASE]
            queue = self.next.get(name)
            return queue.popleft() if queue else self.values[name]

        def write(at: int, value: int) -> None:
            self.writes.append((names[at - _BASE], value))

        # They must live as long as the library may call them.
        self._kept = (
            ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_size_t)(read),
            ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_uint32)(write),
        )
        for name, function in zip(("bus_read", "bus_write"), self._kept, strict=True):
            address = ctypes.cast(function, ctypes.c_void_p).value
            ctypes.c_void_p.in_dll(library, name).value = address

    def call(self, name: str, *arguments: Any) -> tuple[int, list[tuple[str, int]]]:
        """Call a function; return its status, and what it has written."""
        self.writes = []
        status = getattr(self.c, f"prunus_{name}")(ctypes.byref(self.core), *arguments)
        return int(status), self.writes


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("driver")
    for name, text in driver_files().items():
        (folder / Path(name).name).write_text(text)
    (folder / "played.h").write_text(_LINES)
    command = "gcc -std=c99 -Wall -Wextra -Werror -fPIC -shared -include played.h prunus.c -o p.so"
    subprocess.run(command.split(), cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "p.so"))


@pytest.fixture
def played(library: Any) -> Iterator[Registers]:
    found = Registers(library)
    found.values |= {"ID": MAGIC, "VERSION": MAP_VERSION}
    yield found


def test_open_reads_every_parameter_and_knows_its_core(played: Registers) -> None:
    numbers = {name.upper(): 100 + k for k, name in enumerate(_NUMBERS)}
    played.values |= numbers | {"CAPABILITY": 77}
    played.core.error = 9
    assert played.call("open") == (0, [])
    assert {name.upper(): getattr(played.core, name) for name in _NUMBERS} == numbers
    assert (played.core.capability, played.core.error) == (77, 0)
    for name, value in (("ID", MAGIC ^ 1), ("VERSION", MAP_VERSION + 1)):
        before = played.values[name]
        played.values[name] = value
        assert played.call("open") == (_NO_CORE, [])
        played.values[name] = before


def test_reset_clears_errors_and_interrupts(played: Registers) -> None:
    want = [("CONTROL", word("CONTROL", reset=1)), ("ERROR", _ONES), ("INTERRUPT_STATUS", _ONES)]
    assert played.call("reset") == (0, want)


def test_an_error_is_told_and_cleared_by_every_call_that_may_cause_one(played: Registers) -> None:
    found = word("ERROR", late=1, value=1)
    cleared = [("ERROR", found), ("INTERRUPT_STATUS", word("INTERRUPT_STATUS", error=1))]
    done, ready = word("INTERRUPT_STATUS", done=1), word("STATUS", input_ready=1)
    words = (ctypes.c_uint32 * 1)()
    calls: list[tuple[str, tuple[Any, ...], int]] = [
        ("name_network", ((ctypes.c_uint8 * 32)(),), 0),
        ("read_words", (1, 0, words, 1), 0),
        ("write_words", (1, 0, words, 1), 0),
        ("send_image", ((ctypes.c_uint8 * 4)(),), 0),
        ("send_event", (1, 0), word("CAPABILITY", events=1)),
        ("start", (ctypes.byref(Request()),), 0),
        ("wait", (), 0),
    ]
    played.values |= {"INTERRUPT_STATUS": done, "STATUS": ready}
    for name, arguments, capability in calls:
        played.core.capability, played.core.error, played.core.inputs = capability, 0, 4
        played.values["ERROR"] = found
        status, writes = played.call(name, *arguments)
        assert (status, played.core.error, writes[-2:]) == (_REFUSED, found, cleared), name
        played.values["ERROR"] = 0
        status, writes = played.call(name, *arguments)
        assert status == 0 and all(at != "ERROR" for at, _ in writes), name


def test_start_writes_all_of_the_request_behind_the_margin(played: Registers) -> None:
    played.core.capability = word("CAPABILITY", learn=1)
    for margin, fields in (
        (70000, {"learn": 1, "stop_after": 3}),
        (0, {"keep": 1, "stop_after": 200}),
        (7, {"no_spikes": 1}),
        (1, {}),
    ):
        request = Request(margin=margin, **fields)
        status, writes = played.call("start", ctypes.byref(request))
        control = word("CONTROL", start=1, **fields)
        done = ("INTERRUPT_STATUS", word("INTERRUPT_STATUS", done=1))
        assert status == 0
        assert writes == [done, ("MARGIN", margin), ("CONTROL", control)]
    played.values["STATUS"] = word("STATUS", busy=1)
    assert played.call("start", ctypes.byref(request)) == (_BUSY, [])
    played.values["STATUS"] = played.core.capability = 0
    assert played.call("start", ctypes.byref(Request(learn=1))) == (_CANNOT, [])


def test_waits_end_when_patience_does(played: Registers) -> None:
    played.reads = 0
    assert played.call("wait") == (_TIMEOUT, [])
    assert played.reads == played.core.patience
    done = word("INTERRUPT_STATUS", done=1)
    played.next["INTERRUPT_STATUS"] = deque([0, 0, done])
    full = word("INTERRUPT_STATUS", spikes_full=1)
    assert played.call("wait") == (0, [("INTERRUPT_STATUS", done | full)])


def test_who_waits_for_a_core_that_waits_itself_is_told(played: Registers) -> None:
    full, done = (word("INTERRUPT_STATUS", **{name: 1}) for name in ("spikes_full", "done"))
    cleared = ("INTERRUPT_STATUS", full)
    played.values["STATUS"] = word("STATUS", spikes_full=1)
    played.next["INTERRUPT_STATUS"] = deque([0, full])
    assert played.call("wait") == (_FULL, [cleared])
    # It was full for a moment only.
    played.values["STATUS"] = 0
    played.next["INTERRUPT_STATUS"] = deque([full, 0, full, done])
    want = [cleared, cleared, ("INTERRUPT_STATUS", done | full)]
    assert played.call("wait") == (0, want)
    # The end has come: what was full has been taken.
    played.values["STATUS"] = word("STATUS", spikes_full=1)
    played.next["INTERRUPT_STATUS"] = deque([full | done])
    assert played.call("wait") == (0, want[-1:])
    played.core.capability = word("CAPABILITY", events=1)
    assert played.call("send_event", 3, 1) == (_FULL, [])
    played.values["STATUS"] = word("STATUS", spikes_full=1, input_ready=1)
    assert played.call("send_event", 3, 1)[0] == 0


@pytest.mark.parametrize("inputs", [4, 5, 6, 7, 8])
def test_an_image_is_packed_low_level_first_and_ends_with_zeros(
    played: Registers, inputs: int
) -> None:
    played.core.inputs = inputs
    levels = bytes(range(1, 13))
    played.values["STATUS"] = word("STATUS", input_ready=1)
    status, writes = played.call("send_image", (ctypes.c_uint8 * 12)(*levels))
    shown = levels[:inputs].ljust(-(-inputs // 4) * 4, b"\0")
    packed = [int.from_bytes(shown[k : k + 4], "little") for k in range(0, len(shown), 4)]
    assert (status, writes) == (0, [("LEVELS", value) for value in packed])


def test_no_level_is_written_while_the_core_has_no_room(played: Registers) -> None:
    played.core.inputs = 8
    ready = word("STATUS", input_ready=1)
    levels = (ctypes.c_uint8 * 8)(*range(8))
    assert played.call("send_image", levels) == (_TIMEOUT, [])
    # Room for the first word, and then no more.
    played.next["STATUS"] = deque([ready, ready, 0])
    status, writes = played.call("send_image", levels)
    assert (status, len(writes)) == (_TIMEOUT, 1)
    played.core.capability = word("CAPABILITY", events=1)
    assert played.call("send_image", levels) == (_CANNOT, [])
    assert played.call("send_event", 3, 1) == (_TIMEOUT, [])
    played.values["STATUS"] = ready
    assert played.call("send_event", 3, 2) == (0, [("EVENT", word("EVENT", input=3, last=1))])
    assert played.call("send_event", 3, 0) == (0, [("EVENT", word("EVENT", input=3))])


def test_words_are_addressed_and_refused_where_there_are_none(played: Registers) -> None:
    words = (ctypes.c_uint32 * 3)(7, 8, 9)
    at = ("MEMORY_ADDRESS", word("MEMORY_ADDRESS", space=15, increment=1, address=0x123))
    status, writes = played.call("write_words", 15, 0x123, words, 3)
    assert (status, writes) == (0, [at, *(("MEMORY_DATA", value) for value in (7, 8, 9))])
    played.next["MEMORY_DATA"] = deque([4, 5, 6])
    assert played.call("read_words", 15, 0x123, words, 3) == (0, [at])
    assert list(words) == [4, 5, 6]
    most = (1 << register("MEMORY_ADDRESS").field("address").width) - 1
    assert played.call("read_words", 0, most, words, 1)[0] == 0
    for space, address in ((16, 0), (0, most + 1)):
        assert played.call("read_words", space, address, words, 1) == (_CANNOT, [])
    played.values["STATUS"] = word("STATUS", busy=1)
    assert played.call("read_words", 0, 0, words, 1) == (_BUSY, [])
    assert played.call("write_words", 0, 0, words, 1) == (_BUSY, [])


def test_result_is_every_count_and_both_halves_of_the_long_one(played: Registers) -> None:
    result = Result()
    assert played.call("result", ctypes.byref(result)) == (_CANNOT, [])
    numbers = {name: 1000 + k for k, name in enumerate(COUNTS.values())}
    played.values |= numbers | {"FORWARD_SOPS_HIGH": 5, "LEAD": 31}
    for prediction, undecided in ((7, 0), (0, 1)):
        fields = {"prediction": prediction, "undecided": undecided, "known": 1}
        played.values["RESULT"] = word("RESULT", **fields)
        assert played.call("result", ctypes.byref(result)) == (0, [])
        assert (result.prediction, result.undecided, result.lead) == (prediction, undecided, 31)
    want = {count: numbers[name] for count, name in COUNTS.items()}
    want["forward_sops"] += 5 << 32
    assert {count: getattr(result, count) for count in COUNTS} == want


@pytest.mark.parametrize("room", [0, 2, 3, 5])
def test_spikes_are_counted_beyond_the_room_and_none_is_written_there(
    played: Registers, room: int
) -> None:
    fired = [(0, 3), (0, 255), (9, 70), (255, 9)]
    played.values["STATUS"] = word("STATUS", spike_ready=1)
    read = [word("SPIKE", step=step, neuron=neuron) for step, neuron in fired]
    played.next["SPIKE"] = deque([*read, word("SPIKE", end=1)])
    spikes = (Spike * 6)(*[Spike(step=77, neuron=77)] * 6)
    assert played.call("take_spikes", spikes, room) == (len(fired), [])
    found = [(spike.step, spike.neuron) for spike in spikes]
    assert found == (fired[:room] + [(77, 77)] * 6)[:6]


def test_the_hash_is_written_and_compared_high_byte_first(played: Registers) -> None:
    named = (ctypes.c_uint8 * 32)(*range(3, 35))
    status, writes = played.call("name_network", named)
    octets = bytes(named)
    want = [(f"HASH{k}", int.from_bytes(octets[4 * k : 4 * k + 4], "big")) for k in range(8)]
    assert (status, writes) == (0, want)
    played.values |= dict(want)
    assert played.call("has_network", named) == (1, [])
    for k in range(32):
        named[k] ^= 1
        assert played.call("has_network", named) == (0, [])
        named[k] ^= 1


def test_show_ends_with_the_first_part_that_fails(played: Registers) -> None:
    played.core.inputs = 4
    levels = (ctypes.c_uint8 * 4)()
    request, result = Request(), Result()
    arguments = (levels, ctypes.byref(request), ctypes.byref(result))
    assert played.call("show", *arguments) == (_TIMEOUT, [])
    played.values["STATUS"] = word("STATUS", input_ready=1, busy=1)
    assert played.call("show", *arguments)[0] == _BUSY
    played.values["STATUS"] = word("STATUS", input_ready=1)
    assert played.call("show", *arguments)[0] == _TIMEOUT
    played.values["INTERRUPT_STATUS"] = word("INTERRUPT_STATUS", done=1)
    assert played.call("show", *arguments)[0] == _CANNOT
    played.values["RESULT"] = word("RESULT", prediction=6, known=1)
    assert played.call("show", *arguments)[0] == 0
    assert result.prediction == 6
