"""Silicon drift detector at the powder cell, gated by the master scaler; one frame per exposure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from caproto.server import PVGroup, pvproperty

from sim.ioc.records.fields import repost
from sim.ioc.xas.equipment.cell import Cell
from sim.physics import beam_path
from sim.physics.beamline_state import BeamlineState
from sim.physics.effects import IDEAL, EffectSizes
from sim.physics.experiment import ExposureCounts, restarted_seed
from sim.physics.ion_chambers import i0_rate
from sim.physics.sample import Sample
from sim.physics.sample_effects import POWDER_SELF_ABSORPTION, self_absorbed
from sim.physics.silicon_drift import ELEMENTS, DriftCounts, DriftDetector, draw_drift_counts
from sim.physics.spectra import edge_at
from sim.physics.thermal import powder_spectrum

FRAME_LENGTH = 2 + 3 * ELEMENTS

NOTHING = DriftCounts(
    counts=np.zeros(ELEMENTS, dtype=np.int64), input_rate=np.zeros(ELEMENTS), output_rate=np.zeros(ELEMENTS)
)
"""Counts without beam."""

RANDOM_STREAM = 101
"""Number of this detector's own stream of randomness; those of the jet's detectors are below 10."""


class Sdd(PVGroup):
    """Five elements, which see nothing with the jet in the beam."""

    frame = pvproperty(
        name="7idd:sdd:Frame", value=[0.0] * FRAME_LENGTH, max_length=FRAME_LENGTH, record="waveform", dtype=float,
        read_only=True, doc="SDD exposure: id s counts icr ocr",
    )  # fmt: skip

    def __init__(self, prefix: str, *, sample: Sample, cell: Cell, seed: int, restarts: int = 0, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._sample = sample
        self._cell = cell
        self._rng = np.random.default_rng(restarted_seed(seed, RANDOM_STREAM, restarts))
        self.detector = DriftDetector()
        self.effects: Callable[[], EffectSizes] = lambda: IDEAL
        """Returns the sizes of the effects, of which the powder absorbs its own fluorescence."""

    async def publish(self, exposure_id: int, state: BeamlineState, exposure: ExposureCounts) -> None:
        """Post the counts of the time in which the gate of the master was open."""
        counts = self.count(state, exposure)
        numbers = [*counts.counts.tolist(), *counts.input_rate.tolist(), *counts.output_rate.tolist()]
        frame = [float(exposure_id), exposure.duration_s, *(float(number) for number in numbers)]
        await repost(self.frame, frame)

    def count(self, state: BeamlineState, exposure: ExposureCounts) -> DriftCounts:
        """Count one exposure in `state`, in which an intact ion chamber counts `exposure.delivered`.

        The flux is drawn from the counts of the ion chamber: a gamma variable of shape N, whose relative spread is that
        of N counts. So I0 and this detector share the flux, each with its own counting noise.
        """
        # Both detectors must see the same fluctuating flux, but the ion chamber reports only its counts N. Given N, a
        # flux drawn as gamma(N) / N has the mean 1 and the relative spread 1 / sqrt(N) that N leaves undetermined, and
        # is never negative. Ratios of the two detectors then scatter by counting alone, as at a real beamline.
        if exposure.duration_s == 0:
            return NOTHING
        flux = float(self._rng.standard_gamma(exposure.delivered))
        if not self._cell.in_beam:
            return NOTHING
        relative = flux / (i0_rate(state.energy_ev) * exposure.duration_s)
        in_beam = relative * beam_path.flux(state.energy_ev)
        level = float(powder_spectrum(self._sample, state.energy_ev, self._cell.temperature_c))
        scatter = edge_at(self._sample.edges, state.energy_ev).scatter
        strength = self.effects().self_absorption * POWDER_SELF_ABSORPTION
        spectrum = scatter + self_absorbed(level - scatter, strength) if strength else level
        return draw_drift_counts(self.detector, spectrum, in_beam, exposure.duration_s, self._rng)
