"""Requests to the queue server over 0MQ; every one ends after a time-out, every failure is words."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from errors import TrxasError

USER_GROUP = "primary"
"""Group of the queue server's permissions that windows belong to; the server's own default."""


class ServerSilentError(TrxasError, TimeoutError):
    """The queue server did not answer in time: whether it did what it was asked is not known."""


class RefusedError(TrxasError):
    """The queue server refused a request; the message is its own."""


class ManagerLink(Protocol):
    """What the window needs of a connection to the queue server."""

    @property
    def address(self) -> str:
        """Where the server is, for messages."""

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one request and return the answer; raises ServerSilentError or RefusedError."""

    def close(self) -> None:
        """Give the connection up."""


@dataclass(frozen=True)
class ServerAddress:
    """Where a server is, such as "tcp://127.0.0.1:60615", and its public key if it has one (CURVE, 40 characters)."""

    address: str
    public_key: str = ""


class ZmqManagerLink:
    """Connection to the server at `address`; made on first use, in the thread that uses it.

    A plain text is an address without a key. `address` may be a function that tells it, None while nobody serves: it is
    asked again after every failure, so that a server that comes back elsewhere is found. `name` and `command` are what
    people call it, and what starts it. A request takes at most `timeout_s`: longer than a server that opens its
    environment is busy.

    Speaks the queue server's own protocol (JSON `{"method", "params"}`, its documentation, "Run Engine Manager API")
    instead of using `bluesky_queueserver_api` 0.0.13: that opens two more sockets, starts five threads and leaves
    three 0MQ contexts behind for each connection.
    """

    def __init__(
        self,
        address: str | ServerAddress | Callable[[], ServerAddress | None],
        *,
        name: str = "queue server",
        command: str = "trxas serve",
        timeout_s: float = 3.0,
    ) -> None:
        known = ServerAddress(address) if isinstance(address, str) else address
        self._find = known if callable(known) else lambda: known
        self._name = name
        self._command = command
        self._timeout_s = timeout_s
        self._address = ""
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._address

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one request and return the answer."""
        try:
            socket = self._connected()
            socket.send_json({"method": method, "params": dict(parameters)})
            answer = socket.recv_json()
        except zmq.ZMQError as error:
            # A request that was not answered would block the next one on the same socket.
            self._disconnect()
            raise ServerSilentError(
                f"The {self._name} at {self._address} does not answer ({error}). Check that `{self._command}` runs."
            ) from error
        if not isinstance(answer, Mapping) or not answer.get("success", True):
            raise RefusedError(_words(answer))
        return answer

    def close(self) -> None:
        """Close the socket."""
        self._disconnect()
        if self._context is not None:
            self._context.term()
            self._context = None

    def _connected(self) -> zmq.Socket[bytes]:
        if self._context is None:
            self._context = zmq.Context()
        if self._socket is None:
            found = self._find()
            if found is None:
                raise ServerSilentError(f"No {self._name} runs for this data folder. Start one with `{self._command}`.")
            self._address = found.address
            socket = self._context.socket(zmq.REQ)
            self._socket = socket
            socket.linger = 0
            socket.sndtimeo = socket.rcvtimeo = round(1000 * self._timeout_s)
            if found.public_key:
                socket.curve_serverkey = found.public_key.encode()
                socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
            socket.connect(self._address)
        return self._socket

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def plan_item(name: str, arguments: Mapping[str, Any], uid: str = "") -> dict[str, Any]:
    """A plan as the server wants it."""
    item = {"item_type": "plan", "name": name, "args": [], "kwargs": dict(arguments)}
    return item | {"item_uid": uid} if uid else item


def signed(**parameters: Any) -> dict[str, Any]:
    """Parameters of a request that must say who asks."""
    return {**parameters, "user": getpass.getuser(), "user_group": USER_GROUP}


def _words(response: Any) -> str:
    message = str(response.get("msg", "")) if isinstance(response, Mapping) else str(response)
    return message.strip() or "The queue server refused without a reason. Its log may tell more."
