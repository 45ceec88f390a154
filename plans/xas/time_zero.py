"""Where laser and X-rays meet: the scan that shows it, and the step that makes it zero of the delay axis."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.numbers import finite_number
from errors import NotConnectedError, OutOfRangeError
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.scanning import ScanPlan, scan
from plans.grids import Region, join_regions

TIME_ZERO_REGIONS_PS: tuple[Region, ...] = ((-300, -150, 50), (-150, 150, 15), (150, 400, 50))
"""Default delays about zero: a baseline, the rise (sigma 45 ps) in steps of a third of it, and the top."""


def time_zero_scan(
    beamline: Beamline,
    edge: str = "Br K",
    *,
    around_ps: float = 0.0,
    delays_ps: Sequence[float] | None = None,
    energy_ev: float | None = None,
    dwell_s: float = 6.0,
    repeats: int = 1,
    fluence_mj_cm2: float = 8.83,
    shutter_reference: str = "none",
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Scan the delay finely over the rise of the transient: a delay scan made for fitting time zero.

    Parameters
    ----------
    edge : "Br K" or "Pb L3"; Br shows a five times larger transient.
    around_ps : where the rise is expected on the present delay axis, ps.
    delays_ps : delays, ps, ascending, instead of the default grid about `around_ps`.
    energy_ev : photon energy, eV; the edge's main feature by default.
    dwell_s, repeats, fluence_mj_cm2, shutter_reference, sample, series, md, approach : as of `delay_scan`.

    Returns the run's uid. Raises InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    preset = edge_preset(edge)
    beamline.delay.check_value(around_ps)
    if delays_ps is None:
        delays_ps = [around_ps + delay for delay in join_regions(TIME_ZERO_REGIONS_PS, "ps")]
    request = check_request(
        beamline,
        plan_name="time_zero_scan",
        edge=preset,
        axis="delay_ps",
        points=delays_ps,
        fixed={
            "energy_ev": preset.main_feature_ev if energy_ev is None else energy_ev,
            "fluence_mj_cm2": fluence_mj_cm2,
        },
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference=shutter_reference,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    return (yield from scan(beamline, request))


def rezero(beamline: Beamline, t0_ps: float) -> Generator[Msg, Any, float]:
    """Make `t0_ps`, a delay on the present axis, the new zero; nothing moves.

    Every later start document carries the new raw time zero, which is returned (ps). Raises InputError if `t0_ps` is
    no number, lies nearer to another X-ray pulse, or would push an end of the axis beyond the limits of a record.
    """
    delay, limit = beamline.delay, beamline.configuration.geometry.bunch_period_ps / 2
    finite_number(t0_ps, "t0_ps", "ps")
    if abs(t0_ps) > limit:
        raise OutOfRangeError("t0_ps", t0_ps, -limit, limit, "ps", "Farther away another X-ray pulse is nearer.")
    if missing := [signal.pvname for signal in (delay.coarse_setpoint, delay.fine_setpoint) if not signal.connected]:
        raise NotConnectedError(missing, 0.0)
    raw_ps = delay.time_zero_raw_ps + t0_ps
    delay.check_time_zero(raw_ps)
    yield from bps.configure(delay, {"time_zero_raw_ps": raw_ps})
    return raw_ps
