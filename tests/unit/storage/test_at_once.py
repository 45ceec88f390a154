"""If these fail, two processes on one data folder undo what the other has written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage.calibrations import CalibrationFile, SavedCalibration
from storage.scan_id import ScanIdCounter
from tests.support.waiting import WAIT_S

WITHOUT_LOCK_S = 1.0
"""Within this time the second would have overtaken the first if nothing held it."""


def interrupted(first: Callable[[], object], second: Callable[[], object], hold: tuple[Any, str]) -> list[object]:
    """Return the results of both: `first` stops after its method `hold` has read, until `second` has had its chance."""
    owner, name = hold
    read, go_on, results = threading.Event(), threading.Event(), dict[str, object]()
    real = getattr(owner, name)

    def stop(*arguments: Any) -> Any:
        value = real(*arguments)
        read.set()
        assert go_on.wait(WAIT_S)
        return value

    setattr(owner, name, stop)
    one = threading.Thread(target=lambda: results.update(first=first()))
    other = threading.Thread(target=lambda: results.update(second=second()))
    one.start()
    assert read.wait(WAIT_S)
    other.start()
    other.join(WITHOUT_LOCK_S)
    go_on.set()
    for thread in (one, other):
        thread.join(WAIT_S)
        assert not thread.is_alive()
    return [results["first"], results["second"]]


def test_a_scan_id_is_given_out_once(tmp_path: Path) -> None:
    """Lost: unique run numbers, if the sessions of a queue and of a prompt begin a run at the same time."""
    first, second = ScanIdCounter(tmp_path), ScanIdCounter(tmp_path)
    assert interrupted(first.next, second.next, (first, "_last")) == [1, 2]


def test_calibrations_saved_at_once_are_both_saved(tmp_path: Path) -> None:
    """Lost: the time zero of one session, because another one kept its energy calibration."""
    first, second = CalibrationFile(tmp_path, "7ID-D"), CalibrationFile(tmp_path, "7ID-D")
    interrupted(
        lambda: first.save("time_zero", SavedCalibration(value=1.0, time_s=1.0)),
        lambda: second.save("energy", SavedCalibration(value=2.0, time_s=2.0)),
        (first, "_systems"),
    )
    kept = CalibrationFile(tmp_path, "7ID-D").read()
    assert {name: calibration.value for name, calibration in kept.items()} == {"time_zero": 1.0, "energy": 2.0}
