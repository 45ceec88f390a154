"""Sums of a run of spectra: at every setting the counts with the laser on the sample and behind the closed shutter."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.events import PrimaryEvents
from reduction.tplm.metadata import ExcitationScale, excitation_of

if TYPE_CHECKING:
    from reduction.types import Document, FloatArray

SETTINGS = ("laser_power_nw", "repetition_rate_mhz", "temperature_k", "wavelength_nm")
"""Settings that are averaged over the lit exposures of a point."""

OPEN = 1
"""Laser shutter of a lit exposure, as events record it."""


@dataclass(frozen=True, kw_only=True)
class Optics:
    """Spectrograph and camera: columns, dispersion and width of a sharp line (nm), error of all wavelengths (nm)."""

    pixels: int
    dispersion_nm: float
    fwhm_nm: float
    wavelength_error_nm: float
    electrons_per_count: float

    @classmethod
    def from_start(cls, start: Document) -> Optics:
        """Read a start document; raises ReductionError naming the first key that is missing or wrong."""
        try:
            recorded: Mapping[str, Any] = start["spectrograph"]
            return cls(
                pixels=int(recorded["pixels"]),
                dispersion_nm=float(recorded["dispersion_nm"]),
                fwhm_nm=float(recorded["fwhm_nm"]),
                wavelength_error_nm=float(recorded.get("wavelength_error_nm", 0.0)),
                electrons_per_count=float(recorded["electrons_per_count"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(
                f"The start document has no usable settings of a spectrograph: {error!r}. Give a run of a plan such as "
                "pl_spectrum_series."
            ) from error

    def wavelengths_nm(self, centre_nm: float) -> FloatArray:
        """Return the wavelength in the middle of each column, nm, (columns,)."""
        return np.asarray(centre_nm + self.dispersion_nm * (np.arange(self.pixels) - (self.pixels - 1) / 2))


@dataclass(frozen=True, kw_only=True)
class Lit:
    """Exposures of one point in one state of the shutter: added counts, (columns,), their time, s, and settings."""

    counts: FloatArray
    exposure_s: float
    exposures: int
    settings: Mapping[str, float]

    def plus(self, other: Lit) -> Lit:
        """Return both together; settings are averaged over the exposures."""
        number = self.exposures + other.exposures
        settings = {
            name: (self.settings[name] * self.exposures + other.settings[name] * other.exposures) / number
            for name in self.settings
        }
        return Lit(
            counts=self.counts + other.counts,
            exposure_s=self.exposure_s + other.exposure_s,
            exposures=number,
            settings=settings,
        )


class SpectrumSums:
    """Spectra of one run: call it with `(name, document)`. Exposures whose quality is not good are left out."""

    def __init__(self) -> None:
        self.start: Document = {}
        self.lit: dict[int, Lit] = {}
        self.blocked: dict[int, Lit] = {}
        self._events = PrimaryEvents()
        self._optics: Optics | None = None
        self._excitation = ExcitationScale()

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; raises ReductionError for a start document that lacks settings, or a damaged event."""
        if name == "start":
            self.start = doc
            self._optics = Optics.from_start(doc)
            self._excitation = excitation_of(doc)
        for event in self._events(name, doc):
            self._take(event["data"])

    @property
    def uid(self) -> str:
        """Identifier of the run."""
        return str(self.start.get("uid", ""))

    @property
    def optics(self) -> Optics:
        """Spectrograph and camera; raises ReductionError before the start document."""
        if self._optics is None:
            raise ReductionError("The run has no start document, so it cannot be reduced. Load the whole run.")
        return self._optics

    @property
    def excitation(self) -> ExcitationScale:
        """From the nominal power to excitons per crystal and pulse."""
        return self._excitation

    def snapshot(self) -> SpectrumSums:
        """Return a copy that does not grow."""
        result = copy(self)
        result.lit = dict(self.lit)
        result.blocked = dict(self.blocked)
        return result

    def _take(self, data: Document) -> None:
        if data.get("quality"):
            return
        try:
            one = Lit(
                counts=np.asarray(data["pl_counts"], dtype=float).ravel(),
                exposure_s=float(data["exposure_s"]),
                exposures=1,
                settings={name: float(data.get(name, np.nan)) for name in SETTINGS},
            )
            point = int(data["point_index"])
            states = self.lit if int(data["laser_shutter"]) == OPEN else self.blocked
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"A spectrum cannot be read: {error!r}. Its run needs pl_counts.") from error
        if one.counts.size != self.optics.pixels:
            raise ReductionError(
                f"A spectrum has {one.counts.size} columns, the run states {self.optics.pixels}. Correct pixels in the "
                "start document."
            )
        states[point] = states[point].plus(one) if point in states else one
