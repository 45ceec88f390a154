"""The counts of each gate: photons per pulse, and the photons that the gates miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.detectors import detectors_of
from reduction.pileup import true_counts
from reduction.xas.exposure_pairs import SHUTTER_OPEN

ATTENUATE_ABOVE = 0.5
"""Photons per pulse and photodiode up to which tests show that the pile-up correction is unbiased to 1e-3."""


@dataclass(frozen=True, kw_only=True)
class BunchView:
    """Counts and derived numbers, (apd, probe) each except `pulses` (probe,).

    `photons_per_pulse` is corrected for pile-up. `pile_up`: fraction of the photons that no gate counted. `attenuate`:
    a gate sees more than `ATTENUATE_ABOVE` photons per pulse.
    """

    counts: NDArray[np.float64] = field(repr=False)
    pulses: NDArray[np.float64] = field(repr=False)
    photons_per_pulse: NDArray[np.float64]
    pile_up: NDArray[np.float64] = field(repr=False)
    attenuate: bool


@dataclass(frozen=True)
class BunchRequest(Request[BunchView]):
    """Gates of the latest exposure, or of the current scan or the run with the laser shutter open.

    `detector` names a further detector that counts; empty for the first.
    """

    of: Literal["latest", "scan", "run"] = "latest"
    detector: str = ""

    def compute(self, run: RunState) -> BunchView:
        """Return the counts per gate. Raises ReductionError without SPC data, or for a saturated gate."""
        # Of a run, only exposures with the laser shutter open count: that is the state in which the gates see pumped
        # and unpumped pulses. The latest exposure is shown as it is, with the shutter open or closed, because people
        # watch it while they set up.
        counts, pulses = self._latest(run) if self.of == "latest" else self._summed(run)
        if not pulses.any():
            raise ReductionError("No gate has been opened yet. Wait for the first exposure.")
        photons = true_counts(counts, pulses)
        per_pulse = np.divide(photons, pulses, out=np.zeros_like(photons), where=pulses > 0)
        seen = np.divide(counts, photons, out=np.ones_like(photons), where=photons > 0)
        return BunchView(
            counts=counts,
            pulses=pulses,
            photons_per_pulse=per_pulse,
            pile_up=1.0 - seen,
            attenuate=bool(per_pulse.max() > ATTENUATE_ABOVE),
        )

    def _latest(self, run: RunState) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        fields = self._fields(run)
        if not {*fields.values()} <= run.latest.keys():
            raise ReductionError("The run has no counted gates yet. Wait for its first exposure, or count with SPC.")
        pulses = np.asarray(run.latest[fields["pulses"]], dtype=float)
        return np.asarray(run.latest[fields["counts"]], dtype=float).reshape(-1, pulses.size), pulses

    def _fields(self, run: RunState) -> Mapping[str, str]:
        """Return the event fields of counts and pulses; raise ReductionError if the chosen detector does not count."""
        if not self.detector:
            return {"counts": "spc_counts", "pulses": "spc_pulses"}
        found = next((one for one in detectors_of(run.start or {}) if one.name == self.detector), None)
        if found is None or found.kind != "spc":
            raise ReductionError(f"This run has no detector {self.detector} that counts. Choose another one.")
        return found.fields

    def _summed(self, run: RunState) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = run.within("scan" if self.of == "scan" else "mean", self.detector)
        return sums.counts[:, :, SHUTTER_OPEN].sum(axis=(0, 1)), sums.pulses[:, :, SHUTTER_OPEN].sum(axis=(0, 1))
