"""Facts about ring, beam and jet that no device measures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, quantity, whole_number


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class GeometrySettings:
    """Facts about beam and jet that the reduction needs (paper, SI 2).

    `bunch_period_ps` and `bunch_period_error_ps`: time between two pulses until it is measured, and its error. The RF
    frequency of `[surroundings]` gives it too, with `harmonic_number` and `bunches`. `irf_sigma_ps` and `irf_error_ps`:
    instrument response until it is measured, and its error. The default of 45 ps is the paper's value, of which pulse
    lengths explain 34 ps; the jitter may change from day to day. `time_zero_drift_ps`: how far time zero moves within a
    day, which its error includes. `laser_fwhm_um` and `jet_speed_m_s` determine how fast a pumped spot leaves the beam.
    `pointing_jitter_um`: how far the laser spot is from the X-rays now and then, by its camera or by overlap scans.
    """

    # From the 500 MHz of the densest ring to one bunch in 3 km.
    bunch_period_ps: Annotated[float, quantity("time between two X-ray pulses", "ps", low=1000.0, high=1e7)] = 153_400.0
    # The published 153.4 ns are rounded to 100 ps, which is a standard deviation of 100 / sqrt(12).
    bunch_period_error_ps: Annotated[
        float, quantity("standard error of bunch_period_ps", "ps", above=0.0, high=1e4)
    ] = 29.0
    harmonic_number: Annotated[int, whole_number("buckets of the ring; 0: not known", low=0, high=100_000)] = 0
    bunches: Annotated[int, whole_number("equally spaced bunches in the ring; 0: not known", low=0, high=100_000)] = 0
    pumped_probe: Annotated[int, whole_number("gate of the pumped pulse", low=0, high=999)] = 0
    unpumped_probe: Annotated[int, whole_number("gate of the unpumped pulse", low=0, high=999)] = 4
    irf_sigma_ps: Annotated[float, quantity("width of the instrument response", "ps", low=0.1, high=1e5)] = 45.0
    irf_error_ps: Annotated[float, quantity("standard error of irf_sigma_ps", "ps", above=0.0, high=1e5)] = 15.0
    time_zero_drift_ps: Annotated[
        float, quantity("standard deviation of time zero within a day", "ps", low=0.0, high=1e4)
    ] = 0.0
    laser_fwhm_um: Annotated[float, quantity("width of the laser spot", "um", low=1.0, high=10_000.0)] = 45.0
    jet_speed_m_s: Annotated[float, quantity("speed of the jet", "m/s", low=0.01, high=1000.0)] = 4.0
    pointing_jitter_um: Annotated[
        float,
        quantity("standard deviation of the laser spot from the X-rays, in each direction", "um", low=0.0, high=1e4),
    ] = 0.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        if self.pumped_probe >= self.unpumped_probe:
            yield Fault(
                table="geometry",
                key="pumped_probe",
                message=f"= {self.pumped_probe}: must be below unpumped_probe = {self.unpumped_probe}. Swap them.",
            )
        if self.irf_sigma_ps >= self.bunch_period_ps:
            yield Fault(
                table="geometry",
                key="irf_sigma_ps",
                message=f"= {self.irf_sigma_ps:g} ps: must be below bunch_period_ps = {self.bunch_period_ps:g} ps. "
                "Lower it.",
            )
        if self.bunches and self.harmonic_number % self.bunches:
            yield Fault(
                table="geometry",
                key="bunches",
                message=f"= {self.bunches}: must divide harmonic_number = {self.harmonic_number}, as the bunches are "
                "equally spaced. Correct one of them, or describe the fill in [pump_scheme].",
            )
