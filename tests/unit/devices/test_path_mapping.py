"""If these fail, a detector on another mount or under Windows writes its images where nobody finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.detectors.path_mapping import POSIX, WINDOWS, as_seen_by_ioc, check_writable_path, path_kind
from errors import ConfigurationError, StorageError


@pytest.mark.parametrize(
    ("folder", "local_root", "ioc_root", "seen"),
    [
        ("/data/images", "", "", "/data/images"),
        ("/data/images", "/data", "/mnt/detector", "/mnt/detector/images"),
        ("/data", "/data", "/mnt/detector", "/mnt/detector"),
        ("/data/2026 run/images", "/data", "X:\\", "X:\\2026 run\\images"),
        ("/data/images", "/data/", "X:/beamline", "X:\\beamline\\images"),
        ("/data/images", "/data", "\\\\server\\share", "\\\\server\\share\\images"),
    ],
)
def test_a_folder_is_named_as_the_detector_sees_it(folder: str, local_root: str, ioc_root: str, seen: str) -> None:
    assert as_seen_by_ioc(Path(folder), local_root, ioc_root) == seen


def test_a_folder_the_detector_cannot_reach_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"/home/me of the images is not below local_root = /data of \[pilatus\]"
    ):
        as_seen_by_ioc(Path("/home/me"), "/data", "X:\\")


@pytest.mark.parametrize(
    ("root", "kind"),
    [("X:\\", WINDOWS), ("x:/data", WINDOWS), ("\\\\server\\share", WINDOWS), ("/mnt", POSIX), ("", POSIX)],
)
def test_windows_is_distinguished_by_its_paths(root: str, kind: str) -> None:
    assert path_kind(root) == kind


@pytest.mark.parametrize(
    ("folder", "message"),
    [("/data/Müller", "has 12 characters and has 'ü'. Open"), ("/" + "x" * 254, "has 255 characters. Open")],
)
def test_a_folder_that_would_arrive_cut_is_refused_with_the_reason(folder: str, message: str) -> None:
    check_writable_path("/data/a b#" + "x" * 244, "7idd:Pilatus:HDF1:FilePath")
    with pytest.raises(StorageError, match=message):
        check_writable_path(folder, "7idd:Pilatus:HDF1:FilePath")
