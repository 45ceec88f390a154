"""The application of the embedded catalogue, without what only a server on a network needs.

A request to Tiled's own application takes 25 ms of processor time, of which finding the record is the smaller part.
[Decision 36](../docs/decisions/0036-requests-of-the-embedded-catalogue.md) states where the rest went.
"""

from __future__ import annotations

import collections
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
from tiled.client.context import Context
from tiled.config import Authentication
from tiled.media_type_registration import SerializationRegistry
from tiled.server.app import build_app
from tiled.server.settings import get_settings

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]

_KEY = "embedded"
"""The server's key, which never leaves this process: nothing listens on a port."""


def embedded_context(adapter: Any, serializers: SerializationRegistry) -> Any:
    """Return Tiled's context of a client of the catalogue `adapter`, with a server in a thread of this process."""
    authentication = Authentication(single_user_api_key=_KEY)
    app = build_app(adapter, authentication=authentication, serialization_registry=serializers)
    lighten(app)
    with warnings.catch_warnings():
        # Tiled 0.2.20 drives the embedded server through starlette's test client, which now prefers httpx2.
        warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
        context = Context.from_app(app, api_key=_KEY)
    transport = context.http_client._transport
    transport.transport = _InProcess(app, context.http_client.portal, transport.transport)
    return context


def lighten(app: Any) -> None:
    """Remove from an application of Tiled, before its start, what costs time and only a network needs.

    Whatever a later version does differently is left as it is, so that requests are slower, never wrong.
    """
    # Tiled replaces one dependency of its routes, the settings, by a function that changes these settings once and
    # then returns the same object. FastAPI inspects the signatures of all dependencies at each request as soon as
    # one has a replacement. Once the settings are changed, the replacement replaces nothing.
    overrides = app.dependency_overrides
    if list(overrides) == [get_settings] and overrides[get_settings]() is get_settings():
        app.dependency_overrides = _Themselves()
    # CORS, compression, cookies against forged requests, versions of clients, metrics, ids of requests.
    app.user_middleware.clear()
    app.add_middleware(_RequestState)


class _Themselves(dict[Any, Any]):
    """Replacements of dependencies: there are none, so each dependency of Tiled is replaced by itself."""

    def __missing__(self, dependency: Any) -> Any:
        return dependency


class _RequestState:
    """The part of Tiled's middleware that its routes depend on: where they note their times, cookies and user."""

    def __init__(self, app: _Application) -> None:
        self._app = app

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        state = scope.setdefault("state", {})
        state["metrics"] = collections.defaultdict(lambda: collections.defaultdict(int))
        state["cookies_to_set"] = []
        state["principal"] = None
        await self._app(scope, receive, send)


class _InProcess(httpx.BaseTransport):
    """A transport that hands a request to the server's thread, and wakes the caller once, with the whole response.

    The test client passes each part of a response on by itself, with eight changes between the two threads. `fallback`
    is the transport of the test client, for web sockets.
    """

    def __init__(self, app: Any, portal: Any, fallback: httpx.BaseTransport) -> None:
        self._asgi = httpx.ASGITransport(app)
        self._portal = portal
        self._fallback = fallback

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request in the server's thread; other schemes than http and https go to the `fallback`.

        Raises what the server raises for the request.
        """
        if request.url.scheme not in ("http", "https"):
            return self._fallback.handle_request(request)
        request.read()
        response: httpx.Response = self._portal.call(self._answer, request)
        return response

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._asgi.handle_async_request(request)
        # As it is: the caller decodes it by the headers.
        content = b"".join([part async for part in response.aiter_raw()])
        stream = httpx.ByteStream(content)
        return httpx.Response(response.status_code, headers=response.headers, stream=stream, request=request)

    def close(self) -> None:
        self._fallback.close()
