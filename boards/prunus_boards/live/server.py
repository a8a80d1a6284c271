"""The server: one page, one WebSocket, on this machine alone."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from prunus_boards.live.drawing import CANVAS, Shower, place
from prunus_boards.live.learning import Learning
from prunus_model.common.errors import PrunusError

__all__ = ["MESSAGE_MAX", "VERSION", "application", "listening", "server"]

#: Version of the messages.
VERSION = 1
#: Characters that a message may have.
MESSAGE_MAX = 1 << 16
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
_POLICY += "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def application(
    shower: Shower, learning: Learning | None, port: int, *, facts: dict[str, Any]
) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    shower : Shower
        What is drawn for.
    learning : Learning, optional
        What is watched.
    port : int
        Under which it is served; others are refused.
    facts : dict of str to Any
        Told to every page first: ``network``, ``device`` and ``training``, texts for a person.
    """
    # One thread: a device answers one request at a time.
    device = ThreadPoolExecutor(1, thread_name_prefix="device")

    async def connected(ws: WebSocket) -> None:
        await ws.accept()
        with suppress(WebSocketDisconnect, RuntimeError):
            await ws.send_json({"version": VERSION, "type": "hello", **facts})
        tasks = [asyncio.create_task(_answer(ws, shower, device))]
        if learning is not None:
            tasks.append(asyncio.create_task(_feed(ws, learning)))
        try:
            # The first to end has lost the client.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    static = StaticFiles(directory=Path(__file__).parent / "static", html=True)
    routes = [WebSocketRoute("/socket", connected), Mount("/", static)]
    return _OwnOnly(Starlette(routes=routes), port)


def server(app: ASGIApp) -> uvicorn.Server:
    """Return what serves the application on a listening socket: ``run(sockets=[listener])``."""
    config = uvicorn.Config(
        app,
        log_level="error",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=2 * MESSAGE_MAX,
        # Frames stay on this machine: to compress them takes longer than all else here.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    logging.getLogger("uvicorn.error").addFilter(_no_patience)
    return uvicorn.Server(config)


def _no_patience(record: logging.LogRecord) -> bool:
    """Leave out that a client which does not read is not waited for at the end."""
    return "timeout graceful shutdown exceeded" not in record.getMessage()


def listening(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone, port 0 for any that is free.

    Raises
    ------
    OSError
        If the port is not free.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        # So that a browser that is opened now waits until it is served.
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


async def _feed(ws: WebSocket, learning: Learning) -> None:
    """Send the newest frame as soon as there is one; a slow client misses those in between."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    sent, told = 0, False

    def tell() -> None:
        # A loop that was closed in a hurry is no mistake of the training.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    with learning.telling(tell):
        while True:
            news.clear()
            number, data = learning.newest
            if number != sent:
                await ws.send_bytes(data)
                sent = number
            if learning.error and not told:
                await ws.send_json({"version": VERSION, "type": "error", "text": learning.error})
                told = True
            await news.wait()


async def _answer(ws: WebSocket, shower: Shower, device: Executor) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            message = await ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            answer: dict[str, Any]
            try:
                pixels = place(_canvas(message.get("text")))
                made = await loop.run_in_executor(device, shower.shown, pixels)
                answer = {"type": "result", **made}
            except (ValueError, PrunusError) as e:
                answer = {"type": "error", "text": " ".join(str(e).split())}
            await ws.send_json({"version": VERSION, **answer})
    except (WebSocketDisconnect, RuntimeError):
        return


def _canvas(text: str | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the drawing in a message.

    Raises
    ------
    ValueError
        If something is wrong with the message.
    """
    if text is None:
        raise ValueError("Message must be text, not bytes")
    if len(text) > MESSAGE_MAX:
        raise ValueError(f"Message must have at most {MESSAGE_MAX} characters, not {len(text)}")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("Message must be JSON") from None
    if not isinstance(message, dict):
        raise ValueError("Message must be a JSON object")  # noqa: TRY004
    if message.get("version") != VERSION:
        raise ValueError(f"version must be {VERSION}, not {str(message.get('version'))[:20]!r}")
    if message.get("type") != "draw":
        raise ValueError(f"type must be 'draw', not {str(message.get('type'))[:20]!r}")
    pixels = message.get("pixels")
    if not isinstance(pixels, str):
        raise ValueError("pixels must be a string of base64")  # noqa: TRY004
    try:
        data = base64.b64decode(pixels, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("pixels must be base64") from None
    if len(data) != CANVAS * CANVAS:
        raise ValueError(f"pixels must be {CANVAS * CANVAS} bytes, not {len(data)}")
    return np.frombuffer(data, np.uint8).reshape(CANVAS, CANVAS)


class _OwnOnly:
    """Refuse whatever is not addressed to this machine, or comes from another page."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        hosts = [v.decode("latin-1") for k, v in scope["headers"] if k == b"host"]
        origins = [v.decode("latin-1") for k, v in scope["headers"] if k == b"origin"]
        ours = len(hosts) == 1 and hosts[0] in self._hosts
        if not ours or any(origin != f"http://{hosts[0]}" for origin in origins):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                refusal = PlainTextResponse("Host and Origin must be this machine\n", 403)
                await refusal(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cache-control", b"no-cache"),
                ]
            await send(message)

        await self._app(scope, receive, guarded)
