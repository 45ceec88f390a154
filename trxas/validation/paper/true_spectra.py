"""The spectra of the simulated sample, and what the paper's recipes would make of them without any noise.

Only finished tables are compared with these numbers. The spectra follow the definition of sample files, and the decay
is that of the reduction; what the effects of the beamline do to a spectrum, such as self-absorption, is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plans.edges import BR_K
from plans.grids import join_regions
from reduction.timing import Timing
from reduction.types import FloatArray
from reduction.xas.pump_train import PumpTrain
from reduction.xas.static_xas import trapezoid_weights
from trxas.validation.coverage.noise_free import Excited
from trxas.validation.coverage.ring import true_timing
from trxas.validation.coverage.sample_template import SampleTemplate, gaussians
from trxas.validation.paper import published

FIRST_DELAYS_PS = (100.0, 10_100.0, 10_100.0)
PULSES = (0, 0, 1)
"""First delay of each of the published areas, and the number of the X-ray pulse after the pump."""


def spectral_truths(sample: Mapping[str, Any]) -> dict[str, float]:
    """Return true inverse areas, and the transients relative to that at 100 ps, of the tables of a sample file.

    Keys are "inverse area.DELAY", "ratio.DELAY" against the last probe, as measured, and "decay.DELAY" against a sample
    that was never pumped; all without unit. Empty for a sample without the Br K edge.
    """
    if BR_K.name not in sample.get("edges", {}):
        return {}
    timing = true_timing()
    # The reference is not quite unpumped: the last probe still sees what the pump of its own period has left. The
    # measured transient is the difference of the two.
    left = excitation(sample, timing, timing.unpumped_probe, FIRST_DELAYS_PS)
    seen = [
        float(excitation(sample, timing, timing.pumped_probe + pulse, (first_ps,))[0])
        for first_ps, pulse in zip(FIRST_DELAYS_PS, PULSES, strict=True)
    ]
    changes = [on - float(off) for on, off in zip(seen, left, strict=True)]
    found: dict[str, float] = {}
    for number, delay in enumerate(published.INVERSE_AREAS):
        # The spectra at 163.5 ns are counted ones, whose pumped and unpumped parts have a scale each.
        own_scale = PULSES[number] > 0
        found[f"inverse area.{delay}"] = 1.0 / true_area(sample, seen[number], float(left[number]), own_scale=own_scale)
        found[f"ratio.{delay}"] = changes[number] / changes[0]
        found[f"decay.{delay}"] = seen[number] / seen[0]
    return found


def excitation(sample: Mapping[str, Any], timing: Timing, probe: int, first_delays_ps: tuple[float, ...]) -> FloatArray:
    """Return the excitation at a probe, relative to that just after one pump, (delays,), with earlier pumps."""
    kinetics = sample["kinetics"]
    train = PumpTrain(
        period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=sample["beam"]["irf_sigma_ps"]
    )
    one = kinetics.get("fraction1", 1.0)
    two = kinetics.get("fraction2", 0.0)
    parts = (
        (one, 1.0 / kinetics["tau1_ps"]),
        (two, 1.0 / kinetics.get("tau2_ps", 1000.0)),
        # The offset of the published fit is the slow end of a decay in the simulation, so it gets the rate that it has
        # there.
        (1.0 - one - two, 1e-3 / kinetics.get("offset_lifetime_ns", 400.0)),
    )
    delays_ps = np.array([timing.delay_of(probe, first_ps) for first_ps in first_delays_ps])
    return np.asarray(sum(share * train.decay(delays_ps, rate).value for share, rate in parts))


def true_area(sample: Mapping[str, Any], pumped: float, unpumped: float, *, own_scale: bool) -> float:
    """Return the absolute area of the Br transient by the recipes of SI 4, without unit and without noise.

    `pumped` and `unpumped` are the excitations. With `own_scale`, as for photon counting, each spectrum is divided by
    its own edge integral; otherwise both by that of the unpumped one.
    """
    edge = SampleTemplate(content=sample, edge=BR_K.name)
    energy_ev = np.array(join_regions(BR_K.regions_ev, "eV"))
    spectra = Excited(
        energy_ev=energy_ev,
        level=edge.level(energy_ev),
        change=gaussians(sample["edges"][BR_K.name]["transient"], energy_ev),
        pumped=pumped,
        unpumped=unpumped,
    )
    _, transient = spectra.by_recipe(own_scale=own_scale)
    return float(trapezoid_weights(energy_ev) @ np.abs(transient))
