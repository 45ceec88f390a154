"""Heat: the thermostated cell, the powder's spectra against temperature, and its phases."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sim.physics.sample import Edge, Phases, Sample, Thermal
from sim.physics.spectra import static_spectrum
from sim.types import FloatArray

ZERO_C_IN_K = 273.15

AMBIENT_C = 22.0
"""Temperature of the cell without heating, C."""

LAG_S = 30.0
"""Time constant with which the powder follows its cell (chosen: a copper block with thin graphite windows)."""

AT_REST_C = 2e-3
"""Distance below which the powder counts as having arrived, so that later exposures all see one temperature."""


class Thermostat:
    """First-order lag behind a ramped set value, exact at any time.

    Times are seconds of beam; `ramp_c_min` is the slope of the ramp, C per minute. Without `heating` the set value is
    the ambient temperature, reached without a ramp. It starts at `start_c`, by default the ambient temperature.
    """

    def __init__(
        self,
        *,
        target_c: float,
        ramp_c_min: float,
        now_s: float = 0.0,
        ambient_c: float = AMBIENT_C,
        start_c: float | None = None,
    ) -> None:
        self._time_s = now_s
        self._ambient_c = ambient_c
        self._sample_c = ambient_c if start_c is None else start_c
        self._program_c = self._sample_c
        self._target_c = target_c
        self._ramp_c_s = ramp_c_min / 60
        self._heating = False

    def program(self, now_s: float, *, target_c: float, ramp_c_min: float, heating: bool) -> None:
        """Go to `target_c`, C, from beam time `now_s` on; a ramp starts at the current temperature."""
        # The temperature is a closed form of the time since the last change of the program, so every change first sets
        # the start of the new form to the temperature reached. Nothing is integrated, and the result does not depend on
        # how often it is asked for.
        self._program_c = self._sample_c = self.temperature_c(now_s)
        self._time_s = now_s
        self._target_c = target_c
        self._ramp_c_s = ramp_c_min / 60
        self._heating = heating

    def temperature_c(self, now_s: float) -> float:
        """Return the temperature of the powder at `now_s`, C."""
        elapsed_s = now_s - self._time_s
        if not self._heating:
            return _relaxed(self._sample_c, self._ambient_c, elapsed_s)
        way_c = self._target_c - self._program_c
        ramp_s = abs(way_c) / self._ramp_c_s
        slope = math.copysign(self._ramp_c_s, way_c)
        if elapsed_s < ramp_s:
            return self._on_ramp(slope, elapsed_s)
        return _relaxed(self._on_ramp(slope, ramp_s), self._target_c, elapsed_s - ramp_s)

    def _on_ramp(self, slope: float, elapsed_s: float) -> float:
        """Return the response of a first-order lag to a ramp, C: it trails by slope x lag, long after the start."""
        # Solution of lag dT/dt = program - T with program = p0 + slope t and T(0) = T0:
        # T = p0 + slope (t - lag) + (T0 - p0 + slope lag) exp(-t / lag).
        trailing_c = slope * LAG_S
        start = self._sample_c - self._program_c + trailing_c
        return self._program_c + slope * elapsed_s - trailing_c + start * math.exp(-elapsed_s / LAG_S)


def _relaxed(start_c: float, end_c: float, elapsed_s: float) -> float:
    difference = (start_c - end_c) * math.exp(-elapsed_s / LAG_S)
    return end_c if abs(difference) < AT_REST_C else end_c + difference


def varshni_shift_ev(thermal: Thermal, temperature_c: float) -> float:
    """Return the change of the band gap, and so of the edge, against the reference temperature, eV.

    Eg(T) = Eg(0) - alpha T^2 / (T + beta) (Varshni 1967; paper, SI 8).
    """

    def gap(celsius: float) -> float:
        """Return the change of the band gap from 0 K by the Varshni law, eV, at a temperature in C."""
        kelvin = celsius + ZERO_C_IN_K
        return -thermal.varshni_alpha_ev_k * kelvin**2 / (kelvin + thermal.varshni_beta_k)

    return gap(temperature_c) - gap(thermal.reference_c)


def thermal_change(thermal: Thermal, edge: str, energy_ev: ArrayLike, temperature_c: float) -> FloatArray:
    """Return the change of the spectrum at `edge` by heat, without the shift of the edge, in units of the edge step.

    The result has the shape of `energy_ev`, eV; temperatures are in C.
    """
    energy = np.asarray(energy_ev, dtype=float)
    total = np.zeros_like(energy)
    if edge in thermal.edges:
        changes = thermal.edges[edge]
        for peak in changes.changes:
            height = np.interp(temperature_c, changes.temperatures_c, peak.heights)
            total += height * np.exp(-4 * np.log(2) * ((energy - peak.center_ev) / peak.fwhm_ev) ** 2)
    return total


def powder_spectrum(sample: Sample, energy_ev: ArrayLike, temperature_c: float) -> FloatArray:
    """Return the fluorescence of the powder at the edge nearest to `energy_ev`, in units of the edge step.

    The result has the shape of `energy_ev`, eV; temperatures are in C.
    """
    # Heat acts twice: the whole edge moves with the band gap (Varshni), which is a shift of the energy scale, and peaks
    # change their heights, which is added at the shifted energy. The photon flux and the detector are not involved.
    energy = np.asarray(energy_ev, dtype=float)
    name, edge = _nearest(sample.edges, float(np.mean(energy)))
    seen_ev = energy - varshni_shift_ev(sample.thermal, temperature_c)
    return static_spectrum(edge, seen_ev) + thermal_change(sample.thermal, name, seen_ev, temperature_c)


def _nearest(edges: dict[str, Edge], energy_ev: float) -> tuple[str, Edge]:
    return min(edges.items(), key=lambda item: abs(item[1].edge_ev - energy_ev))


def phase_fractions(phases: Phases, temperature_c: float) -> dict[str, float]:
    """Return the volume fraction of each phase, orthorhombic, tetragonal and cubic, at a temperature in C.

    They add up to 1. Linear across each interval of coexistence (chosen: the paper gives only its ends).
    """
    left_orthorhombic = _through(temperature_c, phases.tetragonal_onset_c, phases.tetragonal_end_c)
    cubic = _through(temperature_c, phases.cubic_onset_c, phases.cubic_end_c)
    return {"orthorhombic": 1 - left_orthorhombic, "tetragonal": left_orthorhombic - cubic, "cubic": cubic}


def _through(value: float, low: float, high: float) -> float:
    if high == low:
        return float(value >= high)
    return min(max((value - low) / (high - low), 0.0), 1.0)
