"""Parts of an exposure that goes through several states: pump periods, and shares of the boxcar's blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.physics.beamline_state import BeamlineState, Stretch
from sim.physics.pump_scheme import PumpScheme
from sim.types import FloatArray


def pump_periods(stretches: Sequence[Stretch], scheme: PumpScheme) -> dict[BeamlineState, int]:
    """Return the pump periods spent in each state; a period cut by the end of a stretch ends in the next one."""
    # Numbers of whole periods are differences of a running total, so that rounding at the boundaries neither loses nor
    # adds a period: undisturbed and disturbed exposures of equal length open equally many gates.
    periods: dict[BeamlineState, int] = {}
    end_s = 0.0
    begun = 0
    for state, seconds in stretches:
        end_s += seconds
        ended = int(end_s * 1e12 / scheme.period_ps(state.rate_divider))
        # After a change of the divider the numbers restart, so the difference could be below 0.
        periods[state] = periods.get(state, 0) + max(ended - begun, 0)
        begun = ended
    return periods


def block_shares(stretches: Sequence[Stretch], blocks: int) -> dict[BeamlineState, FloatArray]:
    """Return the share of each state in each of `blocks` equal parts of the dwell, (blocks,); shares add up to 1."""
    if len(stretches) == 1:
        return {stretches[0][0]: np.ones(blocks)}
    ends_s = np.cumsum([0.0, *(seconds for _, seconds in stretches)])
    edges_s = np.linspace(0.0, ends_s[-1], blocks + 1)
    shares: dict[BeamlineState, FloatArray] = {state: np.zeros(blocks) for state, _ in stretches}
    for (state, _), begin_s, end_s in zip(stretches, ends_s[:-1], ends_s[1:], strict=True):
        inside = np.minimum(edges_s[1:], end_s) - np.maximum(edges_s[:-1], begin_s)
        shares[state] += np.maximum(inside, 0.0) / (ends_s[-1] / blocks)
    return shares
