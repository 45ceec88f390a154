"""Requests to the queue server over 0MQ; each ends after a time-out, and each failure is an error with a message."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from errors import TrxasError
from processes.loopback import is_loopback

USER_GROUP = "primary"
"""Group of the queue server's permissions to which windows belong; the default of the server."""


class ServerSilentError(TrxasError, TimeoutError):
    """The queue server did not answer in time; whether it has carried out the request is not known."""


class RefusedError(TrxasError):
    """The queue server refused a request; the message is its own."""


class ManagerLink(Protocol):
    """A connection to the queue server, with the calls that the window needs."""

    @property
    def address(self) -> str:
        """Address of the server, for messages: "tcp://127.0.0.1:60615"."""

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to one request. Raises ServerSilentError or RefusedError."""

    def close(self) -> None:
        """Close the connection; a later request opens it again."""


@dataclass(frozen=True)
class ServerAddress:
    """Address of a server, such as "tcp://127.0.0.1:60615", and its public key, if any (CURVE, 40 characters)."""

    address: str
    public_key: str = ""


class ZmqManagerLink:
    """Connection to the server at `address`, opened on first use in the thread that uses it.

    A plain string is an address without a key. `address` may also be a function that returns it, or None while there is
    no server; it is called again after every failure, so that a server that comes back at another address is found.
    Error messages call the server `name` and suggest `command` to start it. A request takes at most `timeout_s`, which
    is longer than a server is blocked while it opens its environment.

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
        """Address of the server, "" before the first request."""
        return self._address

    def request(self, method: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to one request. Raises ServerSilentError or RefusedError."""
        try:
            # A REQ socket has two states: it sends, then it must receive. After a time-out it is still in the second
            # one, and a late answer would be taken for that to the next request. Such a socket is therefore thrown
            # away, and the next request opens another, at the address that is valid then. Whether the silent server has
            # carried out the request is not known; see `ServerSilentError`.
            socket = self._connected()
            socket.send_json({"method": method, "params": dict(parameters)})
            answer = socket.recv_json()
        except zmq.ZMQError as error:
            # A request that was not answered would block the next one on the same socket.
            self._disconnect()
            here = " on this machine" if is_loopback(self._address) else ""
            why = f" within {self._timeout_s:g} s" if isinstance(error, zmq.Again) else f" ({error})"
            raise ServerSilentError(
                f"The {self._name} at {self._address} does not answer{why}. Check that `{self._command}` runs{here}."
            ) from error
        if not isinstance(answer, Mapping) or not answer.get("success", True):
            raise RefusedError(_words(answer))
        return answer

    def close(self) -> None:
        """Close the socket and its context, without waiting for unsent messages (linger 0 s)."""
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
            # Without linger, closing a socket whose server is gone would wait for its unsent request, and with it the
            # end of the window.
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
    """Return a plan in the form in which the server takes it, with `uid` for an item that is in the queue already."""
    item = {"item_type": "plan", "name": name, "args": [], "kwargs": dict(arguments)}
    return item | {"item_uid": uid} if uid else item


def signed(**parameters: Any) -> dict[str, Any]:
    """Return the parameters of a request with the name of its user, the account of this process."""
    return {**parameters, "user": getpass.getuser(), "user_group": USER_GROUP}


def _words(response: Any) -> str:
    message = str(response.get("msg", "")) if isinstance(response, Mapping) else str(response)
    return message.strip() or "The queue server refused the request without giving a reason. See its log."
