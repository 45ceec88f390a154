"""Output shared by the commands that measure: lines of progress, then the results as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def say(text: str) -> None:
    """Print a line of progress without buffering, even into a pipe."""
    print(text, flush=True)


def show_numbers(numbers: Mapping[str, Any], file: Path | None) -> None:
    """Print `numbers` as JSON, and write them to `file` if there is one; raises OSError if it cannot be written."""
    print(json.dumps(numbers, indent=2))
    write_numbers(numbers, file)


def write_numbers(numbers: object, file: Path | None) -> None:
    """Write `numbers` as JSON to `file` if there is one; raises OSError if it cannot be written."""
    if file is not None:
        # Strict JSON: NaN is none, and many readers refuse it.
        file.write_text(json.dumps(numbers, indent=2, allow_nan=False) + "\n", encoding="utf-8")
