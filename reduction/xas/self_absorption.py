"""Spectra without self-absorption: what a sample loses of its own fluorescence, given back point by point."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from reduction.values import Value
from reduction.xas.sample_absorption import measured_step
from reduction.xas.transient_shape import transient_covariance

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray
    from reduction.xas.transient import Spectrum

AnySpectrum = TypeVar("AnySpectrum", bound="Spectrum")

ROUNDS = 3
"""Rounds of finding the step with the corrected shape: each leaves a tenth of the last one's error or less."""


def without_self_absorption(spectrum: AnySpectrum, run: RunAccumulator) -> AnySpectrum:
    """Return a spectrum as a thin sample would show it, on the same scale, and the `absorption_loss` that it had.

    A level L of a thin sample appears as L (1 + s) / (1 + s L), where s is the loss per edge step (Tröger et al. 1992,
    Phys. Rev. B 46, 3283), and levels are 0 before and 1 after the edge. The step of the sample is that of the diode
    behind it, or of the configured concentration where it shows none. The error of s is a row of `common`, so
    it is in all errors. A run that does not state the geometry of its jet comes back as it is.
    """
    jet = run.metadata.jet
    if jet is None:
        return spectrum
    corrected = spectrum
    for _ in range(ROUNDS):
        step = measured_step(run, corrected) or jet.expected_step
        if step is None:
            return spectrum
        corrected = _corrected(spectrum, jet.loss(step), run)
    return corrected


def of_thin_sample(change: Value, spectrum: Spectrum, energy_ev: float) -> Value:
    """Return a relative change of the fluorescence at one energy, eV, as a thin sample would show it; without unit.

    Such as the amplitude of a delay scan or a slope of a fluence scan: their energy alone does not show how high the
    level is above the edge, `spectrum` does. It comes back as it is if the spectrum is not corrected.
    """
    # By the derivative of L (1 + s) / (1 + s L): a relative change appears divided by 1 + s L.
    level = float(np.interp(energy_ev, spectrum.energy_ev, spectrum.off))
    loss = spectrum.absorption_loss
    factor = 1.0 + loss.value * level
    return Value(change.value * factor, float(np.hypot(change.sigma * factor, change.value * level * loss.sigma)))


def _corrected(spectrum: AnySpectrum, loss: Value, run: RunAccumulator) -> AnySpectrum:
    on, on_slope, on_moved = _thin(spectrum.on, loss)
    off, off_slope, off_moved = _thin(spectrum.off, loss)
    # A small difference of two levels is stretched by the slope at the mean of both.
    slope = (on_slope + off_slope) / 2
    row = (on_moved - off_moved)[None, :]
    common = np.vstack([spectrum.common * slope, row]) if spectrum.common.size else row
    covariance = transient_covariance(spectrum, run.metadata.windows)
    scatter = spectrum.sigma_scatter
    return replace(
        spectrum,
        on=on,
        off=off,
        on_sigma=spectrum.on_sigma * on_slope,
        off_sigma=spectrum.off_sigma * off_slope,
        transient=on - off,
        sigma=np.hypot(spectrum.sigma * slope, row[0]),
        sigma_scatter=None if scatter is None else scatter * slope,
        common=common,
        covariance=covariance * np.outer(slope, slope) + np.outer(row[0], row[0]),
        absorption_loss=loss,
    )


def _thin(level: FloatArray, loss: Value) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return levels of a thin sample, their slope against the measured ones, and their change by the error of loss."""
    inverse = 1.0 / (1.0 + loss.value * (1.0 - level))
    return level * inverse, (1.0 + loss.value) * inverse**2, -level * (1.0 - level) * inverse**2 * loss.sigma
