"""A headless Chromium driven through its DevTools protocol, over two pipes: no driver, no port.

Messages are JSON, each ended by a zero byte (the browser's `--remote-debugging-pipe`).
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # a test of our own page, often as root in a container
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The browser reads from 3 and writes to 4; the numbers it is given are above both.
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
KEYS = {"Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process; a context manager, since it must end."""

    def __init__(self, program: str, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
        flags = (*FLAGS, f"--user-data-dir={profile}", "about:blank")
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, ends), program, *flags],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._buffer = b""
        self._number = 0
        self.events: deque[dict[str, Any]] = deque()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)

    def page(self, site: str | None = None) -> "Page":
        """A new tab; site: the one address, as http://localhost:8420, that it may talk to."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        return Page(self, target, attached["sessionId"], site)

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The result of a method; RuntimeError with the browser's own words when it fails."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._read, 2**20)
            if not part:
                raise RuntimeError("the browser has ended")
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(line))


class Page:
    """A tab without a network, or for one site. `complaints` is what stood on its console, and what
    it asked for elsewhere."""

    def __init__(
        self, browser: Browser, target: str, session: str, site: str | None = None
    ) -> None:
        self._browser, self._target, self._session = browser, target, session
        self._site = site
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        offline = {
            "offline": site is None,
            "latency": 0,
            "downloadThroughput": 0,
            "uploadThroughput": 0,
        }
        self.call("Network.emulateNetworkConditions", **offline)

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def open(self, path: Path) -> None:
        """Loads a file and waits for the end of that."""
        self.go(path.as_uri())

    def go(self, url: str) -> None:
        before = self._loads()
        self.call("Page.navigate", url=url)
        self._until_loaded(before)

    def press_and_go(self, selector: str) -> None:
        """Clicks on what leads to another page, and waits for that."""
        before = self._loads()
        self.click(selector)
        self._until_loaded(before)

    def _until_loaded(self, before: int) -> None:
        while self._loads() == before:
            self._browser.events.append(self._browser.receive())

    def _loads(self) -> int:
        return sum(event["method"] == "Page.loadEventFired" for event in self._own())

    def run(self, script: str) -> Any:
        """The value of an expression, awaited; RuntimeError when it throws."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        for _ in range(times):
            down = {**code, "type": "keyDown" if text else "rawKeyDown"}
            self.call("Input.dispatchKeyEvent", **down, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def click(self, selector: str) -> None:
        """The mouse goes there and presses: what lies on top gets it."""
        x, y = self.run(
            f"(() => {{ const at = document.querySelector({json.dumps(selector)});"
            "at.scrollIntoView({block: 'center'}); const box = at.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        self.drag((x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> None:
        """Press at `start`, move to `end` when there is one, let go."""
        button = {"button": "left", "clickCount": 1}
        self._mouse("mousePressed", start, **button)
        if end:
            self._mouse("mouseMoved", end, button="left", buttons=1)
        self._mouse("mouseReleased", end or start, **button)

    def _mouse(self, kind: str, at: tuple[float, float], **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], **more)

    def look(
        self, width: int, height: int = 900, scheme: str = "light", phone: bool = False
    ) -> None:
        """Size of the window, and the colours that the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def settle(self) -> None:
        """Until two frames were drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def pdf(self, **options: Any) -> bytes:
        return base64.b64decode(
            self.call("Page.printToPDF", printBackground=True, **options)["data"]
        )

    def complaints(self) -> list[str]:
        """Console messages, exceptions and requests to anything but this file and its own data."""
        self.run("0")  # whatever was on its way is here then
        found = list(filter(None, map(_complaint, self._own())))
        return [each for each in found if not (self._site and each.startswith(f"{self._site}/"))]

    def _own(self) -> list[dict[str, Any]]:
        events = self._browser.events
        return [event for event in events if event.get("sessionId") == self._session]


def _complaint(event: dict[str, Any]) -> str | None:
    method, params = event["method"], event["params"]
    if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
        return json.dumps(params)
    if method == "Network.requestWillBeSent":
        url = str(params["request"]["url"])
        return None if url.startswith(("file:", "data:", "about:", "blob:")) else url
    return None
