"""`prunus live` as a process: what it refuses, how it ends, and what it draws for."""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path
from subprocess import Popen
from urllib.request import urlopen

import pytest

from prunus_cli import process

pytest.importorskip("starlette")

from websockets.sync.client import connect

from prunus_boards.live.server import listening
from prunus_model.training.artifact import Artifact


def served(child: Popen[str]) -> int:
    """Wait until a page is served; return its port."""
    assert child.stderr is not None
    told = child.stderr.readline()
    found = re.fullmatch(r"Page: http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends\)\n", told)
    assert found, told + child.stderr.read()
    return int(found[1])


@pytest.mark.parametrize(
    ("number", "status", "more"), [(signal.SIGINT, 0, "Saved"), (signal.SIGTERM, 143, "")]
)
def test_a_signal_ends_it_and_what_was_trained_is_saved(
    tmp_path: Path, number: signal.Signals, status: int, more: str
) -> None:
    args = ["live", "-c", "demo", "--epochs", "90", "--port", "0", "--no-open", "-o", "made.npz"]
    with process(*args, cwd=tmp_path) as child:
        port = served(child)
        with connect(f"ws://127.0.0.1:{port}/socket") as ws:
            hello = json.loads(ws.recv(timeout=60))
            assert hello["training"] == "demo on sample"
            assert isinstance(ws.recv(timeout=60), bytes)
            child.send_signal(number)
            out, err = child.communicate(timeout=120)
    assert (child.returncode, out) == (status, "")
    assert "Traceback" not in err
    assert err.startswith(more)
    made = Artifact.load(tmp_path / "made.npz")
    assert not made.complete and made.state.presentation % 1000 == 0 < made.state.presentation
    # 200 of the 2000 are kept back.
    assert made.schedule.images == 1800


def test_who_does_not_read_does_not_hold_up_ctrl_c(tmp_path: Path) -> None:
    with process(
        "live", "-c", "demo", "--epochs", "90", "--port", "0", "--no-open", cwd=tmp_path
    ) as child:
        port = served(child)
        url = f"ws://127.0.0.1:{port}/socket"
        with socket.socket() as raw:
            # Few bytes have a place on the way.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", port))
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
            raw.sendall(
                f"GET /socket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\n{key}\r\n\r\n".encode()
            )
            with connect(url, max_size=None) as ws:
                # More than the server's side of the way takes, too.
                for _ in range(40):
                    ws.recv(timeout=60)
                child.send_signal(signal.SIGINT)
                out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "")
    # asyncio itself may warn, if warnings are on, that the way to it was not closed.
    assert "ERROR" not in err and "Cancel" not in err


def test_without_a_training_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    with process("live", "--margin", "20", "--port", "0", "--no-open", cwd=tmp_path) as child:
        port = served(child)
        with urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
            assert b"Prunus live" in page.read()
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=60) == ("", "")
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["tiny.npz"], "tiny.npz"),
        (["--on", "nowhere"], "Device must be golden, sim, socket:PATH, spi:/dev/spidev0.0 or"),
        (["--on", "/dev/nowhere"], "/dev/nowhere"),
        (["-o", "a.npz"], "--output needs --config"),
        (["-c", "demo", "-o", "a.txt"], "Output must end with .npz, not 'a.txt'"),
        (["-c", "tiny"], "Network must take images of 28 x 28 pixels to be drawn for"),
        (["-c", "demo", "--validation", "2000"], "--validation must be in 0..1999 for sample"),
        (["--margin", "99999999"], "margin"),
    ],
)
def test_what_it_cannot_do_is_one_line(tmp_path: Path, args: list[str], told: str) -> None:
    with process("live", *args, "--port", "0", "--no-open", cwd=tmp_path) as child:
        out, err = child.communicate(timeout=120)
    assert (child.returncode, out) == (2, "")
    assert told in err and "Traceback" not in err
    assert not list(tmp_path.glob("a.*"))


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with listening(0) as taken:
        port = str(taken.getsockname()[1])
        with process("live", "--port", port, "--no-open", cwd=tmp_path) as child:
            _, err = child.communicate(timeout=120)
    assert child.returncode == 2
    assert f"Port {port} must be free: Address already in use" in err


def test_nobody_else_can_connect() -> None:
    with listening(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.family == socket.AF_INET


@pytest.mark.sim
def test_the_simulated_gateware_is_drawn_for(tmp_path: Path) -> None:
    import base64

    pixels = base64.b64encode(bytes(112 * 20) + (bytes(50) + b"\xff" * 12 + bytes(50)) * 92)
    args = ["live", "--on", "sim", "--margin", "12", "--port", "0", "--no-open"]
    with process(*args, cwd=tmp_path) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "Building the simulation ...\n"
        with connect(f"ws://127.0.0.1:{served(child)}/socket") as ws:
            assert json.loads(ws.recv(timeout=60))["device"] == "the simulated gateware"
            for _ in range(2):
                message = {"version": 1, "type": "draw", "pixels": pixels.decode()}
                ws.send(json.dumps(message))
                told = json.loads(ws.recv(timeout=300))
                assert told["type"] == "result" and told["equal"]
                assert told["prediction"] == 1 and told["cycles"] > 0
                assert told["lead"] >= 12 and len(told["steps"]) < told["most_steps"]
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=60)[1] == ""
    assert child.returncode == 0
