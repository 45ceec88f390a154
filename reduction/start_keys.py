"""Keys that a start document must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errors import ReductionError


def require_keys(doc: Any, keys: tuple[str, ...], where: str) -> None:
    """Raise ReductionError naming those of `keys` that `doc`, called `where` in the message, does not have."""
    missing = [key for key in keys if key not in doc] if isinstance(doc, Mapping) else list(keys)
    if missing:
        raise ReductionError(
            f"The {where} lacks {', '.join(missing)}. Only runs of the plans energy_scan, delay_scan and "
            "fluence_scan can be reduced here: start the run with one of them."
        )
