"""Random samples, drawn from ranges that are physical and that the measurement can resolve."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from reduction.timing import Timing
from reduction.xas.pump_train import PumpTrain

REFERENCE_FLUENCE_MJ_CM2 = 8.83
"""Fluence of the pump for `br_change` and `pb_change`, that of the paper."""

SATURATION_SHARPNESS = 8.0
"""Sharpness of the saturation of a simulated sample, which at 7 mJ/cm2 leaves 0.03 to 0.24 % less than a line."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Range from which a quantity is drawn, uniformly or uniformly in its logarithm, and the reason for it."""

    low: float
    high: float
    reason: str
    logarithmic: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """Return one random value, in the unit of the range."""
        if self.logarithmic:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return float(rng.uniform(self.low, self.high))


RANGES = {
    "tau1_ps": Range(
        low=80, high=250, reason="from twice the width of the response; the paper has 120 ps", logarithmic=True
    ),
    "lifetime_ratio": Range(
        low=5, high=15, reason="below 4 two lifetimes cannot be separated; the paper has 7.5", logarithmic=True
    ),
    "fraction1": Range(low=0.40, high=0.65, reason="the paper has 0.60; both decays are large enough to be measured"),
    "fraction2": Range(low=0.15, high=0.30, reason="the paper has 0.21; at least 0.05 is left for the offset"),
    "offset_lifetime_ns": Range(
        low=200, high=800, reason="nearly flat to 130 ns; later gates see the decay", logarithmic=True
    ),
    "t0_ps": Range(low=-40, high=40, reason="error of time zero after a coarse search: one width of the response"),
    "br_change": Range(low=-0.08, high=-0.03, reason="from the bleach of the paper, so that errors are a few per cent"),
    "pb_change": Range(low=-0.03, high=-0.012, reason="smaller than at the Br edge, as in the paper"),
    "photons_per_pulse": Range(
        low=0.1, high=0.3, reason="from the value of the paper; a gate loses up to 10 % by pile-up"
    ),
    "saturation_fluence_mj_cm2": Range(low=11.5, high=15, reason="linear to about 10 mJ/cm2, as in the paper"),
    "backlash_ev": Range(
        low=-0.6, high=0.6, reason="up to the largest shift that the paper corrected, in both directions"
    ),
    "irf_sigma_ps": Range(
        low=30, high=70, reason="from the pulse lengths alone to twice as much; the configuration has 45 ± 15 ps"
    ),
}
"""Ranges by name, in units of the names. `lifetime_ratio` is tau2/tau1.

Outside these ranges a parameter cannot be resolved and has no meaningful error bar; docs/how-to/check-the-error-bars.md
lists what they leave out.
"""


@dataclass(frozen=True, kw_only=True)
class SampleTruth:
    """True parameters of one sample and of its beamline.

    `br_change` and `pb_change`: transient over static signal at the main feature of the edge, just after a pump of
    reference fluence. `backlash_ev`: error of the energy after a long move down. `irf_sigma_ps`: instrument response.
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
    irf_sigma_ps: float

    @property
    def offset(self) -> float:
        """Fraction of the long-lived offset, 0 to 1."""
        return 1.0 - self.fraction1 - self.fraction2

    def excitation(self, fluence_mj_cm2: float) -> float:
        """Return the excitation by one pump, relative to an unsaturated pump of reference fluence."""
        knee = 1.0 + (fluence_mj_cm2 / self.saturation_fluence_mj_cm2) ** SATURATION_SHARPNESS
        return fluence_mj_cm2 / REFERENCE_FLUENCE_MJ_CM2 / math.pow(knee, 1.0 / SATURATION_SHARPNESS)

    def after_pump(self, first_delay_ps: float, probe: int, timing: Timing) -> float:
        """Return the excitation at `probe`, relative to that just after one pump, including earlier pumps.

        `first_delay_ps` is the delay of probe 0, ps.
        """
        train = PumpTrain(period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=self.irf_sigma_ps)
        delay = timing.delay_of(probe, first_delay_ps) - self.t0_ps
        parts = (
            (self.fraction1, 1.0 / self.tau1_ps),
            (self.fraction2, 1.0 / self.tau2_ps),
            (self.offset, 1e-3 / self.offset_lifetime_ns),
        )
        return float(sum(fraction * train.decay(delay, rate).value for fraction, rate in parts))

    def fluence_slope(self, fluences_mj_cm2: tuple[float, ...], first_delay_ps: float, timing: Timing) -> float:
        """Return the slope of the Br transient against fluence, relative to the mean unpumped signal, cm2/mJ.

        The unpumped signal includes the remainder of earlier pumps, which is proportional to the fluence.
        """
        # The measured slope is that of (on - off) / mean off. Earlier pumps have left a remainder in both, which is
        # proportional to the fluence too: the numerator has the difference of the excitations, the denominator the
        # unpumped signal at the mean fluence.
        per_fluence = self.br_change / REFERENCE_FLUENCE_MJ_CM2
        on = self.after_pump(first_delay_ps, timing.pumped_probe, timing)
        off = self.after_pump(first_delay_ps, timing.unpumped_probe, timing)
        return per_fluence * (on - off) / (1.0 + per_fluence * off * float(np.mean(fluences_mj_cm2)))


def draw_truth(rng: np.random.Generator) -> SampleTruth:
    """Return one random sample, each quantity in the unit of its name, from its range in `RANGES`."""
    drawn = {name: limits.draw(rng) for name, limits in RANGES.items()}
    # The second lifetime is drawn as a ratio to the first: two lifetimes drawn independently would often be so close
    # that no measurement could separate them.
    drawn["tau2_ps"] = drawn["tau1_ps"] * drawn.pop("lifetime_ratio")
    return SampleTruth(**{field.name: drawn[field.name] for field in fields(SampleTruth)})
