"""The kind of runs that take spectra of the emission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reduction.run_kind import CombineChoice, CurveChoice, RunCurve, RunKind, RunResults
from reduction.tplm.metadata import SPECTRUM_PLANS, TECHNIQUE
from reduction.tplm.spectrum_results import reduce_spectra
from reduction.tplm.spectrum_sums import OPEN, SpectrumSums

if TYPE_CHECKING:
    from reduction.types import Document

NAME = "photoluminescence spectra"
"""Name of the kind."""


def _is_kind(start: Document) -> bool:
    return start.get("technique") == TECHNIQUE and start.get("plan_name") in SPECTRUM_PLANS


def _reduce(sums: SpectrumSums) -> RunResults:
    return reduce_spectra(NAME, [sums])


def _combine(runs: Sequence[SpectrumSums], _: CombineChoice) -> RunResults:
    return reduce_spectra(f"{NAME}, series", runs)


def _curve(sums: SpectrumSums, _: CurveChoice) -> RunCurve:
    """Return the light against the power; for a run with one setting, its spectrum."""
    points = reduce_spectra(NAME, [sums]).points
    if len(points) == 1:
        spectrum = points[0].spectrum
        return RunCurve(
            uid=sums.uid, axis="wavelength_nm", quantity="spectrum (counts)", x=spectrum.wavelength_nm,
            y=spectrum.counts, sigma=spectrum.sigma,
        )  # fmt: skip
    light = [one.fit.light_per_s for one in points]
    return RunCurve(
        uid=sums.uid, axis="laser_power_nw", quantity="light (1/s)", x=np.array([one.power_nw for one in points]),
        y=np.array([one.value for one in light]), sigma=np.array([one.sigma for one in light]),
    )  # fmt: skip


def _exposure_text(data: Document) -> str:
    counts = np.asarray(data["pl_counts"], dtype=float)
    state = "open" if int(data["laser_shutter"]) == OPEN else "closed"
    return f"laser {state}, {counts.max():.0f} counts in the fullest column"


SPECTRUM = RunKind(
    name=NAME,
    is_kind=_is_kind,
    sums=lambda _: SpectrumSums(),
    reduce=_reduce,
    curve=_curve,
    combine=_combine,
    exposure_text=_exposure_text,
    shown=("temperature_k", "held_axes", "spectrograph"),
)
"""Runs of spectra."""
