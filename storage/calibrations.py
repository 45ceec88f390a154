"""Calibrations of a beamline's axes, saved for later sessions in one small file of the data folder.

`<root>/calibrations.json` holds, for every control system by its name, the latest value of each calibration, when it
was made, after which run, and by which change. A simulated beamline in the same data folder is another control system.
"""

from __future__ import annotations

import fcntl
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from errors import StorageError
from storage.atomic_file import write_atomically

FORMAT = 1
"""Version of the file's layout."""

KEYS = {"value", "time_s", "run_uid"}
"""Keys of every entry; `change` was added later and is omitted where there is none."""


@dataclass(frozen=True, kw_only=True)
class SavedCalibration:
    """One calibration: a number, or a mapping of numbers.

    `time_s`: when it was made, Unix epoch; `run_uid`: the latest run at that time, "" if there was none; `change`:
    amount that was added to the previous value, in its unit, None for a calibration that was set as a whole.
    """

    value: Any
    time_s: float
    run_uid: str = ""
    change: float | None = None


class CalibrationFile:
    """The calibrations of `system`, a name of beamline and control system, in the data folder `root`."""

    def __init__(self, root: Path, system: str) -> None:
        self.path = root / "calibrations.json"
        self._system = system

    def read(self) -> dict[str, SavedCalibration]:
        """Return the calibrations by name, none if there is no file; raises `StorageError` if it is damaged."""
        saved = self._systems().get(self._system, {})
        return {name: SavedCalibration(**entry) for name, entry in saved.items()}

    def save(self, name: str, calibration: SavedCalibration) -> None:
        """Put one calibration in place of the earlier one; raises `StorageError` if it cannot be written.

        A power cut leaves the old or the new one.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Reading, changing and writing under one lock: two sessions in one data folder would otherwise lose each
            # other's calibrations. The lock is a file of its own, because the file itself is replaced by every save.
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                systems = self._systems()
                systems.setdefault(self._system, {})[name] = _entry(calibration)
                content = {"format": FORMAT, "systems": systems}
                write_atomically(self.path, json.dumps(content, indent=1, allow_nan=False))
        except (OSError, TypeError, ValueError) as error:
            raise StorageError(
                f"Calibration {name} cannot be saved in {self.path}: {error}. It holds for this session only; check "
                "the disk and calibrate again."
            ) from error

    def _systems(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        # A file that is only partly understood is refused as a whole: measuring on a silently missing calibration is
        # worse than a message.
        if not isinstance(content, dict) or content.get("format") != FORMAT or not _is_sound(content.get("systems")):
            raise self._damaged(f"it is not a file of calibrations, format {FORMAT}")
        systems: dict[str, dict[str, Any]] = content["systems"]
        return systems

    def _damaged(self, why: str) -> StorageError:
        return StorageError(
            f"The calibrations in {self.path} cannot be read: {why}. Restore the file from a backup, or move it away "
            "and calibrate again; start documents of earlier runs hold what was used. Without the file the axes are as "
            "configured."
        )


def _entry(calibration: SavedCalibration) -> dict[str, Any]:
    entry = asdict(calibration)
    # Omitted rather than null: files from before `change` existed, and what is written without one, then look the same.
    if calibration.change is None:
        del entry["change"]
    return entry


def _is_sound(systems: Any) -> bool:
    if not isinstance(systems, dict) or not all(isinstance(saved, dict) for saved in systems.values()):
        return False
    return all(_is_entry(entry) for saved in systems.values() for entry in saved.values())


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or set(entry) - {"change"} != KEYS or not isinstance(entry["run_uid"], str):
        return False
    return _is_number(entry["time_s"]) and _is_number(entry.get("change", 0.0))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
