"""A Tiled server that holds the catalogue, and whether it answers: without Tiled, which takes seconds to import."""

from __future__ import annotations

from dataclasses import dataclass, field

from errors import StorageError
from processes.loopback import is_loopback

_ANSWER_TIMEOUT_S = 10


@dataclass(frozen=True, kw_only=True)
class TiledServer:
    """A `tiled serve` process: its http address `uri` and the key that it asks for.

    Without `is_shared` it holds no runs of other folders, so most lists are complete without asking it.
    """

    uri: str
    api_key: str | None = field(default=None, repr=False)
    is_shared: bool = True


def require_answer(uri: str) -> None:
    """Raise `StorageError` unless the server at `uri` answers within 10 s."""
    import httpx

    try:
        # Tiled's own client would retry a refused connection for 30 s.
        httpx.get(uri, timeout=_ANSWER_TIMEOUT_S, follow_redirects=True, trust_env=not is_loopback(uri))
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        raise no_answer(uri, error) from error


def no_answer(uri: str, error: Exception) -> StorageError:
    """Return the error for a server at `uri` that does not answer as it should, because of `error`."""
    return StorageError(
        f"The Tiled server at {uri} does not answer as expected: {error}. "
        "Check that `tiled serve config` runs there, the address and the API key."
    )
