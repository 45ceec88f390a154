"""True settings of the microscope during one exposure."""

from __future__ import annotations

from dataclasses import dataclass

from sim.errors import SimulationInputError

EXTERNAL_RATES_MHZ = (0.5, 80.0)
"""Lowest and highest repetition rate of the laser driver, MHz."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The true state of laser, filters and cryostat.

    `power_nw` is the nominal power outside the microscope; `dose_nw_s` the dose that the present spot has received so
    far; `offset_ps` shifts all delays, as the offset of the timing electronics does; `ambient_hz` is additional light
    in the room, `vibration_nm` the rms motion of the sample against the objective, `flood_hz` light of the laser that
    passes the filters, `afterpulse_share` the share of photons that a count without light follows. Without `filters_in`
    the detector sees the laser's scatter, which is the response.
    """

    power_nw: float
    repetition_rate_mhz: float
    external_trigger: bool = False
    shutter_open: bool = True
    filters_in: bool = True
    nd_od: float = 0.0
    temperature_k: float = 296.0
    defocus_um: float = 0.0
    offset_ps: float = 0.0
    dose_nw_s: float = 0.0
    ambient_hz: float = 0.0
    vibration_nm: float = 0.0
    flood_hz: float = 0.0
    afterpulse_share: float = 0.0

    def __post_init__(self) -> None:
        low, high = EXTERNAL_RATES_MHZ
        if not low <= self.repetition_rate_mhz <= high:
            raise SimulationInputError(
                f"repetition rate = {self.repetition_rate_mhz:g} MHz: the laser driver gives {low:g} to {high:g} MHz"
            )
        if self.power_nw < 0 or self.temperature_k <= 0:
            raise SimulationInputError(
                f"power = {self.power_nw:g} nW must not be negative, and temperature = {self.temperature_k:g} K must "
                "be above 0"
            )

    @property
    def period_ns(self) -> float:
        """Time between two pulses, ns."""
        return 1e3 / self.repetition_rate_mhz


def channels_of(setting: Setting, bin_ps: float) -> int:
    """Return the number of whole channels of `bin_ps` in one pump period: 25 000 of 16 ps at 2.5 MHz."""
    return int(1e3 * setting.period_ns / bin_ps + 1e-9)
