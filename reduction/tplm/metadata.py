"""The part of a start document that the reduction of photoluminescence microscopy needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from errors import ReductionError
from reduction.tplm.response import Response

if TYPE_CHECKING:
    from reduction.types import Document

TECHNIQUE = "tplm"
"""Value of `technique` in the start documents of these runs."""


@dataclass(frozen=True, kw_only=True)
class Excitation:
    """From the nominal power to excitons per crystal and pulse (SI 6 of the paper).

    `sample_share` is the share of the power that reaches the sample, `spot_fwhm_nm` the width of the spot, nm,
    `wavelength_nm` that of the laser, `cross_section_cm2` the absorption cross-section of a crystal.
    """

    sample_share: float = 0.374
    spot_fwhm_nm: float = 500.0
    wavelength_nm: float = 405.0
    cross_section_cm2: float = 5.29e-14


@dataclass(frozen=True, kw_only=True)
class MapMetadata:
    """Settings of a run: channels, time zero and response, ps, electronics, image scale.

    `magnification_error` and `time_zero_error_ps` are 0 where they were not measured.
    """

    uid: str
    plan_name: str
    series: str
    kept_channels: int
    bin_ps: float
    time_zero_ps: float
    response: Response
    dead_time_ns: float
    channel_limit: int
    magnification: float
    excitation: Excitation
    line_axis: str = "x_um"
    time_zero_error_ps: float = 0.0
    magnification_error: float = 0.0

    @classmethod
    def from_start(cls, start: Document) -> MapMetadata:
        """Read a start document; raises ReductionError naming the first key that is missing or wrong."""
        try:
            electronics = start["electronics"]
            return cls(
                uid=str(start.get("uid", "")),
                plan_name=str(start["plan_name"]),
                series=str(start.get("series", "")),
                kept_channels=int(start["kept_channels"]),
                bin_ps=float(start["bin_ps"]),
                time_zero_ps=float(start["time_zero_ps"]),
                response=_response(start["response"]),
                dead_time_ns=float(electronics["dead_time_ns"]),
                channel_limit=int(electronics["channel_limit"]),
                magnification=float(start["magnification"]),
                excitation=_excitation(start.get("excitation", {})),
                line_axis=str(start.get("line_axis", "x_um")),
                time_zero_error_ps=float(start.get("time_zero_error_ps", 0.0)),
                magnification_error=float(start.get("magnification_error", 0.0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(
                f"The start document has no usable settings of photoluminescence microscopy: {error!r}. Give a run of "
                "a plan such as tplm_map."
            ) from error


def _response(recorded: Mapping[str, Any]) -> Response:
    return Response(
        fwhm_ps=float(recorded["fwhm_ps"]),
        tail_share=float(recorded.get("tail_share", 0.0)),
        tail_ps=float(recorded.get("tail_ps", 0.0)),
    )


def _excitation(recorded: Mapping[str, Any]) -> Excitation:
    usual = Excitation()
    names = ("sample_share", "spot_fwhm_nm", "wavelength_nm", "cross_section_cm2")
    return Excitation(**{name: float(recorded.get(name, getattr(usual, name))) for name in names})


@dataclass(frozen=True, kw_only=True)
class Dose:
    """What a pulse does: fluence on the sample in uJ/cm2, excitons per crystal <N>, time between visits in us."""

    fluence_uj_cm2: float
    excitons: float
    waiting_us: float


def dose_of(excitation: Excitation, power_nw: float, rate_mhz: float) -> Dose:
    """Return what a pulse does at a nominal power, nW, and repetition rate, MHz.

    The paper's convention: the power at the sample over the disc whose diameter is the full width of the spot, which is
    1.44 times less than in the middle of a Gaussian spot. At 1 nW and 2.5 MHz: 0.076 uJ/cm2, 0.0082, 48.8 us.
    Raises ReductionError unless the rate is above 0.
    """
    if not rate_mhz > 0:
        raise ReductionError(f"The repetition rate is {rate_mhz:g} MHz. It must be above 0: check the laser's driver.")
    area_cm2 = math.pi * (excitation.spot_fwhm_nm * 1e-7 / 2) ** 2
    fluence = power_nw * 1e-3 * excitation.sample_share / (rate_mhz * 1e6) / area_cm2
    photon_uj = 1239.84 / excitation.wavelength_nm * 1.602177e-13
    excitons = fluence / photon_uj * excitation.cross_section_cm2
    waiting = 1 / (excitons * rate_mhz) if excitons > 0 else math.inf
    return Dose(fluence_uj_cm2=fluence, excitons=excitons, waiting_us=waiting)
