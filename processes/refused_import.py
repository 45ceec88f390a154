"""Imports that fail on purpose, for packages that a library imports only to state their versions."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def import_refused(package: str) -> Iterator[None]:
    """Let every import of `package` fail with ImportError meanwhile, unless it has been imported before."""
    if package in sys.modules:
        yield
        return
    # Python's own way to forbid an import: it raises ModuleNotFoundError for a module that is None.
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
