"""The instrument response: the width over which a sudden change of the sample appears on the delay axis."""

from __future__ import annotations

from dataclasses import dataclass

from devices.numbers import finite_number
from errors import InputError

LOW_PS = 0.1
HIGH_PS = 1e5
"""Widths, ps, that a response may have: from two short pulses to a detector without a gate."""


@dataclass(frozen=True, kw_only=True)
class InstrumentResponse:
    """Gaussian instrument response: standard deviation with its standard error, ps.

    Fits of delay scans take both as the prior of a free width, so that every error contains its share. `source` is
    "configuration", or "measured". Raises InputError for an impossible width or error.
    """

    sigma_ps: float
    error_ps: float
    source: str = "configuration"

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        sigma_ps = finite_number(self.sigma_ps, "width of the instrument response", "ps")
        error_ps = finite_number(self.error_ps, "error of the instrument response", "ps")
        if not LOW_PS <= sigma_ps <= HIGH_PS:
            raise InputError(
                f"Instrument response of {sigma_ps:g} ps: its standard deviation must be within {LOW_PS:g} to "
                f"{HIGH_PS:g} ps. Fit it again with more delays over the rise."
            )
        if error_ps <= 0:
            raise InputError(
                f"Error of the instrument response = {error_ps:g} ps: it must be above 0 ps. Give the standard error "
                "of the fit."
            )
