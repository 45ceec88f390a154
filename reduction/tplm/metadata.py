"""The part of a start document that the reduction of photoluminescence microscopy needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.tplm.response import Response

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray

HEAT_J_CM3_K = 1.8
"""Heat capacity of the crystals, J/cm3 K (chosen: about 4.8 g/cm3 and 0.38 J/g K of bulk CsPbBr3)."""

CRYSTAL_NM = 8.3
"""Edge of a crystal, nm (SI 1)."""

TECHNIQUE = "tplm"
"""Value of `technique` in the start documents of these runs."""

MAP_PLAN = "tplm_map"
CENTRE_PLAN = "tplm_centre"
FOCUS_PLAN = "tplm_focus"
RESPONSE_PLAN = "tplm_response"
DARK_PLAN = "tplm_dark"
DECAY_PLAN = "trpl_series"
SPECTRUM_PLANS = ("pl_spectrum_series", "pl_constant_fluence", "pl_temperature_series")
"""Values of `plan_name`, by which kinds of runs differ."""


def is_map(start: Document) -> bool:
    """Return whether a run is a map: made by itself, or under the name of a series, as earlier versions stated it."""
    return start.get("technique") == TECHNIQUE and (
        start.get("plan_name") == MAP_PLAN or ("centre_points" in start and start.get("plan_name") != CENTRE_PLAN)
    )


@dataclass(frozen=True, kw_only=True)
class ExcitationScale:
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

    `magnification_error` and `time_zero_error_ps` are 0 where they were not measured. `timing_covariance` (4, 4) is
    that of time zero (ps), full width (ps), share and time (ps) of the response's tail; None if they were not measured.
    `across_measured` is whether the centre of the image was measured across the line of a map.
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
    excitation: ExcitationScale
    line_axis: str = "x_um"
    time_zero_error_ps: float = 0.0
    magnification_error: float = 0.0
    timing_covariance: FloatArray | None = None
    dark_rate_hz: float = 0.0
    dark_rate_error_hz: float = 0.0
    across_measured: bool = True

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
                excitation=excitation_of(start),
                line_axis=str(start.get("line_axis", "x_um")),
                time_zero_error_ps=float(start.get("time_zero_error_ps", 0.0)),
                magnification_error=float(start.get("magnification_error", 0.0)),
                timing_covariance=_covariance(start),
                dark_rate_hz=float(start.get("dark_rate_hz", 0.0)),
                dark_rate_error_hz=float(start.get("dark_rate_error_hz", 0.0)),
                across_measured=_across_measured(start),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(
                f"The start document has no usable settings of photoluminescence microscopy: {error!r}. Give a run of "
                "a plan such as tplm_map."
            ) from error


def _across_measured(start: Document) -> bool:
    # Runs of earlier versions do not say which calibrations they use; nothing is claimed about them.
    measured = start.get("calibrated_at_s")
    across = "x" if start.get("line_axis") == "y_um" else "y"
    return measured is None or f"image_centre_{across}" in measured


def _covariance(start: Document) -> FloatArray | None:
    recorded = start.get("timing_covariance")
    if recorded is not None:
        return np.array(recorded, dtype=float).reshape(4, 4)
    # Runs that state the error of time zero alone.
    error_ps = float(start.get("time_zero_error_ps", 0.0))
    return np.diag([error_ps**2, 0.0, 0.0, 0.0]) if error_ps else None


def _response(recorded: Mapping[str, Any]) -> Response:
    return Response(
        fwhm_ps=float(recorded["fwhm_ps"]),
        tail_share=float(recorded.get("tail_share", 0.0)),
        tail_ps=float(recorded.get("tail_ps", 0.0)),
    )


def excitation_of(start: Document) -> ExcitationScale:
    """Return the excitation that a start document states; missing values are those of the paper."""
    recorded = start.get("excitation", {})
    usual = ExcitationScale()
    names = ("sample_share", "spot_fwhm_nm", "wavelength_nm", "cross_section_cm2")
    return ExcitationScale(**{name: float(recorded.get(name, getattr(usual, name))) for name in names})


@dataclass(frozen=True, kw_only=True)
class Dose:
    """Dose of a pulse: fluence on the sample in uJ/cm2, excitons per crystal <N>, time between visits in us.

    `heating_k` is the largest rise of the temperature by one pulse, K: all of its energy as heat in the crystal.
    """

    fluence_uj_cm2: float
    excitons: float
    waiting_us: float
    heating_k: float


def dose_of(excitation: ExcitationScale, power_nw: float, rate_mhz: float) -> Dose:
    """Return the dose of a pulse at a nominal power (nW) and repetition rate (MHz).

    The paper's convention: the power at the sample over the disc whose diameter is the full width of the spot, which is
    1.44 times less than in the middle of a Gaussian spot. At 1 nW and 2.5 MHz: 0.076 uJ/cm2, 0.0082, 48.8 us.
    Raises ReductionError unless the rate is above 0.
    """
    if not rate_mhz > 0:
        raise ReductionError(f"The repetition rate is {rate_mhz:g} MHz. It must be above 0: check the laser's driver.")
    # The disc of the full width, as the paper has it: so all doses are comparable with its tables.
    area_cm2 = math.pi * (excitation.spot_fwhm_nm * 1e-7 / 2) ** 2
    fluence = power_nw * 1e-3 * excitation.sample_share / (rate_mhz * 1e6) / area_cm2
    photon_uj = 1239.84 / excitation.wavelength_nm * 1.602177e-13
    excitons = fluence / photon_uj * excitation.cross_section_cm2
    waiting = 1 / (excitons * rate_mhz) if excitons > 0 else math.inf
    heating_k = photon_uj * 1e-6 * excitons / (HEAT_J_CM3_K * CRYSTAL_NM**3 * 1e-21)
    return Dose(fluence_uj_cm2=fluence, excitons=excitons, waiting_us=waiting, heating_k=heating_k)
