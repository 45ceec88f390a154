"""The photon timing as the detector of a beamline that makes its exposures."""

from __future__ import annotations

from devices.configuration import QualitySettings
from devices.exposure.event_reader import EventReader
from devices.exposure.point_reader import PointDevices
from devices.tplm.reader import HistogramReader
from devices.tplm.timing_electronics import TimingElectronics


class PhotonTiming(TimingElectronics):
    """The photon timing electronics, with the reader of its exposures."""

    def reader(self, devices: PointDevices, quality: QualitySettings) -> EventReader:
        """Return the reader of its exposures, with axes and conditions among `devices`."""
        return HistogramReader(devices, self, quality)
