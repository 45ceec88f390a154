"""Any file of the past, whichever of the formats it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trxas.past.mda_files import read_mda_file
from trxas.past.scan import PastFileError, PastScan
from trxas.past.spec_files import read_spec_file
from trxas.past.text_files import MARK, read_text_file

if TYPE_CHECKING:
    from pathlib import Path


def read_past_file(path: Path) -> list[PastScan]:
    """Return the scans of a file, whose format is recognised by its content, not by its name.

    Raises PastFileError for a file that cannot be read or has none of the formats.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PastFileError(f"{path} cannot be read: {error.strerror}. Check its name and its permissions.") from error
    # An MDA file begins with its version as a big-endian float, the bytes of which no text begins with.
    if content[:1] == b"\x3f" and b"\0" in content[:16]:
        return read_mda_file(path, content)
    text = content.decode("utf-8-sig", errors="replace")
    if re.search(r"(?m)^#S \d", text) and re.search(r"(?m)^#L ", text):
        return read_spec_file(path, text)
    if MARK in text:
        return read_text_file(path, text)
    raise PastFileError(
        f"{path} is neither an MDA file, nor the text form of a scan record ({MARK}), nor a SPEC file (#S, #L)."
    )
