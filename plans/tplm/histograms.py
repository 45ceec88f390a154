"""Exposures of the microscope, and the facts on laser and electronics in a start document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.beamline import Beamline
from devices.tplm.timing import PhotonTiming
from devices.tplm.timing_electronics import CENTRES, DARK, FOCUS, TIMINGS
from errors import ConfigurationError
from plans.engine.detection import Detection

TECHNIQUE = "tplm"

COMMON_KEYS = (
    "technique", "kept_channels", "bin_ps", "magnification", "detector_um", "time_zero_ps", "response", "electronics",
    "excitation", "dark_rate_hz", "dark_rate_error_hz", "laser", "time_zero_error_ps", "timing_covariance",
    "calibrated_at_s",
)  # fmt: skip
"""Keys that every plan of the technique adds to start documents."""


def timing_of(beamline: Beamline) -> PhotonTiming:
    """Return the photon timing of a microscope; raise ConfigurationError for a beamline without one."""
    if not isinstance(beamline.exposure, PhotonTiming):
        raise ConfigurationError(
            f"{beamline.configuration.name} has no photon timing that makes its exposures. Open the session with the "
            "configuration of the microscope: --config tplm."
        )
    return beamline.exposure


def histograms(beamline: Beamline) -> Detection:
    """Return the detection of the microscope: a histogram of the photons per exposure.

    Raises ConfigurationError for a beamline without photon timing.
    """
    timing_of(beamline)
    return Detection(
        modes=("tcspc",),
        reader=beamline.point,
        devices=beamline.pump_probe_devices,
        conditions=beamline.point.conditions.further,
        unpumped_probe=False,
    )


def common_metadata(beamline: Beamline, rate_mhz: float, laser: str) -> Mapping[str, Any]:
    """Return the keys that the reduction of a run at `rate_mhz` needs, MHz; `laser` is "open" or "closed".

    Channels are those of one pump period. Raises NotConnectedError if the width of a channel cannot be read.
    """
    timing = timing_of(beamline)
    bin_ps = timing.read_bin_ps()
    facts = dict(timing.facts)
    # The oscillator of the laser has only some rates; all others come from an external trigger, whose insertion delay
    # moves time zero. The events state the source as it was.
    source = "internal" if rate_mhz in facts.pop("internal_rates_mhz") else "external"
    zero_ps = facts.pop("time_zero_ps")[source]
    measured = timing.calibrations[TIMINGS[source]]
    if measured:
        zero_ps = measured["time_zero_ps"]
        facts["response"] = {name: measured[name] for name in ("fwhm_ps", "tail_share", "tail_ps")}
        facts["timing_covariance"] = measured["covariance"]
        facts["time_zero_error_ps"] = measured["time_zero_error_ps"]
    return {
        "technique": TECHNIQUE,
        "kept_channels": timing.channels_at(rate_mhz),
        "bin_ps": bin_ps,
        "time_zero_ps": zero_ps % (1e6 / rate_mhz),
        **facts,
        "dark_rate_hz": timing.dark_rate_hz,
        "dark_rate_error_hz": timing.dark_rate_error_hz,
        "calibrated_at_s": _times_of(timing, source),
        "laser": laser,
    }


def _times_of(timing: PhotonTiming, source: str) -> dict[str, float]:
    """Return when each calibration in use was measured, Unix epoch; a configured one has no entry."""
    names = (TIMINGS[source], *CENTRES.values(), DARK, FOCUS)
    return {name: timing.calibrations[name]["measured_s"] for name in names if timing.calibrations[name]}
