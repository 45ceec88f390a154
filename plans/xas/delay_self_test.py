"""Self-test of the delay axis: the same rise, made by the coarse delay, by the fine delay, and by the next X-ray pulse.

A wrong sign reverses the rise, and a jump of one delay relative to the others shifts it. `reduction.xas.delay_axis`
judges the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from plans.edges import BR_K, edge_preset, feature_energy
from plans.engine.detection import Detection, pump_probe
from plans.engine.spec import ScanSpec
from plans.grids import join_regions
from plans.options import ScanOptions
from plans.parameters import Edge, EnergyEv, FluenceMjCm2
from plans.registry import Group, scan_plan
from plans.types import AnyPlan, RunPlan
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS

LOWER_FINE_STEPS = 2
"""Coarse steps by which the fine delay is moved down in the third arm: into the range below 2560 ps."""

KEY = "self_test"
"""Key of the start document with the arm of the run."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to make the same delays.

    `held` takes both raw delays at time zero, ps, and returns the one that is held. The rise of `watched_probe`
    relative to `compare_probe` is expected `rise_offset_ps` after time zero.
    """

    name: str
    held: Callable[[float, float], dict[str, float]]
    rise_offset_ps: float
    watched_probe: int
    compare_probe: int

    def metadata(self, beamline: Beamline) -> dict[str, dict[str, Any]]:
        """Return the arm for the start document, with raw delay and distance of the pulse (ps) as calibrated."""
        # The scanned delays follow from the configuration alone. A period from another source moves the rise, and the
        # place where it is expected, by no more than a width of the response.
        scheme = beamline.ring.current_scheme()
        rise_offset_ps = scheme.until_next_pump_ps(self.watched_probe) if self.rise_offset_ps else 0.0
        return {
            KEY: {
                "arm": self.name,
                "held": self.held(*beamline.delay.split(0.0)),
                "rise_offset_ps": rise_offset_ps,
                "watched_probe": self.watched_probe,
                "compare_probe": self.compare_probe,
            }
        }


def self_test_arms(configuration: BeamlineConfiguration) -> tuple[Arm, ...]:
    """Return the arms: fine moves; coarse moves; coarse moves with fine lower; the next pump, seen by the last probe.

    As the delay grows, the last pulse before a pump meets that pump: with one gate per bunch, one bunch period after
    time zero. That arm is omitted if the delay axis, ps, does not reach that far.
    """
    geometry = configuration.geometry
    step_ps = configuration.delay.coarse_step_ps
    # Every arm makes the same delays by other means, so a fault of one of them shifts its rise against the others: the
    # fine delay; the coarse delay; the coarse delay with the fine one in another range, where the real one has jumped;
    # and another X-ray pulse at a known distance. The gate that meets the next pump first is compared with the one that
    # meets it next.
    scheme = configuration.scheme
    last, before_last = scheme.probes_by_next_pump[:2]
    rise_offset_ps = scheme.until_next_pump_ps(last)
    gates = {"watched_probe": geometry.pumped_probe, "compare_probe": geometry.unpumped_probe}
    raw_delays = (
        Arm(name="fine", held=lambda coarse_ps, _: {"coarse": coarse_ps}, rise_offset_ps=0.0, **gates),
        Arm(name="coarse", held=lambda _, fine_ps: {"fine": fine_ps}, rise_offset_ps=0.0, **gates),
        Arm(
            name="fine lower",
            held=lambda _, fine_ps: {"fine": fine_ps - LOWER_FINE_STEPS * step_ps},
            rise_offset_ps=0.0,
            **gates,
        ),
    )
    if rise_offset_ps + TIME_ZERO_REGIONS_PS[-1][1] > configuration.delay.high_ps:
        return raw_delays
    next_pump = Arm(
        name="probe",
        held=lambda _coarse_ps, _fine_ps: {},
        rise_offset_ps=rise_offset_ps,
        watched_probe=last,
        compare_probe=before_last,
    )
    return (*raw_delays, next_pump)


def holding(beamline: Beamline, md: Mapping[str, Any], run: RunPlan) -> RunPlan:
    """Run one arm while holding the raw delay that its metadata name, ps; release it however the run ends."""

    # However the arm ends: a raw delay that stayed held would limit every later scan to one range.
    def free() -> AnyPlan:
        yield from bps.configure(beamline.delay, {"held": {}})

    def held() -> RunPlan:
        yield from bps.configure(beamline.delay, {"held": dict(md[KEY]["held"])})
        return (yield from run)

    return str((yield from bpp.finalize_wrapper(held(), free)))


def any_probe(beamline: Beamline) -> Detection:
    """Return the detection of the jet with the laser at every delay: an arm may have its rise at the unpumped probe."""
    return replace(pump_probe(beamline), unpumped_probe=False)


@scan_plan(
    group=Group.ALIGNMENT,
    order=9,
    detection=any_probe,
    around=holding,
    own_keys=(KEY,),
)
def delay_self_test(
    configuration: BeamlineConfiguration,
    edge: Edge = BR_K.name,
    *,
    options: ScanOptions,
    energy_ev: EnergyEv | None = None,
    fluence_mj_cm2: FluenceMjCm2 = 8.83,
) -> dict[str, ScanSpec]:
    """Test the delay axis: measure the same rise in four ways, each in a run of its own.

    The fine delay moves; the coarse delay moves; the coarse delay moves with the fine delay 2 ns lower, below 2560 ps,
    where the real one has jumped; and, at larger delays, the last probe meets the next pump. Time zero must be
    right to about 100 ps. The session judges the runs when the last has ended: a wrong sign reverses a rise,
    and a jump shifts it. The last arm measures the bunch period, see `apply_bunch_period`. `self_test` in the start
    document of a run names its arm. Returns the uid of each arm's run by the arm's name.
    """
    delays_ps = join_regions(TIME_ZERO_REGIONS_PS, "ps")
    preset = edge_preset(edge, configuration)
    energy_ev = feature_energy(preset, energy_ev)
    return {
        arm.name: ScanSpec(
            edge=preset,
            axis=AxisName.DELAY,
            points=[arm.rise_offset_ps + delay_ps for delay_ps in delays_ps],
            fixed={AxisName.ENERGY: energy_ev, AxisName.FLUENCE: fluence_mj_cm2},
            metadata=arm.metadata,
            options=options,
        )
        for arm in self_test_arms(configuration)
    }
