"""Settings of what keeps data clean and people safe: quality of points, watchdog, lock."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ConfigurationError


def require(fulfilled: bool, message: str) -> None:  # noqa: FBT001  # an assertion
    """Raise ConfigurationError with `message` unless `fulfilled`."""
    if not fulfilled:
        raise ConfigurationError(message + ".")


@dataclass(frozen=True)
class QualitySettings:
    """What makes a point bad, how often it is measured again, and how long a scan waits for the beamline.

    A point is measured at most `attempts` times, with pauses from `pause_s`, doubled each time, to `pause_high_s`;
    a scan waits `suspend_s` in all at one point for beam, jet, laser and shutters, `reconnect_s` for lost PVs, looks
    every `poll_s` and says so every `report_s`. What had failed must be above its `resume` value, and have been well
    for its `settle_s`, before the scan goes on. Tolerances are relative: of `i0` per second to its running median, of
    the gates opened to those in the dwell, of the laser power to that of the fluence (looked at from
    `laser_power_from_mj_cm2` on). Below `jet_stopped_below_ml_min` there is no sheet: the shutters close at once.
    """

    attempts: int = 12
    pause_s: float = 0.1
    pause_high_s: float = 10.0
    suspend_s: float = 14_400.0
    reconnect_s: float = 600.0
    poll_s: float = 0.1
    report_s: float = 5.0
    ring_current_resume_ma: float = 50.0
    jet_flow_resume_ml_min: float = 225.0
    ring_settle_s: float = 2.0
    jet_settle_s: float = 2.0
    laser_settle_s: float = 1.0
    shutter_settle_s: float = 0.5
    jet_temperature_low_c: float = 10.0
    jet_temperature_high_c: float = 40.0
    i0_tolerance: float = 0.1
    gates_tolerance: float = 0.002
    laser_power_tolerance: float = 0.1
    laser_power_from_mj_cm2: float = 0.5
    close_xrays_at_end: bool = False
    jet_stopped_below_ml_min: float = 60.0

    def __post_init__(self) -> None:
        """Refuse times and tolerances that never end, or fail every point."""
        require(self.attempts > 0, "attempts must be above 0")
        times = (self.suspend_s, self.reconnect_s, self.poll_s, self.report_s)
        require(min(times) > 0, "suspend_s, reconnect_s, poll_s and report_s must be above 0")
        pauses = (self.pause_s, self.ring_settle_s, self.jet_settle_s, self.laser_settle_s, self.shutter_settle_s)
        require(min(pauses) >= 0 and self.pause_high_s >= self.pause_s, "pauses and settle times must be 0 or above")
        tolerances = (self.i0_tolerance, self.gates_tolerance, self.laser_power_tolerance)
        require(all(0 < tolerance < 1 for tolerance in tolerances), "tolerances must lie between 0 and 1")


@dataclass(frozen=True)
class SafetySettings:
    """Watchdog in the IOC: PVs of its heartbeat, its end, its reset, its state and its time-out in seconds.

    A heartbeat is written every `interval_s`, and at least five times within the time-out.
    """

    heartbeat: str
    disarm: str
    reset: str
    status: str
    timeout: str
    interval_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an interval that nothing can keep."""
        require(0 < self.interval_s <= 60, "interval_s must lie above 0 and not above 60")


@dataclass(frozen=True)
class HolderSettings:
    """Lock in the IOC: PVs of who holds the beamline, of their heartbeat, and of the time-out in seconds."""

    holder: str
    heartbeat: str
    timeout: str
