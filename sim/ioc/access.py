"""Who writes: what the server knows of a client, and who may refuse its writes."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Client:
    """A client's connection: the user it claims to be, and the address (host, port) that the server sees.

    Names are claims, and several programs of one user have the same. The address cannot be shared: libca has one
    connection per process and server.
    """

    user: str
    address: tuple[str, int]

    def __str__(self) -> str:
        return f"{self.user}@{self.address[0]}:{self.address[1]}"


WRITER: ContextVar[Client | None] = ContextVar("WRITER", default=None)
"""The client whose write is being carried out; None while the server writes by itself."""


class WriteGate(Protocol):
    """Decides about the writes of clients."""

    def check(self, name: str, data: Any, client: Client) -> None:
        """Raise SimulationInputError unless `client` may write `data`, as it came, to the channel `name`."""

    async def refused(self, name: str, client: Client, error: Exception) -> None:
        """A write of `client` to `name` was refused, here or by the record, because of `error`."""


def means_zero(data: Any, word: str) -> bool:
    """Whether `data`, as it came from a client, is 0 or `word`, the first choice of a record."""
    first = next(iter(data), None)
    if isinstance(first, bytes):
        return first.split(b"\0")[0].decode("latin-1") in (word, "0")
    return first is not None and float(first) == 0
