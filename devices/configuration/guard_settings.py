"""Tables of the protection of data and people: quality of points, watchdog, lock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import DAY_S, SETTINGS, Fault, Pv, ascending, quantity, switch, whole_number

WEEK_S = 7 * DAY_S


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class QualitySettings:
    """Criteria of a bad point, number of attempts, and waiting times of a scan for the beamline.

    A point is measured at most `attempts` times, with pauses that double from `pause_s` to `pause_high_s`, and after a
    second error no longer once the moves of attempts that ended with one have taken `retry_s`. An axis on its way that
    has not moved for `stalled_s` suspends the scan. At one point a scan waits up to `suspend_s` in all for beam, jet,
    laser and shutters, and up to `reconnect_s` for lost PVs; it checks every `poll_s`, reports another reason after
    `report_s` or more, and the same one ever more rarely. A quantity that has failed must be above its `resume` value,
    and stay there for its `settle_s`, before the scan continues. Tolerances are relative: `i0` per second to its
    running median, opened gates to the number expected in the dwell, laser power to the power expected for the fluence
    (checked from `laser_power_from_mj_cm2` on). Below `jet_stopped_below_ml_min` there is no sheet: the shutters close
    at once.
    """

    attempts: Annotated[int, whole_number("largest number of attempts at one point", low=1, high=1000)] = 12
    pause_s: Annotated[float, quantity("first pause between two attempts", "s", low=0.0, high=3600.0)] = 0.1
    pause_high_s: Annotated[float, quantity("longest pause between two attempts", "s", low=0.0, high=3600.0)] = 10.0
    retry_s: Annotated[
        float,
        quantity(
            "longest time of the moves to one point in attempts that end with an error", "s", above=0.0, high=DAY_S
        ),
    ] = 300.0
    stalled_s: Annotated[
        float,
        quantity("time without motion after which an axis on its way suspends a scan", "s", above=0.0, high=DAY_S),
    ] = 20.0
    suspend_s: Annotated[float, quantity("longest wait for the beamline", "s", above=0.0, high=WEEK_S)] = 14_400.0
    reconnect_s: Annotated[float, quantity("longest wait for lost PVs", "s", above=0.0, high=WEEK_S)] = 600.0
    poll_s: Annotated[float, quantity("time between two checks while waiting", "s", above=0.0, high=60.0)] = 0.1
    report_s: Annotated[float, quantity("shortest time between reports of a wait", "s", above=0.0, high=3600.0)] = 5.0
    ring_current_resume_ma: Annotated[
        float, quantity("ring current from which a scan continues", "mA", low=0.0, high=10_000.0)
    ] = 50.0
    jet_flow_resume_ml_min: Annotated[
        float, quantity("jet flow from which a scan continues", "ml/min", low=0.0, high=1e5)
    ] = 225.0
    ring_settle_s: Annotated[
        float, quantity("time for which the ring must stay within limits", "s", low=0.0, high=DAY_S)
    ] = 2.0
    jet_settle_s: Annotated[
        float, quantity("time for which the jet must stay within limits", "s", low=0.0, high=DAY_S)
    ] = 2.0
    laser_settle_s: Annotated[
        float, quantity("time for which the laser must stay within limits", "s", low=0.0, high=DAY_S)
    ] = 1.0
    shutter_settle_s: Annotated[
        float, quantity("time for which the shutter must stay open", "s", low=0.0, high=DAY_S)
    ] = 0.5
    jet_temperature_low_c: Annotated[
        float, quantity("lowest temperature of the jet", "C", low=-273.15, high=1000.0)
    ] = 10.0
    jet_temperature_high_c: Annotated[
        float, quantity("highest temperature of the jet", "C", low=-273.15, high=1000.0)
    ] = 40.0
    i0_tolerance: Annotated[float, quantity("relative tolerance of i0 per second", above=0.0, below=1.0)] = 0.1
    gates_tolerance: Annotated[float, quantity("relative tolerance of the gates opened", above=0.0, below=1.0)] = 0.002
    laser_power_tolerance: Annotated[float, quantity("relative tolerance of the laser power", above=0.0, below=1.0)] = (
        0.1
    )
    laser_power_error: Annotated[
        float, quantity("relative standard error of one reading of the laser power", low=0.0, high=1.0)
    ] = 0.0
    laser_power_from_mj_cm2: Annotated[
        float, quantity("fluence from which the laser power is checked", "mJ/cm2", low=0.0, high=1e4)
    ] = 0.5
    close_xrays_at_end: Annotated[bool, switch("close the X-ray shutter after every scan")] = False
    jet_stopped_below_ml_min: Annotated[
        float, quantity("jet flow below which there is no sheet", "ml/min", low=0.0, high=1e5)
    ] = 60.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        if self.pause_high_s < self.pause_s:
            yield Fault(
                table="quality",
                key="pause_high_s",
                message=f"= {self.pause_high_s:g} s: must not be below pause_s = {self.pause_s:g} s. Raise it.",
            )
        yield from ascending(
            "quality",
            "jet_temperature_low_c",
            self.jet_temperature_low_c,
            "jet_temperature_high_c",
            self.jet_temperature_high_c,
            "C",
        )
        for key in ("ring_settle_s", "jet_settle_s", "laser_settle_s", "shutter_settle_s"):
            yield from ascending("quality", key, getattr(self, key), "suspend_s", self.suspend_s, "s")


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SafetySettings:
    """Watchdog in the IOC: PVs to send a heartbeat, to disarm and to reset it, of its state and of its time-out, s.

    A heartbeat is written every `interval_s`, and at least five times within the time-out.
    """

    heartbeat: Pv
    disarm: Pv
    reset: Pv
    status: Pv
    timeout: Pv
    interval_s: Annotated[float, quantity("time between two heartbeats", "s", above=0.0, high=60.0)] = 1.0

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class HolderSettings:
    """Lock in the IOC: PVs of the session that holds the beamline, of its heartbeat, and of the time-out, s."""

    holder: Pv
    heartbeat: Pv
    timeout: Pv

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()
