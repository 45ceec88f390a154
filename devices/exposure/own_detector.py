"""A detector that makes the exposures by itself, at an endstation without scalers and X-rays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.configuration import ExposureSettings, QualitySettings
from devices.exposure.event_reader import EventReader
from devices.exposure.gated_detectors import Exposure

if TYPE_CHECKING:
    from devices.exposure.point_reader import PointDevices


class OwnDetector(Exposure):
    """Base of detectors that `[exposure] detector` names; one is built as every device of a table `[devices.NAME]`.

    It has none of the PVs of a master scaler. A derived class overrides every method that uses them: `check_idle`,
    `prepare`, `trigger`, `cut_short`, `stop`, `fresh_signals`, `reading_from`, `counts_source`, `modes`.
    """

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

    def use_limits(self, settings: ExposureSettings) -> None:
        """Use dwells, s, and time-outs, s, of the table `[exposure]`."""
        self._settings = settings

    def reader(self, devices: PointDevices, quality: QualitySettings) -> EventReader:
        """Return the reader of its exposures, with axes and conditions among `devices`."""
        raise NotImplementedError
