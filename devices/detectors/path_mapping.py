"""Folders that the detector's computer sees under another name: another mount point, or a Windows drive."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from errors import ConfigurationError, StorageError

WINDOWS = "windows"
"""Kind of a Windows path, by ophyd's name."""

POSIX = "posix"
"""Kind of any other path, by ophyd's name."""

LONGEST_PATH = 254
"""Limit of a folder in characters: ADCore has 256 for a path, with a slash and a zero at its end."""


def path_kind(root: str) -> str:
    """Return WINDOWS for a path with a drive letter or backslashes, POSIX for any other."""
    return WINDOWS if "\\" in root or PureWindowsPath(root).drive else POSIX


def as_seen_by_ioc(folder: Path, local_root: str, ioc_root: str) -> str:
    """Return `folder` as the detector's IOC names it: `local_root` replaced by `ioc_root`, if they are given.

    Raises ConfigurationError if `folder` is not below `local_root`: the IOC would write to a place that is never read.
    """
    if not ioc_root:
        return str(folder)
    try:
        below = folder.relative_to(local_root)
    except ValueError as error:
        raise ConfigurationError(
            f"The folder {folder} of the images is not below local_root = {local_root} of [pilatus], so the detector's "
            f"computer, which sees {ioc_root} there, cannot reach it. Choose a folder below local_root, or "
            f"correct local_root and ioc_root."
        ) from error
    seen: PurePath = (PureWindowsPath if path_kind(ioc_root) == WINDOWS else PurePosixPath)(ioc_root)
    return str(seen.joinpath(*below.parts))


def check_writable_path(folder: str, pv: str) -> None:
    """Raise StorageError unless the record `pv` of an areaDetector can hold `folder`: ASCII, at most 254 characters.

    Clients of Channel Access count characters where the record counts bytes, so that anything else arrives cut.
    """
    if folder.isascii() and len(folder) <= LONGEST_PATH:
        return
    strange = next((f" and has {letter!r}" for letter in folder if not letter.isascii()), "")
    raise StorageError(
        f"{pv} takes a path of at most {LONGEST_PATH} characters without accents and other letters beyond ASCII. The "
        f"folder of the images, {folder}, has {len(folder)} characters{strange}. Open the session with another data "
        "folder, or give `folder` in [pilatus]."
    )
