"""Dips of the flux that belong to an energy: glitches of the monochromator, as opposed to a loss of beam.

At a glitch the crystal diffracts into another direction as well: the beam is weaker at this energy, always by the same
share, and normal beside it. I0 falls with the signal, so that such a point can be normalised like any other. A loss of
beam shows at other energies, too, or has gone by the next exposure.
"""

from __future__ import annotations

import logging

from devices.exposure.event_reader import DIP_TOLERANCE

LEAST_SHARE = 0.02
"""Share of the normal flux below which there is no beam that a signal could be normalised by (chosen)."""

logger = logging.getLogger("trxas.plans")


class DipRecord:
    """What a run knows about dips at its points, by the index of the point.

    A point goes through three states: unknown; suspected, after two exposures in a row that failed by nothing but the
    same low I0; confirmed, if the flux was normal at another point right after. From then on this flux is expected.
    """

    def __init__(self) -> None:
        self._failed: dict[int, float] = {}
        self._confirmed: dict[int, float] = {}

    def expected_per_s(self, point_index: int) -> float | None:
        """Return I0 at a confirmed dip, counts/s; None at any other point."""
        return self._confirmed.get(point_index)

    def is_suspected(self, point_index: int, i0_per_s: float, normal_per_s: float) -> bool:
        """Note an exposure that failed only by its I0, counts/s; return whether the one before was the same."""
        before = self._failed.get(point_index)
        self._failed[point_index] = i0_per_s
        low = LEAST_SHARE * normal_per_s < i0_per_s < normal_per_s
        return low and before is not None and abs(i0_per_s / before - 1) <= DIP_TOLERANCE

    def confirm(self, point_index: int, energy_ev: float) -> None:
        """Expect the flux of the latest failed exposure at this point from now on."""
        self._confirmed[point_index] = self._failed.pop(point_index)
        logger.warning(
            "I0 is low at %g eV only, %.4g counts/s: a glitch of the monochromator. The point is measured, normalised "
            "by I0 like all others, and marked with i0_dip.",
            energy_ev,
            self._confirmed[point_index],
        )

    def forget(self, point_index: int) -> None:
        """Forget failed exposures of a point, as something else was wrong in between."""
        self._failed.pop(point_index, None)
