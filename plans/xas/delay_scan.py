"""Kinetics at one energy: pumped and unpumped signal against the laser delay."""

from __future__ import annotations

from dataclasses import dataclass, replace

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from errors import InputError
from plans.argument import MAXIMUM_REPEATS
from plans.choices import DelayGoal, DelayStepping, Stepping
from plans.dwell_factors import factors_of_points
from plans.edges import edge_preset, feature_energy
from plans.engine.detection import pump_probe
from plans.engine.request import MARGIN_SIGMAS
from plans.engine.spec import Runs, ScanSpec
from plans.engine.until import until_of, with_most_passes
from plans.grids import Region, join_regions, log_spaced
from plans.options import ScheduledOptions
from plans.parameters import DelaysPs, DwellFactors, Edge, EnergyEv, RegionsPs, SliceS, SteppedBy, UntilDelays
from plans.registry import Group, scan_plan
from plans.xas.schedule import with_schedule

TIME_TRACE_LINEAR_PS: tuple[Region, ...] = ((-500, -200, 150), (-90, 90, 30), (120, 260, 35))
"""Linear part of the default time trace: a baseline, the rise, and the first decay."""

TIME_TRACE_LOG_PS = ((300.0, 2400.0, 14), (6_000.0, 130_000.0, 6))
"""Logarithmic parts (first, last, count): the second decay, and the offset to the paper's 130 ns (SI 2).

Densest where the lifetimes are decided. With 36 s per point tau1 is known to 19 ps and tau2 to 230 ps, about as in the
paper (20 and 300 ps), and the pulls of all parameters are 0.9 to 1.2 wide (120 simulated traces).
"""

SHORTEST_PASS_S = 2.0
"""Shortest dwell of a pass, s, into which a delay scan divides its `dwell_s` by itself.

The shorter the passes, the less a drift biases a lifetime, whatever its course. Between two exposures the laser needs
20 ms, and a step by software 10 ms: 1.5 % of such a pass.
"""


def time_trace_ps() -> list[float]:
    """Return the default delays of a time trace, ps."""
    # Linear steps where the response shapes the signal, equal ratios where exponentials do.
    tail = [delay for part in TIME_TRACE_LOG_PS for delay in log_spaced(*part)]
    return join_regions(TIME_TRACE_LINEAR_PS, "ps") + tail


def default_delays_ps(configuration: BeamlineConfiguration) -> list[float]:
    """Return the delays of `time_trace_ps` that the delay axis reaches and at which the references are unpumped, ps."""
    # Twice the margin that a scan needs: a response that is measured later may be longer than the configured one.
    sigmas = 2 * MARGIN_SIGMAS
    latest = configuration.scheme.unpumped_until_ps - sigmas * configuration.geometry.irf_sigma_ps
    limits = configuration.delay
    return [delay for delay in time_trace_ps() if limits.low_ps <= delay <= min(latest, limits.high_ps)]


@dataclass(frozen=True, kw_only=True)
class DelayScanOptions(ScheduledOptions):
    """Options of a delay scan besides its delays."""

    until: UntilDelays = DelayGoal.POINTS
    stepping: SteppedBy = DelayStepping.SOFTWARE
    slice_s: SliceS | None = None
    dwell_factors: DwellFactors | None = None


@scan_plan(group=Group.PUMP_PROBE, order=2, detection=pump_probe)
def delay_scan(
    configuration: BeamlineConfiguration,
    edge: Edge,
    *,
    options: DelayScanOptions,
    energy_ev: EnergyEv | None = None,
    delays_ps: DelaysPs | None = None,
    regions_ps: RegionsPs | None = None,
) -> Runs:
    """Scan the laser delay at one energy of an edge.

    By default 35 delays from -0.5 to 130 ns, linear around time zero and logarithmic later, without those at which a
    reference would meet the next pump, at the main feature of the edge (13472 or 13043 eV). With `until_sigma`, the
    first pass measures all of them, and later ones those at which more time helps most, until the result is good
    enough. Without `repeats`, `dwell_s` is divided into passes of at least 2 s, up and down in turn: the delay is
    electronic, so that passes cost little time, and drifts cancel. With `stepping="hardware"` a sequencer steps delay
    and shutter and counts without waiting for the computer; the run reduces in the same way. Returns the run's uid;
    with `gates` or `foil`, the uids of all runs by name, of which "scan" is the scan.
    """
    if delays_ps is not None and regions_ps is not None:
        raise InputError("Give delays_ps or regions_ps, not both.")
    if regions_ps is not None:
        delays_ps = join_regions(regions_ps, "ps")
    preset = edge_preset(edge, configuration)
    delays_ps = default_delays_ps(configuration) if delays_ps is None else delays_ps
    ends = [stop for _, stop, _ in regions_ps or ()]
    options = in_short_passes(options)
    scan = ScanSpec(
        edge=preset,
        axis=AxisName.DELAY,
        points=delays_ps,
        dwell_factors=factors_of_points(
            delays_ps, ends, options.dwell_factors, has_until=options.until_sigma is not None
        ),
        fixed={
            AxisName.ENERGY: feature_energy(preset, energy_ev),
            AxisName.FLUENCE: options.fluence_mj_cm2,
        },
        stepping=Stepping(options.stepping),
        slice_s=options.slice_s,
        options=with_most_passes(options),
        until=until_of(str(options.until), options.until_sigma, options.max_time_s),
    )
    return with_schedule(configuration, scan, options, delays_ps)


def in_short_passes(options: DelayScanOptions) -> DelayScanOptions:
    """Return the options with `dwell_s` divided into short passes, unless `repeats` or a goal decide on the passes."""
    passes = min(int(options.dwell_s / SHORTEST_PASS_S), MAXIMUM_REPEATS)
    if options.repeats is not None or options.until_sigma is not None or passes < 2:
        return options
    # Whole milliseconds, so that a person can read the dwell of a pass.
    return replace(options, dwell_s=round(options.dwell_s / passes, 3), repeats=passes)
