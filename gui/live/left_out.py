"""Earlier runs of a series that are not averaged with the current one, because the calibration has changed since."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reduction.run_metadata import RunMetadata
from reduction.timing import Timing


@dataclass(frozen=True, kw_only=True)
class LeftOutRun:
    """A run excluded from a series by its calibration: its uid, its scan id if it has one, and the `reason` in words.

    The reason gives each difference to the present run with its unit, eV or ps.
    """

    uid: str
    scan_id: int | None
    reason: str

    @property
    def text(self) -> str:
        """Scan number, or the first 8 characters of the uid, and the reason."""
        name = f"run {self.uid[:8]}" if self.scan_id is None else f"scan {self.scan_id}"
        return f"{name} ({self.reason})"


def calibration_difference(other: RunMetadata, run: RunMetadata) -> str:
    """Return why `other` is excluded from the series of `run`, if only the calibrations differ; "" otherwise.

    A run with a different grid or different settings is another measurement, which no user expects in the mean.
    """
    same = replace(
        other,
        uid=run.uid,
        repeats=run.repeats,
        energy_calibration_offset_ev=run.energy_calibration_offset_ev,
        time_zero_raw_ps=run.time_zero_raw_ps,
        timing=_with_response_of(run.timing, other.timing),
        gates=run.gates,
    )
    if other.uid == run.uid or same != run:
        return ""
    differences = []
    energy_ev = other.energy_calibration_offset_ev - run.energy_calibration_offset_ev
    if energy_ev:
        differences.append(f"energy calibration differs by {energy_ev:+.4g} eV")
    if other.time_zero_raw_ps != run.time_zero_raw_ps:
        differences.append(_time_zero_difference(other.time_zero_raw_ps, run.time_zero_raw_ps))
    if other.timing != run.timing:
        differences.append(f"instrument response differs: {other.timing.response_text}")
    if other.gates != run.gates:
        differences.append("zeros and gains of the gates differ")
    return ", ".join(differences)


def _with_response_of(run: Timing, other: Timing) -> Timing:
    """Return the timing of `other` with the instrument response of `run`."""
    return replace(other, irf_sigma_ps=run.irf_sigma_ps, irf_error_ps=run.irf_error_ps, irf_source=run.irf_source)


def _time_zero_difference(other_ps: float | None, run_ps: float | None) -> str:
    if other_ps is None or run_ps is None:
        return "one of the runs does not record its time zero"
    return f"time zero differs by {other_ps - run_ps:+.4g} ps"
