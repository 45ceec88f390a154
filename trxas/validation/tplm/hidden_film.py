"""Random films and microscopes, whose truth the analysis must find."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from trxas.validation.tplm.hidden_spectrum import HiddenSpectrum, draw_spectrum

EXCITONS_PER_NW_MHZ = 0.0205
"""Excitons per crystal and pulse at 1 nW and 1 MHz (SI 6), in the film's file and in the truth."""

NOMINAL_MAGNIFICATION = 495.0
MAGNIFICATION_ERROR = 1.0
"""Standard error of the magnification that the analysis is given."""


class HiddenLaw(StrEnum):
    """Law of the diffusivity, by its name in sample files."""

    RELAXATION = "relaxation"
    MEMORY = "memory"


@dataclass(frozen=True, kw_only=True)
class HiddenFilm:
    """Hidden truth: diffusivities (cm2/s), relaxation time (us), lifetimes (ns), centre (um), and the optics.

    `y_error_um` is by how much the line misses the centre of the image; `spectrum` is that of the emission.
    """

    law: HiddenLaw
    slow_cm2_s: float
    fast_cm2_s: float
    tau_us: float
    slow_prompt_ns: float
    fast_prompt_ns: float
    centre_x_um: float
    drift_nm_min: float
    time_zero_ps: float
    irf_fwhm_ps: float
    magnification: float
    y_error_um: float
    spectrum: HiddenSpectrum

    def share(self, power_nw: float, rate_mhz: float) -> float:
        """Return the true share of fast crystals, 0 to 1, at a power (nW) and rate (MHz)."""
        waiting_us = 1 / (EXCITONS_PER_NW_MHZ * power_nw)
        if self.law is HiddenLaw.RELAXATION:
            return math.exp(-waiting_us / self.tau_us)
        visits = EXCITONS_PER_NW_MHZ * power_nw / rate_mhz
        staying = math.exp(-1 / (rate_mhz * self.tau_us))
        return visits * staying / (1 - staying + visits * staying)

    def diffusivity_cm2_s(self, power_nw: float, rate_mhz: float) -> float:
        """Return the true diffusivity (cm2/s) at a power (nW) and rate (MHz)."""
        return self.slow_cm2_s + (self.fast_cm2_s - self.slow_cm2_s) * self.share(power_nw, rate_mhz)

    def lifetime_ns(self, power_nw: float) -> float:
        """Return the true prompt lifetime (ns) at a power (nW); linear in its logarithm from 0.5 to 25 nW."""
        # The same law as that of the simulation, written once more: the validation must not import it, or both could be
        # wrong together.
        way = math.log(min(max(power_nw, 0.5), 25.0) / 0.5) / math.log(50.0)
        return self.slow_prompt_ns + (self.fast_prompt_ns - self.slow_prompt_ns) * way

    def write(self, folder: Path) -> Path:
        """Write the sample file for the simulation, and return its path; raises OSError if it cannot be written."""
        path = folder / "hidden.toml"
        tables: dict[str, Mapping[str, str | float]] = {
            "diffusion": {
                "law": self.law.value, "slow_cm2_s": self.slow_cm2_s, "fast_cm2_s": self.fast_cm2_s,
                "tau_us": self.tau_us,
            },
            "emission": {
                "slow_prompt_ns": self.slow_prompt_ns, "fast_prompt_ns": self.fast_prompt_ns,
                "n_per_nw_mhz": EXCITONS_PER_NW_MHZ,
            },
            "image": {
                "centre_x_um": self.centre_x_um, "centre_y_um": 0.0, "drift_nm_min": self.drift_nm_min,
                "drift_period_h": 1000.0,
                "magnification": self.magnification,
            },
            "timing": {"time_zero_ps": self.time_zero_ps, "irf_fwhm_ps": self.irf_fwhm_ps},
            **self.spectrum.tables(),
        }  # fmt: skip
        lines = ['extends = "ola_oa"', 'name = "hidden film"']
        for name, table in tables.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def draw_film(rng: np.random.Generator) -> HiddenFilm:
    """Return a random film: constants within a factor of two of the paper's, optics as an alignment leaves them."""
    # Wide enough that no result can come from a starting value or a limit of the fits, and narrow enough that every map
    # can be reduced: a film that cannot be measured says nothing about errors.
    return HiddenFilm(
        law=HiddenLaw.MEMORY if rng.random() < 0.3 else HiddenLaw.RELAXATION,
        slow_cm2_s=float(rng.uniform(0.005, 0.03)),
        fast_cm2_s=float(rng.uniform(0.07, 0.2)),
        tau_us=float(rng.uniform(3.0, 12.0)),
        slow_prompt_ns=float(rng.uniform(2.0, 2.6)),
        fast_prompt_ns=float(rng.uniform(1.3, 1.8)),
        centre_x_um=float(rng.uniform(-0.1, 0.1)),
        drift_nm_min=float(rng.normal(0.0, 4.0)),
        time_zero_ps=float(rng.uniform(1500.0, 3000.0)),
        irf_fwhm_ps=float(rng.uniform(60.0, 100.0)),
        magnification=float(rng.normal(NOMINAL_MAGNIFICATION, MAGNIFICATION_ERROR)),
        y_error_um=float(rng.normal(0.0, 0.005)),
        spectrum=draw_spectrum(rng.spawn(1)[0]),
    )
