"""The kind of runs that calibrate the gates: dark and blocked exposures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.gate_calibration import GateCalibration, chamber_offsets
from reduction.number_text import with_error
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.xas.calibration_plans import BLOCKED_PLAN, DARK_PLAN
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, SHUTTER_OPEN
from reduction.xas.gate_exposures import GateExposureSums, gate_calibration, gate_values

if TYPE_CHECKING:
    from reduction.types import Document

_UNITS = {"boxcar": "V", "spc": "photons per pulse"}


@dataclass(frozen=True, kw_only=True)
class GateResults(RunResults):
    """Zeros and gains of the gates after dark or blocked exposures; `document` is how start documents record them.

    `seconds` is the beam time in which this run has measured one of them, s.
    """

    calibration: GateCalibration
    document: Document
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """Return a line per mode and gate: zero and light (V or photons per pulse), gain relative to the mean.

        Then a line per mode with the beam time for better gains, and one per ion chamber with its offset, counts/s.
        """
        chambers = [
            f"{f'offset of {name}':<22} {with_error(*offset)} counts/s"
            for name, offset in chamber_offsets(self.document).items()
        ]
        return [
            *self._gate_lines(),
            *self._time_lines(),
            *chambers,
        ]

    def _time_lines(self) -> list[str]:
        """Return the mean error of the gains by each mode, and what it becomes with more beam time."""
        lines = []
        for mode, chain in self.calibration.chains.items():
            if not chain.level or not self.seconds > 0:
                continue
            error = float(np.sqrt(np.mean(chain.gain_error**2)))
            needed = ", ".join(
                f"± {wanted:.0e} after {self.seconds * (error / wanted) ** 2 / 60:.0f} min"
                for wanted in smaller_round_errors(error)
            )
            # A gain is a ratio of levels above their zeros, so the dark exposures have to be as long.
            lines.append(
                f"{f'error of gains, {mode}':<22} ± {error:.1e} after {self.seconds / 60:.2g} min; {needed} of dark "
                "and of blocked exposures (gates_s)"
            )
        return lines

    def _gate_lines(self) -> list[str]:
        return [
            f"{f'gate {gate}, {mode}':<22} zero {with_error(*zero)} {_UNITS[mode]}, gain {with_error(*gain)}, "
            f"laser light at most {with_error(*light)} {_UNITS[mode]}"
            for mode in self.calibration.chains
            for gate, (zero, gain, light) in enumerate(gate_values(self.calibration, mode))
        ]


def smaller_round_errors(error: float) -> tuple[float, float]:
    """Return the next two smaller numbers of the series 1, 2, 5, 10, in the unit of `error`."""
    decade = 10.0 ** np.floor(np.log10(error))
    series = [step * scale for scale in (decade / 10, decade) for step in (1.0, 2.0, 5.0)]
    # What is nearly as large as the error itself would take no more time.
    smaller = [one for one in series if one < 0.9 * error]
    return smaller[-1], smaller[-2]


def _reduce(run: GateExposureSums) -> RunResults:
    document = gate_calibration(run)
    calibration = GateCalibration.from_document(document)
    assert calibration is not None  # a document of measured gates is not empty
    return GateResults(kind=GATES.name, calibration=calibration, document=document, seconds=run.seconds)


def _curve(run: GateExposureSums, choice: CurveChoice) -> RunCurve:
    """Return the light that the laser adds to a gate at each delay of dark exposures, V or photons per pulse."""
    if run.start["plan_name"] != DARK_PLAN:
        raise ReductionError("Blocked exposures have one value per gate and no curve. Look at the table of results.")
    zero, zero_error = (part[choice.probe] for part in run.zero(choice.mode))
    lit, lit_error = (part[:, choice.probe] for part in run.lit(choice.mode))
    return RunCurve(
        uid=str(run.start["uid"]),
        axis="delay_ps",
        quantity=f"laser light ({_UNITS[choice.mode]})",
        x=run.delays_ps(),
        y=lit - zero,
        sigma=np.hypot(lit_error, zero_error),
    )


def _exposure_text(data: Document) -> str:
    """Return the laser, and the counts of all photodiodes per pulse, of a mean gate: no gate is a reference here."""
    laser = {SHUTTER_OPEN: "on", SHUTTER_CLOSED: "blocked"}.get(data["laser_shutter"], "moving")
    per_pulse = np.asarray(data["spc_counts"]).sum(axis=0) / np.asarray(data["spc_pulses"])
    return f"laser {laser:<7}  {per_pulse.mean():.3e} counts per pulse and gate, i0 {data['i0']:.4g}"


GATES = RunKind(
    name="calibration of the gates",
    is_kind=lambda start: start.get("plan_name") in (DARK_PLAN, BLOCKED_PLAN),
    sums=lambda _: GateExposureSums(),
    reduce=_reduce,
    curve=_curve,
    choices=frozenset(("mode", "probe")),
    exposure_text=_exposure_text,
)
