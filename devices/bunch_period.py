"""The bunch period: time from the pumped X-ray pulse to its nearest neighbour, with its error and its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from devices.numbers import finite_number
from errors import InputError

LARGEST_DEVIATION = 5e-4
"""Relative deviation from the configured period above which a period belongs to another fill pattern.

A harmonic number of 1296 that is wrong by one changes the period by 7.7e-4; 153.4 ns instead of 153.439 ns is 2.6e-4.
"""

RF_ERROR = 1e-6
"""Relative error of a period from the RF frequency (chosen): feedback moves the RF by less during a run."""

MHZ_BY_UNIT: Mapping[str, float] = {"Hz": 1e-6, "kHz": 1e-3, "MHz": 1.0, "GHz": 1e3}
"""Units in which a record may show the RF frequency, in MHz."""


class PeriodSource(StrEnum):
    """Where a bunch period comes from, as start documents record it."""

    CONFIGURATION = "configuration"
    MEASURED = "measured"
    RF = "RF frequency"


@dataclass(frozen=True, kw_only=True)
class BunchPeriod:
    """Bunch period with its standard error, ps.

    The delay of a gate that sees the n-th pulse after the pump is uncertain by n times the error. Raises InputError for
    numbers that no ring has.
    """

    period_ps: float
    error_ps: float
    source: str = PeriodSource.MEASURED.value

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        for value, what in ((self.period_ps, "bunch period"), (self.error_ps, "error of the bunch period")):
            if finite_number(value, what, "ps") <= 0:
                raise InputError(f"{what} = {value:g} ps: it must be above 0 ps. Measure it again.")

    def fits(self, other: BunchPeriod) -> bool:
        """Return whether both may be the period of the same fill pattern: they differ by less than 0.05 %."""
        return abs(self.period_ps / other.period_ps - 1.0) <= LARGEST_DEVIATION

    def agrees(self, other: BunchPeriod) -> bool:
        """Return whether both are the same period within the sum of their errors, ps."""
        return abs(self.period_ps - other.period_ps) <= self.error_ps + other.error_ps


def period_from_rf(frequency: float, unit: str, buckets: float, configured: BunchPeriod) -> BunchPeriod | None:
    """Return the period of `buckets` RF cycles, ps; None if it cannot be that of the `configured` fill pattern.

    `frequency` is in `unit`. Without a unit, it is the one in which the period fits: they are a factor of 1000 apart.
    """
    factors = [MHZ_BY_UNIT[unit]] if unit else list(MHZ_BY_UNIT.values())
    for frequency_mhz in (frequency * factor for factor in factors):
        if frequency_mhz > 0:
            period_ps = round(1e6 * buckets / frequency_mhz, 4)
            found = BunchPeriod(period_ps=period_ps, error_ps=RF_ERROR * period_ps, source=PeriodSource.RF.value)
            if found.fits(configured):
                return found
    return None
