"""What a random sample is: drawn from ranges that are physical and that the measurement can resolve."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from reduction.run_metadata import Timing
from reduction.xas.pump_train import PumpTrain

REFERENCE_FLUENCE_MJ_CM2 = 8.83
"""Fluence to which `br_change` and `pb_change` belong: the paper's."""


class Range(NamedTuple):
    """Where a quantity is drawn from, evenly, or evenly in its logarithm; and why there."""

    low: float
    high: float
    why: str
    logarithmic: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        if self.logarithmic:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return float(rng.uniform(self.low, self.high))


RANGES = {
    "tau1_ps": Range(80, 250, "from two widths of the response on; about the paper's 120 ps", logarithmic=True),
    "lifetime_ratio": Range(5, 15, "below 4 two lifetimes cannot be told apart; the paper's is 7.5", logarithmic=True),
    "fraction1": Range(0.40, 0.65, "about the paper's 0.60; both decays large enough to be seen"),
    "fraction2": Range(0.15, 0.30, "about the paper's 0.21; at least 0.05 is left for the offset"),
    "offset_lifetime_ns": Range(200, 800, "nearly flat to 130 ns, seen to decay by later gates", logarithmic=True),
    "t0_ps": Range(-40, 40, "what is left of time zero after a coarse search: one width of the response"),
    "br_change": Range(-0.08, -0.03, "from the paper's bleach on, so that errors come out as a few per cent"),
    "pb_change": Range(-0.03, -0.012, "smaller than at the Br edge, as in the paper"),
    "photons_per_pulse": Range(0.1, 0.3, "from the paper's on; a gate then misses up to 10 % to pile-up"),
    "saturation_fluence_mj_cm2": Range(11.5, 15, "linear to about 10 mJ/cm2, as in the paper"),
    "backlash_ev": Range(-0.6, 0.6, "up to the largest shift that the paper corrected, to both sides"),
}  # fmt: skip
"""Ranges by name, in units of the names. `lifetime_ratio` is tau2/tau1.

Outside of them the answer is "cannot be resolved", not a number with an error: what these ranges leave out is said in
docs/how-to/check-the-error-bars.md.
"""


@dataclass(frozen=True)
class Truth:
    """One sample, and what the beamline hides.

    `br_change` and `pb_change`: transient over static signal at the edge's main feature just after a pump of reference
    fluence. `backlash_ev`: error of the energy after a long move down.
    """

    tau1_ps: float
    tau2_ps: float
    fraction1: float
    fraction2: float
    offset_lifetime_ns: float
    t0_ps: float
    br_change: float
    pb_change: float
    photons_per_pulse: float
    saturation_fluence_mj_cm2: float
    backlash_ev: float

    @property
    def offset(self) -> float:
        """Fraction of the long-lived remainder."""
        return 1.0 - self.fraction1 - self.fraction2

    def after_pump(self, first_delay_ps: float, probe: int, timing: Timing) -> float:
        """Excitation that `probe` sees, 1 just after one pump; earlier pumps included."""
        train = PumpTrain(timing.pump_period_ps, timing.pump_overlap, timing.irf_sigma_ps)
        delay = timing.delay_of(probe, first_delay_ps) - self.t0_ps
        parts = (
            (self.fraction1, 1.0 / self.tau1_ps),
            (self.fraction2, 1.0 / self.tau2_ps),
            (self.offset, 1e-3 / self.offset_lifetime_ns),
        )
        return float(sum(fraction * train.decay(delay, rate).value for fraction, rate in parts))

    def fluence_slope(self, fluences_mj_cm2: tuple[float, ...], first_delay_ps: float, timing: Timing) -> float:
        """Change of the Br transient with fluence in the linear regime, relative to the mean unpumped signal, cm2/mJ.

        The unpumped signal still holds what earlier pumps left, in proportion to the fluence.
        """
        per_fluence = self.br_change / REFERENCE_FLUENCE_MJ_CM2
        on, off = (
            self.after_pump(first_delay_ps, probe, timing) for probe in (timing.pumped_probe, timing.unpumped_probe)
        )
        return per_fluence * (on - off) / (1.0 + per_fluence * off * float(np.mean(fluences_mj_cm2)))


def draw_truth(rng: np.random.Generator) -> Truth:
    """One random sample."""
    drawn = {name: limits.draw(rng) for name, limits in RANGES.items()}
    drawn["tau2_ps"] = drawn["tau1_ps"] * drawn.pop("lifetime_ratio")
    return Truth(**{field.name: drawn[field.name] for field in fields(Truth)})
