"""Folders that the detector's computer sees under another name: another mount point, or a Windows drive."""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from errors import ConfigurationError

WINDOWS = "windows"
"""Kind of a Windows path, by ophyd's name."""

POSIX = "posix"
"""Kind of any other path, by ophyd's name."""


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
