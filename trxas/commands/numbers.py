"""What commands that prove something print: words while they run, and their numbers in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def say(text: str) -> None:
    """A line of progress, at once even into a pipe."""
    print(text, flush=True)


def show_numbers(numbers: Mapping[str, Any], file: Path | None) -> None:
    """Print `numbers` as JSON, and write them to `file` if there is one; raises OSError if it cannot be written."""
    text = json.dumps(numbers, indent=2)
    print(text)
    if file is not None:
        file.write_text(text + "\n", encoding="utf-8")
