"""A user's sample whose lifetimes, energies, time zero and response are hidden: drawn around those of its file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.configuration.toml_file import read_toml
from errors import ConfigurationError, InputError
from reduction.types import FloatArray
from reduction.xas.kinetics.kinetic_model import KineticModel
from trxas.validation.coverage.random_sample import Range

HIDDEN = {
    "lifetime_factor": Range(
        low=0.5, high=2.0, reason="an unmeasured lifetime is known to a factor of two", logarithmic=True
    ),
    "shift_ev": Range(low=-0.8, high=0.8, reason="chemical shift between two complexes of one metal"),
    "t0_ps": Range(low=-40, high=40, reason="error of time zero after a coarse search: one width of the response"),
    "irf_sigma_ps": Range(low=30, high=70, reason="from the pulse lengths alone to twice as much"),
}
"""Ranges by name, in units of the names; `lifetime_factor` multiplies all lifetimes of the file."""

REFERENCE_STEP_EV = 0.25
"""Step of the reference spectrum: a sixth of the width of the sharpest feature of a K edge."""


@dataclass(frozen=True, kw_only=True)
class HiddenTruth:
    """Random truth of one beamline: factor of all lifetimes, shift of all energies (eV), time zero and response."""

    lifetime_factor: float
    shift_ev: float
    t0_ps: float
    irf_sigma_ps: float


def draw_hidden(rng: np.random.Generator) -> HiddenTruth:
    """Return one draw, each quantity in the unit of its name, from its range in `HIDDEN`."""
    return HiddenTruth(**{name: limits.draw(rng) for name, limits in HIDDEN.items()})


@dataclass(frozen=True, kw_only=True)
class SampleTemplate:
    """A sample file as its tables, and the edge of it that is measured.

    The spectra follow the definition of sample files (docs/how-to/write-a-sample.md): an arctangent step of height 1
    above `scatter`, and Gaussians, in units of the edge step.
    """

    content: Mapping[str, Any]
    edge: str

    @property
    def lifetimes_ps(self) -> tuple[float, ...]:
        """Lifetimes of the file, ps, fast to slow: one or two."""
        kinetics = self.content["kinetics"]
        # A file may state a second lifetime with a fraction of 0, which no measurement can see.
        second = (float(kinetics["tau2_ps"]),) if kinetics.get("fraction2", 0.0) > 0 else ()
        return (float(kinetics["tau1_ps"]), *second)

    @property
    def model(self) -> KineticModel:
        """The kinetic model by which the sample decays, as a user who knows its chemistry would choose it."""
        kinetics = self.content["kinetics"]
        # Fractions such as 0.7 and 0.3 add up to 1 only within rounding.
        offset = 1.0 - kinetics.get("fraction1", 1.0) - kinetics.get("fraction2", 0.0) > 1e-9
        return KineticModel(f"{len(self.lifetimes_ps)}{'+offset' if offset else ''}")

    def text(self, truth: HiddenTruth) -> str:
        """Return the sample file of a draw, without errors of the monochromator."""
        content = deepcopy(dict(self.content))
        for key in ("tau1_ps", "tau2_ps"):
            if key in content["kinetics"]:
                content["kinetics"][key] *= truth.lifetime_factor
        edge = content["edges"][self.edge]
        edge["edge_ev"] += truth.shift_ev
        for key in ("static", "transient"):
            edge[key] = [[center + truth.shift_ev, fwhm, height] for center, fwhm, height in edge[key]]
        # The shift of the energies is hidden in the sample. An error of the monochromator would add to it, and could
        # not be distinguished from it.
        hidden = {"time_zero_ps": truth.t0_ps, "irf_sigma_ps": truth.irf_sigma_ps, "calibration_offset_ev": 0.0}
        content["beam"] = {**content["beam"], **hidden}
        return toml_text(content)

    def level(self, energy_ev: FloatArray) -> FloatArray:
        """Return the static spectrum of the file at energies, eV, in units of the edge step, (energies,)."""
        edge = self.content["edges"][self.edge]
        step = 0.5 + np.arctan(2.0 * (energy_ev - edge["edge_ev"]) / edge["width_ev"]) / math.pi
        return np.asarray(edge["scatter"] + step + gaussians(edge["static"], energy_ev))

    def amplitude(self, truth: HiddenTruth, energy_ev: float, fluence_mj_cm2: float) -> float:
        """Return transient over static signal at an energy, eV, just after a pump below all saturation."""
        # The file's spectra are not shifted, so the shifted spectrum at an energy is the file's at a lower one.
        at = np.array([energy_ev - truth.shift_ev])
        share = fluence_mj_cm2 / self.content["pump"]["reference_fluence_mj_cm2"]
        return float(share * gaussians(self.content["edges"][self.edge]["transient"], at)[0] / self.level(at)[0])

    def reference(self, low_ev: float, high_ev: float) -> dict[str, list[float]]:
        """Return the spectrum of the file as if it were published, with its energies, eV; shifts are relative to it."""
        energy_ev = np.arange(low_ev, high_ev + REFERENCE_STEP_EV / 2, REFERENCE_STEP_EV)
        return {"energy_ev": energy_ev.tolist(), "level": self.level(energy_ev).tolist()}


def read_template(path: Path, edge: str) -> SampleTemplate:
    """Read a sample file; raise InputError if it cannot be read, or lacks the edge."""
    try:
        content = read_toml(path, "sample file")
    except ConfigurationError as error:
        raise InputError(
            f"--sample {path}: {error}. Give a sample file (TOML), or the name of a shipped one."
        ) from error
    if edge not in content.get("edges", {}):
        raise InputError(f"--sample {path}: it has no edge {edge}. Give one with a table [edges.{edge!r}].")
    return SampleTemplate(content=content, edge=edge)


def toml_text(content: Mapping[str, Any]) -> str:
    """Return tables of numbers, strings and lists as TOML."""
    return "\n".join(_lines(content, ())) + "\n"


def _lines(content: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    # Values of a table come before its inner tables: in TOML, a key belongs to the table that was opened last. Numbers,
    # texts and lists of JSON read the same in TOML.
    plain = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    lines = ["", f"[{'.'.join(map(json.dumps, path))}]"] if path and plain else []
    lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in content.items():
        if isinstance(value, Mapping):
            lines += _lines(value, (*path, key))
    return lines


def gaussians(peaks: Any, energy_ev: FloatArray) -> FloatArray:
    """Return the sum of rows [center_ev, fwhm_ev, height] at energies, eV, in units of the edge step, (energies,)."""
    total = np.zeros_like(energy_ev)
    for center_ev, fwhm_ev, height in peaks:
        total += height * np.exp(-4.0 * math.log(2.0) * ((energy_ev - center_ev) / fwhm_ev) ** 2)
    return total
