"""A shared Tiled server: whether it answers, asked without Tiled, which takes seconds to import."""

from __future__ import annotations

from errors import StorageError
from processes.loopback import is_loopback

_ANSWER_TIMEOUT_S = 10


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
