"""Calibration of the laser attenuator: the power behind it against the angle of its plate, and the fit to it."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky.utils import Msg
from numpy.typing import ArrayLike, NDArray

from devices.axes.fluence import AttenuatorCalibration, Waveplate
from devices.beamline import Beamline
from devices.detectors.power_meter import MAXIMUM_READINGS, PowerMeter
from errors import ConfigurationError, InputError, NotConnectedError, ReductionError
from plans.argument import Arg
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import announcement
from plans.engine.start_document import calibration_metadata
from plans.grids import check_points
from plans.parameters import AnglesDeg, Metadata
from plans.registry import Group, plan
from plans.types import Plan

FloatArray = NDArray[np.float64]

CALIBRATION_ANGLES_DEG = tuple(float(angle) for angle in range(0, 51, 4))
"""Default angles of the plate: more than the 45 degrees from blocked to open."""

PARAMETERS = 3
"""Number of fitted parameters: maximum, zero and leak."""

WORST_RELATIVE_ERROR = 0.05
"""Relative error above which a maximum counts as not determined: too few angles, or no laser (chosen)."""


Readings = Annotated[int, Arg("readings of the power meter per angle", low=2, high=MAXIMUM_READINGS)]
Apply = Annotated[bool, Arg("use the result for all fluences from now on; it is part of every later start document")]


@dataclass(frozen=True, kw_only=True)
class AttenuatorFit:
    """power = leak + maximum x sin^2(2 (angle - zero)), with standard errors from the scatter about the curve."""

    maximum_w: float
    maximum_sigma_w: float
    zero_deg: float
    zero_sigma_deg: float
    leak_w: float
    leak_sigma_w: float


def fit_attenuator(angles_deg: ArrayLike, powers_w: ArrayLike, *, near_deg: float = 0.0) -> AttenuatorFit:
    """Return the fit of the attenuator's law to powers, W, at plate angles, degrees, (n,) each; n is at least 4.

    Written with 4 x angle, the law is linear in three coefficients, so this is plain least squares. The zero repeats
    every 90 degrees; the one nearest to `near_deg` is returned. Raises InputError for arrays of different lengths,
    ReductionError if the error of the maximum exceeds 5 %.
    """
    angles = np.asarray(angles_deg, dtype=float)
    powers = np.asarray(powers_w, dtype=float)
    (mean, cosine, sine), covariance = _fit_cosine(angles, powers)
    half = math.hypot(cosine, sine)
    if half == 0:
        raise ReductionError(
            "The power is the same at every angle. Check that the laser is on, and that the power meter works."
        )
    # leak + maximum sin^2(2 (a - zero)) = mean + cosine cos 4a + sine sin 4a, with maximum = 2 half, leak = mean - half
    # and tan(4 zero) = sine / cosine. These are the derivatives of the three with respect to (mean, cosine, sine).
    to_maximum = np.array([0, cosine, sine]) * 2 / half
    to_leak = np.array([1, -cosine / half, -sine / half])
    to_zero = np.degrees(np.array([0, -sine, cosine])) / (4 * half**2)
    zero = math.degrees(math.atan2(-sine, -cosine)) / 4
    maximum_sigma, zero_sigma, leak_sigma = (
        math.sqrt(gradient @ covariance @ gradient) for gradient in (to_maximum, to_zero, to_leak)
    )
    _require_determined(2 * half, maximum_sigma)
    zero += 90 * round((near_deg - zero) / 90)
    return AttenuatorFit(
        maximum_w=2 * half,
        maximum_sigma_w=maximum_sigma,
        zero_deg=zero,
        zero_sigma_deg=zero_sigma,
        leak_w=mean - half,
        leak_sigma_w=leak_sigma,
    )


def _require_determined(maximum_w: float, sigma_w: float) -> None:
    if sigma_w > WORST_RELATIVE_ERROR * maximum_w:
        raise ReductionError(
            f"The attenuator's maximum is {maximum_w:.3g} ± {sigma_w:.1g} W: the angles do not determine it to "
            f"{WORST_RELATIVE_ERROR:.0%}. Check that the laser is on, and give angles from blocked to open."
        )


def _fit_cosine(angles_deg: FloatArray, powers_w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean, cosine and sine coefficients of the power, W, against 4 x angle, and their covariance (3, 3)."""
    if angles_deg.ndim != 1 or angles_deg.shape != powers_w.shape or not np.all(np.isfinite([angles_deg, powers_w])):
        shapes = f"{angles_deg.shape}, {powers_w.shape}"
        raise InputError(f"An attenuator fit needs equal numbers of finite angles and powers, not {shapes}.")
    if np.unique(angles_deg).size <= PARAMETERS:
        raise InputError(f"An attenuator fit needs at least {PARAMETERS + 1} different angles, not {angles_deg.size}.")
    phase = 4 * np.radians(angles_deg)
    design = np.column_stack([np.ones_like(phase), np.cos(phase), np.sin(phase)])
    coefficients, *_ = np.linalg.lstsq(design, powers_w)
    # No error of a single reading is known, so the scatter about the curve gives it.
    variance = np.sum((powers_w - design @ coefficients) ** 2) / (angles_deg.size - PARAMETERS)
    return coefficients, variance * np.linalg.pinv(design.T @ design)


@plan(group=Group.ALIGNMENT, order=2, own_keys=("num_points", "readings", "angles_deg"))
def calibrate_attenuator(
    beamline: Beamline,
    angles_deg: AnglesDeg = CALIBRATION_ANGLES_DEG,
    *,
    readings: Readings = 5,
    apply: Apply = True,
    md: Metadata | None = None,
) -> Generator[Msg, Any, AttenuatorCalibration]:
    """Measure the laser power at every angle of the half-wave plate, and calibrate the fluence axis with it.

    The powers are fitted by leak + maximum x sin^2(2 (angle - zero)). Meanwhile the laser is blocked in front of the
    sample, and the plate returns to where it was. Fluence is power per pulse and area of the laser spot, an ellipse
    with the widths of the configuration. If the powers do not determine the maximum to 5 %, the old calibration stays.
    The result, with errors and the uid of the run it comes from, is `attenuator` in every later start document, and is
    returned. Raises ConfigurationError if the beamline lacks plate or power meter, InputError or OutOfRangeError for
    faulty or too few angles, and NotConnectedError if a device does not answer.
    """
    plate, meter = _attenuator(beamline)
    angles = check_points(angles_deg, name=plate.name, low=plate.low, high=plate.high, unit=plate.unit)
    if len(angles) <= PARAMETERS:
        raise InputError(f"Give at least {PARAMETERS + 1} angles; {len(angles)} do not determine the attenuator.")
    if missing := beamline.disconnected(beamline.pump_probe_devices):
        raise NotConnectedError(missing, 0.0)
    yield announcement()
    meter.readings = readings
    start = _start_metadata(beamline, angles, readings, md)
    calibration = yield from ending_safely(beamline, _calibrate(beamline, angles, start, apply=apply))
    return cast(AttenuatorCalibration, calibration)


def _attenuator(beamline: Beamline) -> tuple[Waveplate, PowerMeter]:
    """Return plate and power meter; raises ConfigurationError if the beamline lacks one, or the repetition rate."""
    if beamline.waveplate is None or beamline.power_meter is None or beamline.laser.repetition_rate is None:
        raise ConfigurationError(
            f"{beamline.configuration.name} has no waveplate, or no power or repetition_rate of the laser, in its "
            "configuration file. Add them, or measure the fluence by hand and give fixed_mj_cm2 in [fluence]."
        )
    return beamline.waveplate, beamline.power_meter


def _calibrate(
    beamline: Beamline, angles_deg: list[float], start: dict[str, Any], *, apply: bool
) -> Generator[Msg, Any, AttenuatorCalibration]:
    """Measure, put the plate back, fit, and `apply` the result."""
    plate, _ = _attenuator(beamline)
    home = plate.position

    def go_home() -> Plan:
        yield from bps.abs_set(plate, home, wait=True)

    powers_w: list[float] = []
    measure = bpp.run_wrapper(_powers(beamline, angles_deg, powers_w), md=start)
    uid = yield from bpp.finalize_wrapper(measure, go_home)
    if any(map(math.isnan, powers_w)):
        return beamline.fluence.calibration
    fit = fit_attenuator(angles_deg, powers_w, near_deg=beamline.fluence.calibration.zero_deg)
    calibration = replace(_calibration(beamline, fit), source=f"calibrate_attenuator {uid}")
    if apply:
        yield from bps.configure(beamline.fluence, {"calibration": calibration})
    return calibration


def _powers(beamline: Beamline, angles_deg: list[float], powers_w: list[float]) -> Plan:
    """Append the power at each angle, W, to `powers_w`, with the laser blocked before the sample."""
    plate, meter = _attenuator(beamline)
    yield from bps.abs_set(beamline.laser_shutter, "closed", wait=True)
    for angle_deg in angles_deg:
        yield from bps.checkpoint()
        yield from bps.abs_set(plate, angle_deg, wait=True)
        event = yield from bps.trigger_and_read([plate, meter])
        # A simulator that only reads the messages gives no events.
        powers_w.append(event["power_w"]["value"] if event else math.nan)


def _start_metadata(
    beamline: Beamline, angles_deg: list[float], readings: int, md: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        **dict(md or {}),
        "plan_name": "calibrate_attenuator",
        "num_points": len(angles_deg),
        "readings": readings,
        "angles_deg": angles_deg,
        **calibration_metadata(beamline),
        "hints": {"dimensions": [[["waveplate"], "primary"]]},
    }


def _calibration(beamline: Beamline, fit: AttenuatorFit) -> AttenuatorCalibration:
    """Return the calibration in fluence, mJ/cm2: power divided by pulses per second and by the area of the spot."""
    # 1 W at f pulses per second is 1000 / f mJ per pulse, spread over the area of the spot.
    pulses_per_s = float(beamline.laser.repetition_rate.get())
    per_watt = 1e3 / (pulses_per_s * beamline.fluence.spot_area_cm2)
    return AttenuatorCalibration(
        maximum_mj_cm2=fit.maximum_w * per_watt,
        maximum_sigma_mj_cm2=fit.maximum_sigma_w * per_watt,
        zero_deg=fit.zero_deg,
        zero_sigma_deg=fit.zero_sigma_deg,
    )
