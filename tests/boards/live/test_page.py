"""The page in a real browser without a window: what one does, and what one then reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from prunus_live import Frames, serving, shower

pytest.importorskip("starlette")

from prunus_boards.live.browser import Browser, BrowserError, found
from prunus_boards.live.drawing import place
from prunus_boards.live.learning import Learning, Validation, frame
from prunus_model.cli.common import load_network
from prunus_model.data.events.split import load_for
from prunus_model.spec.config import NetworkConfig
from prunus_model.training.trainer import Trainer

in_browser = pytest.mark.skipif(found() is None, reason="needs Chromium")

ARTIFACT = load_network("demo")
SEVEN = [
    (0.25, 0.25),
    (0.5, 0.25),
    (0.75, 0.25),
    (0.68, 0.4),
    (0.6, 0.55),
    (0.5, 0.7),
    (0.45, 0.85),
]
ANSWERED = "document.querySelector('#status').textContent === 'Answered'"
#: Places inside the window and the element whose content is wider than itself, if any.
WIDE = """[...document.querySelectorAll("body *")].filter((e) => e.offsetParent &&
  (e.getBoundingClientRect().right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1 &&
   getComputedStyle(e).display !== "inline")).map((e) => e.id || e.tagName)"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ARTIFACT) as port:
        yield port


def page(browser: Browser, port: int) -> None:
    browser.open(f"http://127.0.0.1:{port}/")
    browser.wait("document.querySelector('#status').textContent === 'Connected'")
    browser.wait("document.querySelector('#of').textContent")


def expected(browser: Browser) -> dict[str, Any]:
    """Return what the driver gets for what is on the canvas."""
    canvas = browser.evaluate(
        "[...document.querySelector('#pad').getContext('2d').getImageData(0, 0, 112, 112).data]"
    )
    pixels = np.array(canvas, np.uint8).reshape(112, 112, 4)[:, :, 0]
    with shower(ARTIFACT) as (made, _):
        return made.shown(place(pixels))


def assert_shown(browser: Browser, want: dict[str, Any]) -> None:
    assert browser.text("#prediction") == str(want["prediction"])
    assert browser.text("#stop").endswith(f"lead {want['lead']}.")
    assert browser.text("#agrees") == "Equal to the reference."
    winners = browser.evaluate(
        "[...document.querySelectorAll('#winners li')].map((e) => e.textContent)"
    )
    assert winners == [f"step {step}: neuron {post}" for step, post in want["winners"]]
    votes = browser.evaluate("document.querySelector('#votes').getAttribute('aria-label')")
    assert re.findall(r"\d+: (\d+)", votes) == [str(score) for score in want["scores"]]
    spikes = browser.evaluate("document.querySelector('#raster').getAttribute('aria-label')")
    assert spikes.split()[0] == str(sum(len(step["inputs"]) for step in want["steps"]))


@in_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)])
def test_a_drawn_digit(port: int, width: int, dark: bool) -> None:
    with Browser(width=width, dark=dark) as browser:
        page(browser, port)
        assert browser.text("#of") == "For demo, 100 neurons, on a test."
        browser.drag("#pad", SEVEN)
        browser.wait(ANSWERED)
        want = expected(browser)
        assert want["prediction"] == 7
        assert_shown(browser, want)
        assert browser.evaluate(WIDE) == []
        back = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", back))) < 200) == dark
        # Everything is drawn: no chart is of one colour.
        for name in ("votes", "raster", "lead", "picture"):
            colours = browser.evaluate(
                f"new Set(new Uint32Array(document.querySelector('#{name}').getContext('2d')"
                f".getImageData(0, 0, 9999, 999).data.buffer)).size"
            )
            assert colours > 2, name
        assert browser.errors == []


@in_browser
def test_a_digit_by_keyboard(port: int) -> None:
    with Browser() as browser:
        page(browser, port)
        browser.press("Tab")
        assert browser.evaluate("document.activeElement.id") == "pad"
        browser.press("Enter")
        browser.wait("document.querySelector('#status').textContent === 'Draw something first'")
        for _ in range(10):
            browser.press("ArrowUp")
        browser.press(" ")
        assert browser.text("#status") == "Pen down at 56, 16"
        assert not browser.evaluate("document.querySelector('#pen').hidden")
        for _ in range(20):
            browser.press("ArrowDown")
        browser.press(" ")
        assert browser.text("#status") == "Pen up at 56, 96"
        browser.press("Enter")
        browser.wait(ANSWERED)
        want = expected(browser)
        assert want["prediction"] == 1
        assert_shown(browser, want)
        browser.press("Tab")
        assert browser.evaluate("document.activeElement.id") == "show"
        browser.press("Enter")
        browser.wait(ANSWERED)
        browser.press("Tab")
        browser.press(" ")
        browser.wait("document.querySelector('#status').textContent === 'Cleared'")
        assert not any(expected(browser)["pixels"])
        assert browser.errors == []


@in_browser
def test_a_training_is_shown_to_two_pages() -> None:
    config = NetworkConfig.named("demo")
    images = load_for(config.encoder, "sample", "train")
    trainer = Trainer(config, images.take(0, 1500), epochs=2)
    learning = Learning(trainer, Validation(trainer, images.take(1500, 100)))
    with serving(ARTIFACT, learning) as port, Browser(width=400) as browser, Browser() as other:
        for each in (browser, other):
            page(each, port)
            assert each.evaluate("document.querySelector('#watched').hidden")
        learning.start()
        browser.wait("!document.querySelector('#watched').hidden")
        other.open("about:blank")
        browser.drag("#pad", SEVEN)
        browser.wait(ANSWERED)
        browser.wait("document.querySelector('#facts').textContent.includes('3,000 of 3,000')")
        learning.wait()
        counters = learning.end().counters
        saved = 1 - (counters.forward_sops + counters.update_sops) / (
            counters.forward_dense + counters.update_dense
        )
        names = browser.evaluate("[...document.querySelectorAll('dt')].map((e) => e.textContent)")
        values = browser.evaluate("[...document.querySelectorAll('dd')].map((e) => e.textContent)")
        facts = dict(zip(names, values, strict=True))
        assert facts["SOPs saved"] == f"{100 * saved:.1f} %"
        assert all(facts[f"{which} accuracy"].endswith(" %") for which in ("Validation", "Running"))
        assert browser.evaluate(WIDE) == []
        # 10 x 10 fields of 28 x 28, one pixel between them.
        size = "[document.querySelector('#fields').width, document.querySelector('#fields').height]"
        assert browser.evaluate(size) == [289, 289]
        assert browser.errors == []


#: What is drawn of a training, as numbers.
DRAWN = """["curve", "fields", "thresholds", "counts"].map((id) => {
  const c = document.getElementById(id);
  return [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]
    .reduce((sum, v, i) => (sum * 31 + v * (i % 251 + 1)) % 1000000007, c.width); })"""
#: Draws only when it is told to, as in a page that is hidden; and no time passes.
HELD = """Object.assign(window, { held: [], timers: new Map(), set: 0 });
window.requestAnimationFrame = (f) => held.push(f);
window.setTimeout = (f) => { set += 1; timers.set(set, f); return set; };
window.clearTimeout = (number) => timers.delete(number);
window.release = (from) => {
  const now = [...from.values()]; held = []; timers.clear(); now.forEach((f) => f());
}"""


def made(count: int) -> list[bytes]:
    """Return frames of a training, the last of them of its end."""
    images = load_for(NetworkConfig.named("demo").encoder, "sample", "train")
    trainer = Trainer(NetworkConfig.named("demo"), images.take(0, 500), epochs=2 * count)
    frames, curve = [], list[tuple[int, float, float | None, float | None]]()
    while not trainer.done:
        now = trainer.advance()
        curve.append((now.presentation, now.density, now.accuracy, now.accuracy))
        frames.append(frame(trainer, now.counters, list(curve)))
    return frames


def pictured(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the receptive fields in a frame: weights as grey, pruned synapses red."""
    length = int.from_bytes(data[:4], "little")
    weights, alive = np.frombuffer(data[4 + length :], np.uint8).reshape(2, 10, 10, 28, 28)
    picture = np.full((10, 29, 10, 29, 4), (0x26, 0x29, 0x2F, 255), np.uint8)
    w_max = NetworkConfig.named("demo").formats.w_max
    grey = weights.astype(np.int64) * 255 // w_max
    colours = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1).astype(np.uint8)
    colours[alive == 0] = (0x5C, 0x0A, 0x1E, 255)
    picture[:, :28, :, :28] = colours.transpose(0, 2, 1, 3, 4)
    return picture.reshape(290, 290, 4)[:289, :289]


@in_browser
def test_what_changes_is_drawn_as_if_all_was() -> None:
    frames, feed = made(6), Frames()
    with serving(ARTIFACT, feed) as port, Browser(width=400) as browser:
        page(browser, port)
        count, drawn = "Number(document.querySelector('#watched').dataset.frames || 0)", []
        for number, data in enumerate(frames, 1):
            before = browser.evaluate(count)
            feed.make(data)
            # Bars and texts come in turns, and both once no frame follows.
            browser.wait(f"{count} === {before + 2}")
            assert browser.evaluate("document.querySelector('#progress').value") == 1000 * number
            drawn.append(browser.evaluate(DRAWN))
            browser.evaluate("dispatchEvent(new Event('resize'))")
            browser.wait(f"{count} === {before + 3}")
            assert browser.evaluate(DRAWN) == drawn[-1], number
        for values in zip(*drawn, strict=True):
            assert len(set(values)) == len(frames)
        pixels = "getContext('2d').getImageData(0, 0, 289, 289).data"
        fields = browser.evaluate(f"[...document.querySelector('#fields').{pixels}]")
        assert np.array_equal(np.array(fields, np.uint8).reshape(289, 289, 4), pictured(frames[-1]))
        before = browser.evaluate(count)
        scheme = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[scheme])
        browser.wait(f"{count} === {before + 1}")
        dark = browser.evaluate(DRAWN)
        assert [a == b for a, b in zip(dark, drawn[-1], strict=True)] == [False, True, False, False]
        assert browser.errors == []


@in_browser
def test_only_the_newest_is_drawn_when_the_browser_draws() -> None:
    frames, feed = made(4), Frames()
    with serving(ARTIFACT, feed) as port, Browser() as browser:
        page(browser, port)
        browser.evaluate(HELD)
        feed.wait_for(1)
        for number, data in enumerate(frames[:3], 1):
            feed.make(data)
            browser.wait(f"set === {number}")
            # One drawing, and one that follows if no frame does.
            assert browser.evaluate("[held.length, timers.size]") == [1, 1]
            assert browser.evaluate("document.querySelector('#watched').hidden")
        browser.evaluate("window.rest = [...timers.values()]; release(held)")
        for count in ("1", "2"):
            assert browser.evaluate("document.querySelector('#progress').value") == 3000
            assert browser.evaluate("document.querySelector('#watched').dataset.frames") == count
            # Nothing more is drawn until something comes, or nothing has.
            assert browser.evaluate("[held.length, timers.size]") == [0, 0]
            browser.evaluate("release(rest); rest = []; release(held)")
        assert browser.errors == []


@in_browser
def test_a_page_tells_that_the_server_is_gone() -> None:
    with Browser() as browser:
        with serving(ARTIFACT) as port:
            page(browser, port)
        browser.wait("document.querySelector('#status').className === 'wrong'")
        assert browser.text("#status") == "Not connected; trying again"
        browser.drag("#pad", SEVEN)
        assert browser.text("#status") == "Not connected: nothing was shown"


@in_browser
def test_a_browser_tells_what_goes_wrong() -> None:
    with Browser() as browser:
        with pytest.raises(BrowserError, match="nothing_of_this_name"):
            browser.evaluate("nothing_of_this_name")
        with pytest.raises(BrowserError, match=r"must accept No\.method"):
            browser.call("No.method")
        profile = browser._profile
    assert not profile.exists() and browser._process.returncode is not None
