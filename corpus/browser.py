"""Headless Chromium, driven by the Chrome DevTools protocol over a pair of pipes (``--remote-debugging-pipe``), with nothing between."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip
_PATIENCE = 60.0  # seconds that an answer may take, on a busy machine


def find_browser() -> str | None:
    """The first Chromium that is installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """A running Chromium with a profile of its own; a context manager that ends it."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="inspector-browser-", ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The browser reads its commands from descriptor 3 and writes its answers to 4; high numbers keep the two out of each other's way.
        ends = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (to_browser, from_browser)]

        def place_pipes() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [program, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=place_pipes,  # noqa: PLW1509 - tests have no threads that hold locks
            start_new_session=True,
        )
        for descriptor in (to_browser, from_browser, *ends):
            os.close(descriptor)
        self._number = 0
        self._buffer = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, TimeoutError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """One command and its answer; events that come meanwhile are kept in :attr:`events`."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self.next_message(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return cast("dict[str, Any]", answer["result"])
            self.events.append(answer)

    def next_message(self, deadline: float) -> dict[str, Any]:
        """The next answer or event; ``TimeoutError`` after the deadline, in seconds of the monotonic clock."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))
            piece = os.read(self._read, 1 << 16) if ready else b""
            if not piece:
                raise TimeoutError("the browser does not answer")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return cast("dict[str, Any]", json.loads(message))

    def open(
        self,
        path: Path,
        fragment: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        scripts: bool = True,
    ) -> Page:
        """A file in a new tab, loaded to its end, in a window of that size, with a system that prefers that theme."""
        return Page(self, path, fragment, width=width, height=height, dark=dark, scripts=scripts)


class Page:
    """A tab.

    :ivar requests: addresses that it asked for, its own first, also where its policy then kept it from going there.
    :ivar answers: addresses that it had an answer from.
    :ivar complaints: errors and warnings of its console, exceptions, and what its policy refused.
    """

    def __init__(
        self,
        browser: Browser,
        path: Path,
        fragment: str,
        *,
        width: int,
        height: int,
        dark: bool,
        scripts: bool,
    ) -> None:
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        self.requests: list[str] = []
        self.answers: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        media = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in media.items()]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        address = path.resolve().as_uri() + (f"#{fragment}" if fragment else "")
        self.call("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """A command for this tab."""
        answer = self._browser.call(method, session=self._session, **parameters)
        self._read_events()
        return answer

    def resize(self, width: int, height: int) -> None:
        """The size of the window, in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, expression: str) -> Any:  # noqa: ANN401 - whatever the expression is
        """The value of a JavaScript expression; a promise is waited for.  It is not bound by the page's policy, and works with scripts off."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 10) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.run(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """A click with the mouse in the middle of the first element that a selector finds."""
        place = self.run(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); found.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            " const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """A key, for what has the focus."""
        code = {
            "Enter": 13,
            "Backspace": 8,
            "Escape": 27,
            "Tab": 9,
            "ArrowRight": 39,
            "ArrowLeft": 37,
            "ArrowDown": 40,
            "ArrowUp": 38,
        }[key]
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, selector: str, text: str) -> None:
        """Text into a field, in the place of what is in it."""
        self.run(
            f"(() => {{ const field = document.querySelector({json.dumps(selector)}); field.focus(); field.select(); }})()"
        )
        self.call("Input.insertText", text=text)

    def screenshot(self, *, whole: bool = False, selector: str | None = None) -> bytes:
        """PNG of the window, of the whole page, or of an element."""
        parameters: dict[str, Any] = {"format": "png"}
        if whole:
            parameters["captureBeyondViewport"] = True
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            parameters["clip"] = {"x": 0, "y": 0, "width": box["width"], "height": box["height"], "scale": 1}
        if selector is not None:
            x, y, width, height = self.run(
                f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                " return [box.x + scrollX, box.y + scrollY, box.width, box.height]; })()"
            )
            parameters["captureBeyondViewport"] = True
            parameters["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self.call("Page.captureScreenshot", **parameters)["data"])

    def _wait_for(self, method: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            if any(name == method for name in self._read_events()):
                return
            self._browser.events.append(self._browser.next_message(deadline))

    def _read_events(self) -> list[str]:
        """Take this tab's events off the browser's list, and keep what is of interest."""
        mine = [event for event in self._browser.events if event.get("sessionId") == self._session]
        self._browser.events[:] = [event for event in self._browser.events if event.get("sessionId") != self._session]
        for event in mine:
            reader = _READERS.get(event["method"])
            if reader is not None:
                reader(self, event["params"])
        return [event["method"] for event in mine]


def _console(page: Page, event: dict[str, Any]) -> None:
    if event["type"] in ("error", "warning", "assert"):
        page.complaints.append(f"console: {[argument.get('value') for argument in event['args']]}")


_READERS: dict[str, Callable[[Page, dict[str, Any]], None]] = {
    "Runtime.consoleAPICalled": _console,
    "Runtime.exceptionThrown": lambda page, event: page.complaints.append(
        f"exception: {event['exceptionDetails'].get('exception', {}).get('description', event['exceptionDetails']['text'])}"
    ),
    "Log.entryAdded": lambda page, event: page.complaints.append(
        f"log: {event['entry']['level']}: {event['entry']['text']}"
    ),
    "Network.requestWillBeSent": lambda page, event: page.requests.append(event["request"]["url"]),
    "Network.responseReceived": lambda page, event: page.answers.append(event["response"]["url"]),
    "Page.javascriptDialogOpening": lambda page, event: page.complaints.append(f"dialog: {event['message']}"),
}
