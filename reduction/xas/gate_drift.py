"""Drift of the gates from one calibration to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reduction.probabilities import chi_square_tail

if TYPE_CHECKING:
    from reduction.gate_calibration import GateCalibration, GateChain

FALSE_ALARMS = 1e-3
"""p-value below which gates have drifted: noise alone does that in one of a thousand comparisons."""


class GateDrift(NamedTuple):
    """Comparison of what two calibrations measured of the gates of one mode, by chi-square.

    `largest` is the largest change: of zeros in V or photons per pulse, of gains relative to 1.
    """

    quantity: str
    largest: float
    p_value: float

    @property
    def text(self) -> str:
        """The comparison as a sentence, with p."""
        verdict = "have changed" if self.p_value < FALSE_ALARMS else "agree with those before"
        return f"The {self.quantity} {verdict}: largest change {self.largest:.2g}, p = {self.p_value:.2g}."


def gate_drift(before: GateCalibration | None, after: GateCalibration) -> list[GateDrift]:
    """Return the comparison of zeros and gains, each where both have measured it; empty without."""
    if before is None:
        return []
    found = []
    for mode in (mode for mode in after.chains if mode in before.chains):
        old = before.chains[mode]
        new = after.chains[mode]
        if before.dark_uid != after.dark_uid:
            found.append(
                _compared(f"zeros of the gates, {mode},", old.zero, new.zero, (old.zero_error, new.zero_error))
            )
        if before.blocked_uid != after.blocked_uid and old.level and new.level:
            found.append(_gains(mode, old, new))
    return found


def _gains(mode: str, old: GateChain, new: GateChain) -> GateDrift:
    # Gains are relative to their mean, so one of them follows from the others.
    name = f"gains of the gates, {mode},"
    return _compared(name, old.gain, new.gain, (old.gain_error, new.gain_error), constraints=1)


def _compared(
    quantity: str, old: object, new: object, errors: tuple[object, object], constraints: int = 0
) -> GateDrift:
    change = np.subtract(np.asarray(new, dtype=float), np.asarray(old, dtype=float))
    sigma = np.hypot(*(np.asarray(one, dtype=float) for one in errors))
    known = sigma > 0
    chi_square = float(np.sum((change[known] / sigma[known]) ** 2))
    freedom = max(int(known.sum()) - constraints, 1)
    return GateDrift(quantity, float(np.abs(change).max()), chi_square_tail(chi_square, freedom))
