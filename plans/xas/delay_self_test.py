"""Self-test of the delay axis: the same rise, made by the coarse delay, by the fine delay, and by the next X-ray pulse.

A wrong sign turns the rise round, and a jump of one delay against the others shifts it.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.beamline import Beamline
from plans.edges import edge_preset
from plans.engine.request import check_request
from plans.engine.safe_end import ending_safely
from plans.engine.scanning import check_scan, scan
from plans.grids import join_regions
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS

LOWER_FINE_STEPS = 2
"""Coarse steps by which the fine delay is moved down in the fourth arm: into the range below 2560 ps."""


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
    must be right to about 100 ps. Returns the uid of each arm's run by its name; `judge_delay_axis` judges them.
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
