"""Time zero of laser and X-rays: the scan that finds it, and the step that makes it the zero of the delay axis."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.instrument_response import InstrumentResponse
from devices.names import AxisName
from errors import InputError, NotConnectedError
from plans.argument import Arg
from plans.choices import DelayStepping, Stepping
from plans.edges import BR_K, edge_preset, feature_energy
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.grids import Region, join_regions
from plans.limits import delay_limits
from plans.options import PumpedOptions
from plans.parameters import DelaysPs, Edge, EnergyEv, ResponseErrorPs, ResponsePs, SliceS, SteppedBy, TimeZeroPs
from plans.registry import Group, plan, scan_plan

TIME_ZERO_REGIONS_PS: tuple[Region, ...] = ((-300, -150, 50), (-150, 150, 15), (150, 400, 50))
"""Default delays about zero: a baseline, the rise (sigma 45 ps) in steps of a third of it, and the top."""

AroundPs = Annotated[
    float, Arg("where the rise is expected on the current delay axis; by default at 0", unit="ps", limits=delay_limits)
]


@scan_plan(group=Group.ALIGNMENT, order=6, detection=pump_probe)
def time_zero_scan(
    configuration: BeamlineConfiguration,
    edge: Edge = BR_K.name,
    *,
    options: PumpedOptions,
    around_ps: AroundPs | None = None,
    delays_ps: DelaysPs | None = None,
    energy_ev: EnergyEv | None = None,
    stepping: SteppedBy = DelayStepping.SOFTWARE,
    slice_s: SliceS | None = None,
) -> ScanSpec:
    """Scan the delay finely over the rise of the transient: a delay scan made for fitting time zero.

    By default in steps of 15 ps over the rise, at the Br K edge, which shows a five times larger transient than Pb L3.
    The same scan measures the width of the instrument response, see `apply_instrument_response`.
    Returns the run's uid.
    """
    if delays_ps is not None and around_ps is not None:
        raise InputError("Give delays_ps or around_ps, not both.")
    if delays_ps is None:
        delays_ps = [(around_ps or 0.0) + delay for delay in join_regions(TIME_ZERO_REGIONS_PS, "ps")]
    preset = edge_preset(edge, configuration)
    return ScanSpec(
        edge=preset,
        axis=AxisName.DELAY,
        points=delays_ps,
        fixed={
            AxisName.ENERGY: feature_energy(preset, energy_ev),
            AxisName.FLUENCE: options.fluence_mj_cm2,
        },
        stepping=Stepping(stepping),
        slice_s=slice_s,
        options=options,
    )


@plan(group=Group.ALIGNMENT, order=7)
def rezero(beamline: Beamline, t0_ps: TimeZeroPs | None = None) -> Generator[Msg, Any, float]:
    """Make `t0_ps`, a delay on the current axis, the new zero, by default what the latest time-zero scan found.

    Nothing moves. The limits hold on the new axis, and must stay within those of the records behind it. Every later
    start document carries the new raw time zero as `time_zero_raw_ps`. Returns it, ps. Outside of a session, which
    knows the stored runs, `t0_ps` has to be given.
    """
    if t0_ps is None:
        raise InputError("t0_ps is needed here: only a session knows the latest time-zero scan. Give it in ps.")
    delay = beamline.delay
    if missing := [signal.pvname for signal in (delay.coarse_setpoint, delay.fine_setpoint) if not signal.connected]:
        raise NotConnectedError(missing, 0.0)
    # Only the raw delay has a meaning beyond this session: the zero that was used so far plus t0 on its axis.
    raw_ps = delay.time_zero_raw_ps + t0_ps
    delay.check_time_zero(raw_ps)
    yield from bps.configure(delay, {"time_zero_raw_ps": raw_ps})
    return raw_ps


@plan(group=Group.ALIGNMENT, order=8)
def apply_instrument_response(
    beamline: Beamline, sigma_ps: ResponsePs | None = None, error_ps: ResponseErrorPs | None = None
) -> Generator[Msg, Any, str]:
    """Use a measured width of the instrument response and its error; nothing moves.

    By default both are those that the latest time-zero scan alone gives. Every later start document carries them as
    `instrument_response`; fits of these runs take them as the prior of the width. Returns them as text. Outside of a
    session, which knows the stored runs, both have to be given. Raises InputError for one without the other.
    """
    if sigma_ps is None or error_ps is None:
        raise InputError("sigma_ps and error_ps are needed, both in ps: a width cannot be used without its error.")
    response = InstrumentResponse(sigma_ps=sigma_ps, error_ps=error_ps, source="measured")
    yield from bps.configure(beamline.delay, {"response": response})
    return f"instrument response {sigma_ps:g} ± {error_ps:g} ps"
