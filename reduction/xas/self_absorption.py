"""Spectra, amplitudes and slopes without self-absorption: corrected for what a sample loses of its own fluorescence."""

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
    from reduction.xas.transient import Spectrum, TransientMetadata

AnySpectrum = TypeVar("AnySpectrum", bound="Spectrum")

ABOVE_EDGE = Value(1.0, 0.3)
ON_RISE = Value(0.5, 0.4)
"""Unpumped level at an edge's main feature and above, and below it, in edge steps, where no spectrum shows it (chosen).

White lines of the samples in use are at 0.9 to 1.2.
"""

NEAR_FEATURE_EV = 1.0
"""Distance below the main feature at which an energy still counts as on it."""

ROUNDS = 3
"""Iterations of finding the step with the corrected shape: each leaves a tenth of the last one's error or less."""


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

    Such as the amplitude of a delay scan or a slope of a fluence scan, as measured: their energy alone does not show
    how high the level is above the edge, `spectrum` does. It comes back as it is if the spectrum is not corrected.
    """
    level = float(np.interp(energy_ev, spectrum.energy_ev, spectrum.off))
    return _stretched(change, spectrum.absorption_loss, Value(level, 0.0))


def described_loss(metadata: TransientMetadata) -> Value | None:
    """Return the loss of fluorescence per edge step that a run describes by its jet and concentration, without unit.

    None for a run that does not state both, and for a spectrum, which is corrected point by point.
    """
    jet = metadata.jet
    if jet is None or jet.expected_step is None or metadata.energy_ev is None:
        return None
    return jet.loss(jet.expected_step)


def by_described_jet(change: Value, metadata: TransientMetadata) -> Value | None:
    """Return a relative change at the energy of a run as a thin sample would show it, by the jet that the run states.

    Its error contains those of the concentration, of the geometry, and of the level at this energy, which a run at one
    energy does not show. None if the run does not describe its jet.
    """
    loss = described_loss(metadata)
    return None if loss is None else _stretched(change, loss, _expected_level(metadata))


def thin_if_described(change: Value, metadata: TransientMetadata) -> Value:
    """Return a relative change as `by_described_jet`, or as it was measured if the run does not describe its jet."""
    return by_described_jet(change, metadata) or change


def _expected_level(metadata: TransientMetadata) -> Value:
    energy_ev = metadata.energy_ev
    feature_ev = metadata.main_feature_ev
    if energy_ev is None or feature_ev is None or energy_ev < feature_ev - NEAR_FEATURE_EV:
        return ON_RISE
    return ABOVE_EDGE


def _stretched(change: Value, loss: Value, level: Value) -> Value:
    """Return a relative change at a `level`, edge step = 1, without the loss of fluorescence per edge step."""
    # By the derivative of L (1 + s) / (1 + s L): a relative change appears divided by 1 + s L.
    factor = 1.0 + loss.value * level.value
    by_loss = change.value * level.value * loss.sigma
    by_level = change.value * loss.value * level.sigma
    return Value(change.value * factor, float(np.sqrt((change.sigma * factor) ** 2 + by_loss**2 + by_level**2)))


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
