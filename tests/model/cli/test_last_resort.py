"""Ends that nobody asked for: faults of Prunus, Ctrl-C at the start, terminals that are gone."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from prunus_cli import Cli, message, process, write_digits
from prunus_model.training.artifact import Artifact

TRAIN = ("train", "-c", "tiny", "-d", "digits.npz", "-e", "2", "-o", "n.npz")


def test_fault_of_prunus_is_one_line_and_its_traceback_is_in_a_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> Artifact:
        raise ZeroDivisionError("a\n\x1b[2Jb")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Artifact, "load", fail)
    outcome = cli.run("inspect", "demo")
    assert (outcome.status, outcome.out) == (2, "")
    found = re.fullmatch(
        r"this is a fault of Prunus: ZeroDivisionError: a\\n\\x1b\[2Jb; "
        r"please report it with the traceback, which is in (.+)",
        message(outcome.err),
    )
    assert found is not None
    written = Path(found[1]).read_text()
    assert written.startswith("Traceback (most recent call last):\n")
    assert "in fail\n" in written

    def full(*_: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    outcome = cli.run("inspect", "demo")
    assert outcome.status == 2
    assert message(outcome.err) == r"this is a fault of Prunus: ZeroDivisionError: a\n\x1b[2Jb"


#: Sends SIGINT when a module is looked for, as if Ctrl-C came while it is imported.
INTERRUPT = """
import os, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(Finder)
            os.kill(os.getpid(), 2)
sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize(
    "name", ["click", "prunus_model.cli.extras", "numba", "prunus_model.cli.inspect", "rich.table"]
)
def test_interrupt_while_importing_is_one_line(tmp_path: Path, name: str) -> None:
    before = INTERRUPT.format(name=name)
    with process("inspect", "demo", before=before, cwd=tmp_path) as running:
        out, err = running.communicate(timeout=300)
    assert (running.returncode, out) == (130, "")
    assert err.strip() == "prunus: interrupted"


def test_the_command_is_there_before_what_takes_long() -> None:
    heavy = "{'numba', 'click', 'numpy', 'rich'}"
    script = f"import prunus_model.cli, sys; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_all_names_of_the_package_are_there() -> None:
    import prunus_model

    assert all(getattr(prunus_model, name) is not None for name in prunus_model.__all__)
    assert set(prunus_model._HOMES) == set(prunus_model.__all__)
    with pytest.raises(AttributeError, match=r"^module 'prunus_model' has no attribute 'nope'$"):
        _ = prunus_model.nope


#: Waits in its middle until it has been hung up.
SLOW = """
import signal, time
from prunus_model.training.trainer import Trainer
advance = Trainer.advance
def waiting(self):
    if self.engine.presentation == 2000:
        hung_up, handler = [], signal.getsignal(signal.SIGHUP)
        def handle(*args):
            hung_up.append(True)
            handler(*args)
        signal.signal(signal.SIGHUP, handle)
        open("waiting", "w").close()
        while not hung_up:
            time.sleep(0.01)
    return advance(self)
Trainer.advance = waiting
"""


def test_terminal_that_is_gone_leaves_a_checkpoint(tmp_path: Path) -> None:
    """A lost connection: SIGHUP comes from the system, and nothing can be written any more."""
    write_digits(tmp_path / "digits.npz")
    script = f"{SLOW}\nfrom prunus_model.cli import main\nmain()"
    child, terminal = pty.fork()
    if child == 0:
        # Where pytest runs under nohup, it ignores that.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-c", script, *TRAIN])
    status = None
    try:
        while not (tmp_path / "waiting").exists():
            # A terminal that nobody reads holds up who writes.
            if select.select([terminal], [], [], 0.01)[0]:
                assert os.read(terminal, 100_000) != b""
    finally:
        os.close(terminal)
        status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    checkpoint = Artifact.load(tmp_path / "n.checkpoint.npz")
    assert checkpoint.state.presentation == 3000
    assert {path.name for path in tmp_path.iterdir()} == {
        "digits.npz",
        "n.checkpoint.npz",
        "waiting",
    }


def test_nohup_is_respected(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.npz")
    before = (
        "import os, signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from prunus_model.training.trainer import Trainer\n"
        "advance = Trainer.advance\n"
        "def hung_up(self):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    return advance(self)\n"
        "Trainer.advance = hung_up"
    )
    with process(*TRAIN, before=before, cwd=tmp_path) as running:
        _, err = running.communicate(timeout=300)
    assert (running.returncode, err) == (0, "")
    assert Artifact.load(tmp_path / "n.npz").complete


def test_limit_of_time_is_told_every_second_and_makes_one_checkpoint(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits.npz")
    before = (
        "import os, signal\n"
        "from prunus_model.training.trainer import Trainer\n"
        "advance = Trainer.advance\n"
        "def limited(self):\n"
        "    for _ in range(3):\n"
        "        os.kill(os.getpid(), signal.SIGXCPU)\n"
        "    return advance(self)\n"
        "Trainer.advance = limited"
    )
    with process(*TRAIN, before=before, cwd=tmp_path) as running:
        _, err = running.communicate(timeout=300)
    assert (running.returncode, err) == (128 + signal.SIGXCPU, "")
    assert Artifact.load(tmp_path / "n.checkpoint.npz").state.presentation == 1000
