"""Type aliases of the tests."""

from __future__ import annotations

from typing import Any, TypeAlias

NamedDocument: TypeAlias = tuple[str, dict[str, Any]]
"""Name of a document and the document, which a test may change."""

Documents: TypeAlias = list[NamedDocument]
"""Documents of one run in their order."""
