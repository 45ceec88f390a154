"""Connections within this machine never go through an HTTP proxy, whatever the environment sets."""

from __future__ import annotations

import ipaddress
import os
import socket
import urllib.request
from urllib.parse import urlsplit

HOSTS = ("127.0.0.1", "localhost", "::1")
"""Names of this machine in lists of hosts without a proxy."""

VARIABLES = ("NO_PROXY", "no_proxy")
"""Both spellings: urllib prefers the second one, httpx and requests read either."""


def is_loopback(uri: str) -> bool:
    """Return whether the host of a URI is this machine itself; raises ValueError for a URI that is malformed."""
    host = urlsplit(uri).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bypass_proxies(*further: str) -> None:
    """Add this machine, and `further` hosts, to those without a proxy, for this process and those that it starts.

    Both variables of the environment are set, to the union of their hosts in order.
    """
    named = [host.strip() for variable in VARIABLES for host in os.environ.get(variable, "").split(",")]
    hosts = ",".join(dict.fromkeys([*filter(None, named), *HOSTS, *further]))
    for variable in VARIABLES:
        os.environ[variable] = hosts


def answers_http(uri: str, *, timeout_s: float) -> bool:
    """Return whether a server of this machine answers `uri` with status 200 within `timeout_s` seconds."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(uri, timeout=timeout_s) as answer:
            return int(answer.status) == 200
    except OSError:  # urllib's errors among them
        return False


def is_open(host: str, port: int, *, timeout_s: float = 1.0) -> bool:
    """Return whether `port` of `host` takes a connection within `timeout_s` seconds."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False
