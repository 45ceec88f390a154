"""The page for phones and for people at home: read-only, and protected by a token."""

from __future__ import annotations

import hashlib
import secrets
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from trxas.watch.view import WatchView

REMEMBERED_S = 30 * 24 * 3600
"""A browser that has shown the token does not need it again for 30 days."""

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

REFUSAL = (
    "This page needs its token. `trxas watch --address` prints the whole address on the machine that serves it; the "
    "file serve.json in the data folder has it too.\n"
)


def page_app(view: Callable[[], WatchView], token: str) -> Starlette:
    """Return the page as an ASGI application; `view` is called, in a thread, for every request of the data.

    The address `/?token=...` leaves the token in a cookie. Other programs send it as `Authorization: Bearer ...`.
    Every request without it is refused with the status 401.
    """
    html = files("trxas.watch").joinpath("page.html").read_text(encoding="utf-8")
    # Cookies do not know ports: two data folders that are served on one machine need cookies of different names.
    cookie = f"trxas-{hashlib.sha256(token.encode()).hexdigest()[:8]}"

    def may_read(request: Request) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return any(_same(given, token) for given in (request.cookies.get(cookie, ""), bearer))

    def index(request: Request) -> Response:
        if _same(request.query_params.get("token", ""), token):
            # Redirected at once, so that the token stays neither in the history nor in a shared screenshot.
            answer: Response = RedirectResponse("./", status_code=303, headers=HEADERS)
            answer.set_cookie(cookie, token, max_age=REMEMBERED_S, httponly=True, samesite="lax")
            return answer
        if not may_read(request):
            return PlainTextResponse(REFUSAL, status_code=401, headers=HEADERS)
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'"
        return HTMLResponse(html.replace("@NONCE@", nonce), headers={**HEADERS, "Content-Security-Policy": policy})

    def data(request: Request) -> Response:
        if not may_read(request):
            return PlainTextResponse(REFUSAL, status_code=401, headers=HEADERS)
        return JSONResponse(view().as_record(), headers=HEADERS)

    return Starlette(routes=[Route("/", index, methods=["GET"]), Route("/view.json", data, methods=["GET"])])


def _same(given: str, token: str) -> bool:
    # In constant time: how long a refusal takes must not tell how much of a guess was right.
    return secrets.compare_digest(given.encode(), token.encode())
