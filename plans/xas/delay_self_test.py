"""Self-test of the delay axis: the same rise, made by the coarse delay, by the fine delay, and by the next X-ray pulse.

A wrong sign turns the rise round, and a jump of one delay against the others shifts it.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky.utils import Msg
from numpy.typing import NDArray

from devices.beamline import Beamline
from errors import InputError, ReductionError
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import check_scan, scan
from plans.grids import join_regions
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS

Array = NDArray[np.float64]
FitT0 = Callable[[Array, Array, Array], tuple[float, float]]
"""Fit of a rise: delays (ps), change and its error, to time zero and its error (ps)."""

LOWER_FINE_STEPS = 2
"""Coarse steps by which the fine delay is moved down in the fourth arm: into the range below 2560 ps."""

REFERENCE = "fine"
"""Arm that the others are compared with: time zero is found with it, as the usual grid moves only the fine delay."""

LEAST_STEP_SIGMAS = 5.0
"""A rise smaller than this is none (one in 1.7 million by chance)."""

LARGEST_BASELINE = 0.4
"""Relative size of the change on the unpumped side above which there is no rise between both ends (chosen)."""


@dataclass(frozen=True, eq=False)
class Arm:
    """One way to make the same delays.

    `held`: the raw delay that stands still, ps. The rise of `watched_probe` against `compare_probe` is expected
    `rise_offset_ps` later than time zero.
    """

    name: str
    held: Mapping[str, float]
    rise_offset_ps: float
    watched_probe: int
    compare_probe: int

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """What the start document says of the arm."""
        return {
            "self_test": {"arm": self.name, **{name: value for name, value in vars(self).items() if name != "name"}}
        }


def self_test_arms(beamline: Beamline) -> tuple[Arm, ...]:
    """Fine moves; coarse moves; coarse moves with fine lower; one bunch later, seen by the last probe.

    One bunch after time zero the last probe of a pump period meets the next pump: probe index -1 of that one.
    """
    geometry, step_ps = beamline.configuration.geometry, beamline.configuration.delay.coarse_step_ps
    last = beamline.configuration.laser.required_divider - 1
    pumped, unpumped = geometry.pumped_probe, geometry.unpumped_probe
    coarse_ps, fine_ps = beamline.delay.split(0.0)
    return (
        Arm("fine", {"coarse": coarse_ps}, 0.0, pumped, unpumped),
        Arm("coarse", {"fine": fine_ps}, 0.0, pumped, unpumped),
        Arm("fine lower", {"fine": fine_ps - LOWER_FINE_STEPS * step_ps}, 0.0, pumped, unpumped),
        Arm("probe", {}, geometry.bunch_period_ps, last, last - 1),
    )


def delay_self_test(
    beamline: Beamline,
    edge: str = "Br K",
    *,
    energy_ev: float | None = None,
    dwell_s: float = 6.0,
    repeats: int = 1,
    fluence_mj_cm2: float = 8.83,
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> Generator[Msg, Any, dict[str, str]]:
    """Measure the rise once per arm, each as a run of its own whose start document says how under `self_test`.

    Parameters
    ----------
    edge : "Br K" or "Pb L3"; Br shows a five times larger transient.
    energy_ev, dwell_s, repeats, fluence_mj_cm2, sample, series, md, approach : as of `delay_scan`.

    The fine delay goes below 2560 ps in one arm, where the real one has jumped: that is what it looks for. Time zero
    must be right to about 100 ps. Returns the uid of each arm's run by its name; `evaluate_delay_axis` judges them.
    Raises InputError, NotConnectedError or AcquisitionError before anything has moved.
    """
    preset = edge_preset(edge)
    request = functools.partial(
        check_request,
        beamline,
        plan_name="delay_self_test",
        edge=preset,
        axis="delay_ps",
        fixed={
            "energy_ev": preset.main_feature_ev if energy_ev is None else energy_ev,
            "fluence_mj_cm2": fluence_mj_cm2,
        },
        dwell_s=dwell_s,
        repeats=repeats,
        shutter_reference="none",
        sample=sample,
        series=series or str(uuid.uuid4()),
        approach=approach,
        unpumped_probe=False,
    )
    delays = join_regions(TIME_ZERO_REGIONS_PS, "ps")
    requests = {
        arm: request(points=[arm.rise_offset_ps + delay for delay in delays], md=md, own_md=arm.metadata)
        for arm in self_test_arms(beamline)
    }
    for checked in requests.values():
        check_scan(beamline, checked)
    uids: dict[str, str] = {}

    def every_arm() -> Generator[Msg, Any, None]:
        for arm, checked in requests.items():
            yield from bps.configure(beamline.delay, {"held": dict(arm.held)})
            uids[arm.name] = yield from scan(beamline, checked)

    free = functools.partial(bps.configure, beamline.delay, {"held": {}})
    # Each scan ends safely; what is between them has to as well.
    yield from ending_safely(beamline, bpp.finalize_wrapper(every_arm(), free))
    return uids


class Verdict(StrEnum):
    """What one arm says about the axis."""

    GOOD = "good"
    WRONG_SIGN = "wrong sign"
    SHIFTED = "shifted"
    NO_RISE = "no rise"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Rise:
    """Change of the signal (points,) with its error against the delay (points,), ps, from the arm's own zero."""

    delay_ps: Array
    change: Array
    sigma: Array

    def __post_init__(self) -> None:
        """Raise InputError for arrays that do not belong together."""
        shapes = {np.shape(self.delay_ps), np.shape(self.change), np.shape(self.sigma)}
        if len(shapes) != 1 or len(np.shape(self.delay_ps)) != 1 or np.size(self.delay_ps) < 8:
            raise InputError(f"A rise needs at least 8 delays, changes and errors, as many of each, not {shapes}.")
        if not np.all(np.isfinite([self.delay_ps, self.change, self.sigma])) or not np.all(np.asarray(self.sigma) > 0):
            raise InputError("A rise needs finite numbers and errors above 0.")

    def ends(self) -> tuple[float, float, float]:
        """Mean change over the first and the last quarter of the delays, and the error of their difference."""
        order, count = np.argsort(self.delay_ps), np.size(self.delay_ps) // 4
        (early, early_sigma), (late, late_sigma) = (
            _mean(self.change[part], self.sigma[part]) for part in (order[:count], order[-count:])
        )
        return early, late, float(np.hypot(early_sigma, late_sigma))


@dataclass(frozen=True, eq=False)
class ArmResult:
    """One arm judged: its time zero, and how far that is from the reference arm's, with errors, ps (None: no rise)."""

    verdict: Verdict
    t0_ps: float | None = None
    t0_sigma_ps: float | None = None
    shift_ps: float | None = None
    shift_sigma_ps: float | None = None

    def says(self, name: str) -> str:
        """The result in words."""
        if self.shift_ps is None or self.shift_sigma_ps is None:
            return f"{name}: {self.verdict}"
        return f"{name}: {self.verdict}, {self.shift_ps:+.1f} +- {self.shift_sigma_ps:.1f} ps from {REFERENCE}"


def evaluate_delay_axis(
    rises: Mapping[str, Rise], fit_t0: FitT0, *, tolerance_ps: float = 10.0
) -> dict[str, ArmResult]:
    """Judge every arm by name: however a delay is made, the rise must be at the same place.

    `tolerance_ps` is the shift that does not matter (10 ps: two steps of the coarse delay); beyond it, three errors
    count as a shift, and an error too large to tell as undecided. Raises InputError without the reference arm.
    """
    if REFERENCE not in rises:
        raise InputError(f"The arm {REFERENCE!r}, which the others are compared with, is missing: {sorted(rises)}.")
    fitted = {name: _fitted(rise, fit_t0) for name, rise in rises.items()}
    zero = fitted[REFERENCE]
    return {name: _compared(result, zero, tolerance_ps, name) for name, result in fitted.items()}


def delay_axis_faults(results: Mapping[str, ArmResult]) -> list[str]:
    """What is wrong with the axis, in words; empty for a good one."""
    return [result.says(name) for name, result in results.items() if result.verdict is not Verdict.GOOD]


def _fitted(rise: Rise, fit_t0: FitT0) -> ArmResult:
    early, late, sigma = rise.ends()
    low, high = sorted((abs(early), abs(late)))
    if high - low < LEAST_STEP_SIGMAS * sigma or low > LARGEST_BASELINE * high:
        return ArmResult(Verdict.NO_RISE)
    if abs(early) > abs(late):
        return ArmResult(Verdict.WRONG_SIGN)
    try:
        t0_ps, t0_sigma_ps = fit_t0(rise.delay_ps, rise.change, rise.sigma)
    except ReductionError:
        return ArmResult(Verdict.NO_RISE)
    return ArmResult(Verdict.GOOD, t0_ps, t0_sigma_ps)


def _compared(result: ArmResult, zero: ArmResult, tolerance_ps: float, name: str) -> ArmResult:
    if result.t0_ps is None or result.t0_sigma_ps is None or name == REFERENCE:
        return result
    if zero.t0_ps is None or zero.t0_sigma_ps is None:
        return ArmResult(Verdict.UNDECIDED, result.t0_ps, result.t0_sigma_ps)
    shift_ps, sigma_ps = result.t0_ps - zero.t0_ps, float(np.hypot(result.t0_sigma_ps, zero.t0_sigma_ps))
    verdict = Verdict.GOOD
    if abs(shift_ps) > max(tolerance_ps, 3 * sigma_ps):
        verdict = Verdict.SHIFTED
    elif 3 * sigma_ps > 2 * tolerance_ps:
        verdict = Verdict.UNDECIDED
    return ArmResult(verdict, result.t0_ps, result.t0_sigma_ps, shift_ps, sigma_ps)


def _mean(values: Array, sigma: Array) -> tuple[float, float]:
    weights = 1 / np.asarray(sigma) ** 2
    return float(np.sum(weights * values) / weights.sum()), float(1 / np.sqrt(weights.sum()))
