"""If these fail, a phone shows an empty page, one too wide for its screen, or the dark side of a stylesheet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from gui.live.feed import QueueFeed
from storage import open_store
from tests.support.chromium import DESKTOP, PHONE, PROGRAM, Page, chromium
from tests.support.live_runs import energy_run
from tests.support.served import Queue, Served
from tests.support.waiting import WAIT_S, until
from trxas.watch.page import page_app
from trxas.watch.watcher import NightReader, Watcher

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium; Debian's package is chromium")

TOKEN = "0123456789abcdef" * 4
NAME = "CsPbBr3 <b>bold</b>"

FITS = "document.documentElement.scrollWidth <= innerWidth"
CIRCLES = "document.querySelectorAll('#plot circle').length"
BARS = "document.querySelectorAll('#plot line.bar').length"
NIGHT_ROWS = "document.querySelectorAll('#night tr').length"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for this module."""
    with chromium(tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


@contextmanager
def served_page(watcher: Watcher) -> Iterator[str]:
    """Serve the page of `watcher` on loopback; yields its address."""
    config = uvicorn.Config(page_app(watcher.view, TOKEN), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, "the page's server")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT_S)


def test_a_phone_shows_the_run_as_it_is_measured(page: Page, tmp_path: Path) -> None:
    """Word, progress, forecast, and the transient with error bars are on the first screen, at a size that is read."""
    feed = QueueFeed()
    with open_store(tmp_path, recover_runs=False) as store:
        watcher = Watcher(feed, NightReader(store))
        watcher.start()
        documents = energy_run(overrides={"sample": NAME})
        for name, doc in documents[:-1]:
            feed.put(name, doc)
        try:
            with served_page(watcher) as address:
                _look_at_it(page, address)
                feed.put(*documents[-1])
                page.wait("document.getElementById('word').textContent.includes('ENDED')")
            page.wait("document.getElementById('word').textContent.includes('STALE')")
        finally:
            watcher.stop()
    unreachable = [error for error in page.errors if "ERR_CONNECTION_REFUSED" not in error]
    assert unreachable == [], "the script threw, or its policy kept it from something"


def _look_at_it(page: Page, address: str) -> None:
    page.screen(PHONE, mobile=True)
    page.open(f"{address}/?token={TOKEN}")
    page.wait(f"{CIRCLES} > 0")
    assert page.value(CIRCLES) == page.value(BARS) == 44
    assert "LIVE" in page.value("document.getElementById('word').textContent")
    assert TOKEN not in page.value("location.href")
    assert NAME in page.value("document.getElementById('run').innerText")
    assert page.value("document.querySelectorAll('b').length") == 0, "a name of a sample is text"
    assert page.value("document.getElementById('bar').value") == 1.0
    assert page.value(FITS)
    assert page.value("document.getElementById('plot').getBoundingClientRect().bottom") < PHONE[1]
    text_height = "document.querySelector('#plot text').getBoundingClientRect().height"
    assert page.value(text_height) > 10, "pixels of the numbers of the axes"
    page.screen(DESKTOP, dark=True)
    page.wait("document.querySelector('#plot svg').clientWidth > 700", WAIT_S)
    assert page.value(FITS)
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 20, 20)"


@pytest.mark.long
@pytest.mark.channel_access
def test_both_pages_of_a_server_show_what_was_measured(page: Page, tmp_path: Path, ca_repeater: Any) -> None:
    """The page for phones during a run on a simulated beamline, and Tiled's own page with the key of the folder."""
    served = Served(tmp_path / "data", tmp_path / "log", "--page")
    try:
        state = served.wait_ready()
        queue = Queue(state)
        queue.start(dwell_s=60.0, repeats=3, sample="in the browser")
        page.screen(PHONE, mobile=True)
        page.open(f"{state.page}/?token={state.page_token}")
        page.wait(f"{CIRCLES} > 5")
        page.wait(f"{NIGHT_ROWS} > 1")
        page.wait("document.getElementById('forecast').textContent.includes('left')")
        queue.wait(manager_state="idle")
        page.wait("document.getElementById('word').textContent.includes('ENDED')")
        page.screen(DESKTOP)
        page.open(f"{state.tiled}/ui/browse/?api_key={state.tiled_key}")
        page.wait("document.body.innerText.includes('Contents')")
        page.wait("/[0-9a-f]{8}-[0-9a-f]{4}/.test(document.body.innerText)")
        queue.close()
    finally:
        served.kill_all()
