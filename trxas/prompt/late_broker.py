"""`db` of the prompt: databroker's `Broker`, which is made when it is first used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from errors import StorageError

if TYPE_CHECKING:
    from databroker import Broker

    from storage import Store

logger = logging.getLogger("trxas")

LONGEST_WAIT_S = 10.0
"""How long `db` waits for documents on their way to the catalogue, s; usually it takes less than 0.1 s."""


def broker_of(store: Store) -> Broker:
    """Return the `Broker` of a store, once the catalogue holds what was measured so far.

    One that does not within 10 s, or lacks runs, is returned as it is, and a warning is logged. Raises StorageError if
    the catalogue cannot be opened.
    """
    # Documents reach the catalogue on a thread of its own, after the prompt is back: `db[-1]` right after a scan would
    # be the run before.
    try:
        store.wait(LONGEST_WAIT_S)
    except StorageError as error:
        logger.warning("`db` may lack runs: %s", error)
    return store.db


class LateBroker:
    """The `Broker` that `make` returns, with all its attributes; made at the first use, which takes 2 to 4 s.

    A prompt that waited for the catalogue would take a third longer to appear, and most sessions measure first.
    """

    def __init__(self, make: Callable[[], Broker]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._make()[key]

    def __call__(self, *args: Any, **query: Any) -> Any:
        """Return the runs whose metadata fit `query`, as `Broker` does; raises what it raises."""
        return self._make()(*args, **query)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())

    def __dir__(self) -> list[str]:
        return dir(self._make())

    def __repr__(self) -> str:
        return "<databroker.Broker of the stored runs>"
