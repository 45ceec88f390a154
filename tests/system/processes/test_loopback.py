"""If these fail, servers of this machine are asked through a proxy, which does not know them, and seem not to start."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from processes.loopback import VARIABLES, answers_http, bypass_proxies

PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens on the discard port."""


class Answer(BaseHTTPRequestHandler):
    """Answers every request with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment ask for a proxy for everything."""
    for name in PROXY_VARIABLES:
        monkeypatch.setenv(name, NOWHERE)
    for name in VARIABLES:
        # Set first, so that what the code under test sets is taken back afterwards.
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("proxied")
def test_a_server_here_is_asked_directly(server: str) -> None:
    assert answers_http(server, timeout_s=10.0)
    assert not answers_http(NOWHERE, timeout_s=10.0)


@pytest.mark.usefixtures("proxied")
def test_other_clients_ask_it_directly_too(server: str) -> None:
    """Users' own clients of the catalogue, by httpx or urllib."""
    with pytest.raises(httpx.ConnectError):
        httpx.get(server)
    bypass_proxies()
    assert httpx.get(server).status_code == 200
    with urllib.request.urlopen(server, timeout=10.0) as answer:
        assert answer.status == 200
