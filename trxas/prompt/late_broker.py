"""`db` of the prompt: databroker's `Broker`, which is made when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from databroker import Broker


class LateBroker:
    """The `Broker` that `make` returns, with all its attributes; made at the first use, which takes 2 to 4 s.

    A prompt that had to wait for the catalogue would be there a third later, and most sessions measure first.
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
