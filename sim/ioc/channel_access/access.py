"""Clients as the server knows them, and the gate that may refuse their writes."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Client:
    """The connection of a client: the user that it claims to be, and its address (host, port).

    Names are claims, and several programs of one user have the same name. Addresses are unique: libca has one
    connection per process and server.
    """

    user: str
    address: tuple[str, int]

    def __str__(self) -> str:
        return f"{self.user}@{self.address[0]}:{self.address[1]}"


WRITER: ContextVar[Client | None] = ContextVar("WRITER", default=None)
"""The client whose write is being carried out; None while the server writes by itself."""


class WriteGate(Protocol):
    """The gate that accepts or refuses the writes of clients."""

    def check(self, name: str, data: Any, client: Client) -> None:
        """Raise SimulationInputError unless `client` may write `data` to the channel `name`."""

    async def refused(self, name: str, client: Client, error: Exception) -> None:
        """Note that a write of `client` to `name` was refused with `error`, by the gate or by the record."""


def means_zero(data: Any, word: str) -> bool:
    """Return whether `data` from a client is 0 or `word`, the first choice of a record; raises nothing."""
    # Clients write an enumeration as its number or as its text, and Channel Access delivers a text as padded bytes.
    first = next(iter(data), None)
    if isinstance(first, bytes):
        return first.split(b"\0")[0].decode("latin-1") in (word, "0")
    return first is not None and float(first) == 0
