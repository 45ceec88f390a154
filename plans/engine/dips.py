"""Dips of the flux at one energy: glitches of the monochromator, which differ from a loss of beam.

At a glitch the crystal also diffracts into another direction: the beam is weaker at this energy, always by the same
share, and normal beside it. I0 decreases with the signal, so such a point can be normalised like any other. A loss of
beam is seen at other energies too, or is over by the next exposure.
"""

from __future__ import annotations

import logging

from devices.exposure.event_reader import DIP_TOLERANCE

LEAST_SHARE = 0.02
"""Share of the normal flux below which there is no beam to normalise by (chosen)."""

logger = logging.getLogger("trxas.plans")


class DipRecord:
    """Dips that were found at the points of a run, by the index of the point.

    A point has one of three states: unknown; suspected, after two exposures in a row that failed only by the same low
    I0; confirmed, if the flux at another point was normal right after. From then on the low flux is expected there.
    """

    def __init__(self) -> None:
        self._failed: dict[int, float] = {}
        self._confirmed: dict[int, float] = {}

    def expected_per_s(self, point_index: int) -> float | None:
        """Return I0 at a confirmed dip, counts/s; None at any other point."""
        return self._confirmed.get(point_index)

    def is_suspected(self, point_index: int, i0_per_s: float, normal_per_s: float) -> bool:
        """Note an exposure that failed only by its I0, counts/s; return whether the previous one was the same."""
        before = self._failed.get(point_index)
        self._failed[point_index] = i0_per_s
        low = LEAST_SHARE * normal_per_s < i0_per_s < normal_per_s
        return low and before is not None and abs(i0_per_s / before - 1) <= DIP_TOLERANCE

    def confirm(self, point_index: int, energy_ev: float) -> None:
        """Expect the flux of the latest failed exposure at this point from now on; raises KeyError without one."""
        self._confirmed[point_index] = self._failed.pop(point_index)
        logger.warning(
            "I0 is low at %g eV only, %.4g counts/s: a glitch of the monochromator. The point is measured, normalised "
            "by I0 like all others, and marked with i0_dip.",
            energy_ev,
            self._confirmed[point_index],
        )

    def forget(self, point_index: int) -> None:
        """Forget the failed exposure of a point, because the next one failed for a reason other than I0."""
        self._failed.pop(point_index, None)
