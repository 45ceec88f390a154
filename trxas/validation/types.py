"""Type aliases of the validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Report: TypeAlias = Callable[[str], None]
"""Takes a line of progress."""

Documents: TypeAlias = list[tuple[str, dict[str, Any]]]
"""Documents of one dataset in order, each with its name."""

Uids: TypeAlias = dict[str, str]
"""Uids of runs by the names that a section of the paper gives them."""
