"""Chromium without a window, for tests and pictures of the page.

It is spoken to with the Chrome DevTools Protocol over the WebSocket that it opens.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import connect

from prunus_boards.driver.transports.base import Closing
from prunus_model.common.errors import PrunusError

__all__ = ["Browser", "BrowserError", "found"]

#: What it may be called.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Seconds for what takes a moment: to start, to answer, to come to what is waited for.
_PATIENCE = 60.0
_CODES = {" ": "Space", "Enter": "Enter", "Delete": "Delete", "Tab": "Tab"}
_NUMBERS = {" ": 32, "Enter": 13, "Delete": 46, "Tab": 9} | {
    f"Arrow{name}": number for number, name in enumerate(("Left", "Up", "Right", "Down"), 37)
}


class BrowserError(PrunusError):
    """The browser did not start, or something in the page went wrong."""


def found() -> str | None:
    """Return the path of the browser; None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Browser(Closing):
    """One page in a browser of its own, with a profile that is removed at the end.

    Parameters
    ----------
    width, height : int
        Of the page, in CSS pixels.
    dark : bool
        Whether the user prefers dark colours.

    Raises
    ------
    BrowserError
        If there is no browser, or it does not start.
    """

    def __init__(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        program = found()
        if program is None:
            raise BrowserError(f"Browser must be installed, as one of {', '.join(_NAMES)}")
        self._number = 0
        self._errors: list[str] = []
        self._profile = Path(tempfile.mkdtemp(prefix="prunus-browser-"))
        self._process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
                "--remote-debugging-port=0",
                f"--user-data-dir={self._profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._socket = connect(self._address(), max_size=None, proxy=None, legacy=True)
        except BaseException:
            self._end()
            raise
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setScrollbarsHidden", hidden=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._end()

    @property
    def errors(self) -> list[str]:
        """What the page has written into the console as an error, and exceptions, so far."""
        self.evaluate("0")
        return self._errors

    @property
    def processor_time(self) -> float:
        """Seconds that all processes of the browser have taken of the processors so far."""
        port, path = (self._profile / "DevToolsActivePort").read_text().split()
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, legacy=True) as whole:
            whole.send(json.dumps({"id": 1, "method": "SystemInfo.getProcessInfo"}))
            told = json.loads(whole.recv(timeout=_PATIENCE))
        return float(sum(process["cpuTime"] for process in told["result"]["processInfo"]))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol; return what it answers.

        Raises
        ------
        BrowserError
            If it is refused.
        """
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE))
            if message.get("id") == self._number:
                break
            self._note(message)
        if "error" in message:
            raise BrowserError(f"Browser must accept {method}: {message['error']['message']}")
        answer: dict[str, Any] = message["result"]
        return answer

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        self.call("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript; a promise is waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(f"Page must know {expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true.

        Raises
        ------
        BrowserError
            If it is not within a minute.
        """
        until = time.monotonic() + _PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            if time.monotonic() > until:
                raise BrowserError(f"Page must come to {expression}; errors: {self._errors}")
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """Scroll to an element; return left, top, width and height in the window."""
        name = json.dumps(selector)
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({name});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height]; })()"
        )
        left, top, width, height = map(float, box)
        return left, top, width, height

    def drag(self, selector: str, points: list[tuple[float, float]]) -> None:
        """Press the mouse at the first point, move along the others, and let go.

        Points are shares of width and height of an element.
        """
        left, top, width, height = self.place(selector)
        places = [(left + x * width, top + y * height) for x, y in points]
        self._mouse("mousePressed", places[0])
        for place in places[1:]:
            self._mouse("mouseMoved", place)
        self._mouse("mouseReleased", places[-1])

    def press(self, key: str) -> None:
        """Press a key and let go; named as in JavaScript."""
        given: dict[str, Any] = {"key": key, "code": _CODES.get(key, key)}
        given["windowsVirtualKeyCode"] = _NUMBERS.get(key, 0)
        text = {" ": " ", "Enter": "\r"}.get(key)
        more = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **given, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def picture(self, selector: str = "html") -> bytes:
        """Return an element, whole, as PNG."""
        name = json.dumps(selector)
        box = self.evaluate(
            f"(() => {{ const b = document.querySelector({name}).getBoundingClientRect();"
            "return [b.left + scrollX, b.top + scrollY, b.width, b.height]; })()"
        )
        clip = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {"scale": 1}
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(answer["data"])

    def _mouse(self, kind: str, place: tuple[float, float]) -> None:
        x, y = place
        self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def _note(self, message: dict[str, Any]) -> None:
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self._errors.append(str(message["params"]["exceptionDetails"]))
            case "Log.entryAdded" if message["params"]["entry"]["level"] == "error":
                self._errors.append(str(message["params"]["entry"]["text"]))

    def _address(self) -> str:
        """Return the address of the page, once the browser has started."""
        until = time.monotonic() + _PATIENCE
        port = self._profile / "DevToolsActivePort"
        while time.monotonic() < until and self._process.poll() is None:
            # The first line is the port; the second comes with it or later.
            if port.exists() and len(lines := port.read_text().splitlines()) > 1:
                with urlopen(f"http://127.0.0.1:{lines[0]}/json/list", timeout=_PATIENCE) as told:
                    for page in json.load(told):
                        if page["type"] == "page":
                            return str(page["webSocketDebuggerUrl"])
            time.sleep(0.05)
        raise BrowserError("Browser must start within a minute")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)
