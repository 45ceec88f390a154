"""TOML files as users save them; the simulation reads every file of a user through this module."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from sim.errors import SimulationInputError


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """Return the content of a file in UTF-8, with or without byte order mark, or UTF-16; `kind` is for the message.

    Raises SimulationInputError naming the file, the line and what to do, for a wrong encoding or wrong TOML.
    """
    try:
        text = _decoded(path.read_bytes())
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise SimulationInputError(f"Cannot read {kind} file {path}: {error}") from error


def _decoded(content: bytes) -> str:
    # Control and simulation share no code, so that neither hides a mistake of the other. A test feeds the same files to
    # this function and to the one that reads configuration files.
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content:
        # UTF-16 without a mark: of ASCII characters, every other byte is zero.
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnicodeError(
            f"line {line} holds the byte 0x{content[error.start]:02x}, which is not "
            f"{encoding.removesuffix('-sig').upper()}. It was probably saved as Latin-1 or Windows-1252. Save it as "
            "UTF-8."
        ) from error
