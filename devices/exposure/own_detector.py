"""A detector that makes the exposures by itself, at an endstation without scalers and X-rays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from devices.configuration import ExposureSettings, QualitySettings
from devices.exposure.event_reader import EventReader
from devices.exposure.gated_detectors import Exposure
from devices.signals.uncached_signal import valid_readings
from errors import InputError

if TYPE_CHECKING:
    from devices.exposure.point_reader import PointDevices


class OwnDetector(Exposure):
    """Base of detectors that `[exposure] detector` names; one is built as every device of a table `[devices.NAME]`.

    It has none of the PVs of a master scaler. A derived class declares `count` and its read-back `counting`: writing 1
    starts an exposure, with put completion at its end, and writing 0 stops it. It overrides `set_dwell`,
    `fresh_signals`, `reading_from`, `counts_source`, `modes`, `reader`, `_identity_signals` and `_remember_identity`.
    `calibrations` are what its calibration runs have found, by name; one that was never measured is empty.
    """

    # The life of an exposure is that of the gated detectors: idle, prepared for a dwell, triggered, done or stopped,
    # read once. A number that grows with every exposure proves which one was read. So only what a dwell is and where
    # the number stands differs here, and the rest is inherited.

    # A derived class may keep what belongs to one exposure from its trigger on.
    counts_ahead: ClassVar[bool] = False

    count = None
    preset = None
    counting = None
    auto_count = None
    preset_readback = None
    elapsed = None
    i0 = None
    foil = None
    spc_frame = None
    boxcar_frame = None

    calibrations: dict[str, dict[str, Any]]

    def use_limits(self, settings: ExposureSettings) -> None:
        """Use dwells (s) and time-outs (s) of the table `[exposure]`."""
        self._settings = settings

    def reader(self, devices: PointDevices, quality: QualitySettings) -> EventReader:
        """Return the reader of its exposures, with axes and conditions among `devices`.

        Raises NotImplementedError unless a subclass overrides it.
        """
        raise NotImplementedError

    def set_dwell(self, dwell_s: float) -> None:
        """Set the dwell, s, at the hardware; raises AcquisitionError if it stays at another one."""
        raise NotImplementedError

    def prepare(self, dwell_s: float) -> None:
        """Set the dwell, s, and remember the last exposure's number; needed once before a series of triggers.

        Raises AcquisitionError if the detector is busy or does not accept the dwell.
        """
        self.check_dwell(dwell_s)
        self.check_idle()
        self.set_dwell(dwell_s)
        self._remember_identity(valid_readings(self._identity_signals()))
        self._dwell_s = dwell_s
        self._ready = None

    def configure(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set the dwell, s, or calibrations by their names; return old and new values as bluesky expects.

        Raises the same errors as `prepare`, and InputError for the name of no calibration of this detector.
        """
        unknown = set(settings) - {"dwell_s", *self.calibrations}
        if unknown:
            raise InputError(
                f"{self.name} has no calibration {', '.join(sorted(unknown))}. Known: {', '.join(self.calibrations)}."
            )
        old = self._configured(settings)
        for name, value in settings.items():
            if name == "dwell_s":
                self.prepare(value)
            else:
                self.calibrations[name] = dict(value)
        return old, self._configured(settings)

    def _configured(self, names: Mapping[str, Any]) -> dict[str, Any]:
        now = time.time()
        values = {"dwell_s": self._dwell_s, **self.calibrations}
        return {name: {"value": values[name], "timestamp": now} for name in names}
