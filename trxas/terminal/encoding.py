"""Output that never fails on an unusual terminal: characters that its encoding lacks are spelled with others."""

# ruff: noqa: RUF001  # characters that look like others are the subject here
from __future__ import annotations

import codecs
import io
import os
import sys
from pathlib import Path

SPELLINGS = {
    "±": "+-",
    "²": "2",
    "³": "3",
    "µ": "u",
    "μ": "u",
    "σ": "sigma",
    "χ": "chi",
    "τ": "tau",
    "Δ": "Delta",
    "·": "*",
    "×": "x",
    "°": " deg",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "→": "->",
    "│": "|",
    "─": "-",
    "━": "=",
    "•": "*",
    "⎿": "|",
}
"""ASCII spellings of the characters that trxas prints; all others become a question mark."""

HANDLER = "trxas-spelled-out"
"""Name of the error handler, as `codecs` knows it."""


def make_output_safe() -> None:
    """Let standard output and error spell out what their encoding lacks, where Python would raise UnicodeEncodeError.

    Streams that are not text files (a notebook's, a test's) are left alone. Output that a caller has closed, as some
    schedulers do, is dropped. A terminal without a width, which some programs make, counts as one of unknown width.
    """
    codecs.register_error(HANDLER, _spelled_out)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
    # rich would print into no columns at all.
    if os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _spelled_out(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELLINGS.get(character, "?") for character in error.object[error.start : error.end]), error.end
