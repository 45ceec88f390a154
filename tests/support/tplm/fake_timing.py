"""The photon timing of a microscope without PVs: what a session and the plans keep and read of it."""

from __future__ import annotations

from devices.tplm.timing import PhotonTiming
from devices.tplm.timing_electronics import parse_timing_frame
from trxas.configuration import load_configuration


class FakeTiming(PhotonTiming):
    """Photon timing of the shipped configuration that has counted one exposure, with the internal trigger."""

    time_ms = None
    time_readback = None
    resolution = None
    count = None
    counting = None
    frame = None

    def __init__(self) -> None:
        options = load_configuration("tplm").beamline.devices["tcspc"].options
        super().__init__("", name="tcspc", facts=options["facts"], dark_rate_hz=options["dark_rate_hz"])
        self._latest = parse_timing_frame([1.0, 60.0, 1.0, 3e8, 0.0, 3.0, 16.0, 1.0, 0.0], "frame")

    def read_bin_ps(self) -> float:
        """Return the width of a channel, ps."""
        self._bin_ps = 16.0
        return self._bin_ps
