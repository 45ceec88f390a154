"""Headless Chromium on a page, driven by the protocol of its developer tools, where Debian's package is installed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.waiting import WAIT_S, until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""The browser, None where there is none."""

PHONE = (390, 844)
DESKTOP = (1280, 900)
"""Width and height of a screen, in pixels of CSS."""

OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    # Chromium refuses its sandbox to root. It opens pages of this machine alone here.
    "--no-sandbox",
)


class Page:
    """One page of a browser; what its script logs as an error, or throws, is in `errors`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        """Carry out one command and return its result; raises AssertionError if the browser refuses it."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(WAIT_S))
            self._note(message)
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message}"
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(json.dumps(parameters["entry"]))

    def screen(self, size: tuple[int, int], *, mobile: bool = False, dark: bool = False) -> None:
        """Take the size of a screen, that of a phone with touch and two pixels per pixel if `mobile`."""
        width, height = size
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, address: str) -> None:
        """Go to an address."""
        self.send("Page.navigate", url=address)

    def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript on the page, as JSON holds it."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str, timeout_s: float = WAIT_S) -> None:
        """Wait until an expression is true on the page; without a body, a page is still loading."""
        loaded = f"Boolean(document.body && ({expression}))"
        until(lambda: self.value(loaded), lambda: self.value("document.body?.innerText"), timeout_s)

    def picture(self, path: Path, *, whole: bool = False) -> Path:
        """Save what is seen, or with `whole` all of the page, as PNG."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Run a browser without a screen, with its files in `profile`; yields its page."""
    assert PROGRAM is not None
    command = [PROGRAM, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            announced = profile / "DevToolsActivePort"
            until(lambda: announced.exists() and announced.read_text().count("\n") == 1, lambda: browser.poll())
            port, path = announced.read_text().split()
            with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, max_size=None) as root:
                root.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
                found = json.loads(root.recv(WAIT_S))["result"]["targetInfos"]
            target = next(one["targetId"] for one in found if one["type"] == "page")
            with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", proxy=None, max_size=None) as connection:
                yield Page(connection)
        finally:
            browser.terminate()
            browser.wait(WAIT_S)
