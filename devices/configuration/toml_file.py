"""TOML files as editors save them: UTF-8 or UTF-16, with or without byte order mark."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from errors import ConfigurationError

CONFIGURATION_FILE = "configuration file"


def read_toml(path: Path, kind: str = CONFIGURATION_FILE) -> dict[str, Any]:
    """Parse a TOML file in UTF-8, with or without byte order mark, or UTF-16; `kind` names it in errors.

    Raises ConfigurationError naming the file, the line, and what to do.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        remedy = "Give one with --config or TRXAS_CONFIG." if kind == CONFIGURATION_FILE else "Correct the path."
        raise ConfigurationError(f"No {kind} {path}. {remedy}") from error
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read {kind} {path}: {error}. Check that the file exists and that you may read it."
        ) from error
    try:
        return tomllib.loads(decoded(content, path, kind).replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"Cannot read {kind} {path}: {error}. Correct that line.") from error


def decoded(content: bytes, path: Path, kind: str = CONFIGURATION_FILE) -> str:
    """Return the text of a file as editors save it: UTF-8 with or without byte order mark, or UTF-16.

    Raises ConfigurationError naming line and byte for any other encoding: guessing one would change names silently.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content:
        # UTF-16 without a mark: of ASCII, every other byte is zero.
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"Cannot read {kind} {path}: line {line} holds the byte 0x{content[error.start]:02x}, which "
            f"is not {encoding.removesuffix('-sig').upper()}. It was probably saved as Latin-1 or Windows-1252. "
            "Save it as UTF-8."
        ) from error
