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
from reduction.xas.gate_exposures import GateExposureSums, gate_calibration, gate_values

if TYPE_CHECKING:
    from reduction.types import Document

_UNITS = {"boxcar": "V", "spc": "photons per pulse"}


@dataclass(frozen=True, kw_only=True)
class GateResults(RunResults):
    """Zeros and gains of the gates after dark or blocked exposures; `document` is how start documents record them."""

    calibration: GateCalibration
    document: Document

    def lines(self) -> list[str]:
        """Return a line per mode and gate: zero and light (V or photons per pulse), gain relative to the mean.

        Then a line per ion chamber with its offset, counts/s.
        """
        chambers = [
            f"{f'offset of {name}':<22} {with_error(*offset)} counts/s"
            for name, offset in chamber_offsets(self.document).items()
        ]
        return [
            *self._gate_lines(),
            *chambers,
        ]

    def _gate_lines(self) -> list[str]:
        return [
            f"{f'gate {gate}, {mode}':<22} zero {with_error(*zero)} {_UNITS[mode]}, gain {with_error(*gain)}, "
            f"laser light at most {with_error(*light)} {_UNITS[mode]}"
            for mode in self.calibration.chains
            for gate, (zero, gain, light) in enumerate(gate_values(self.calibration, mode))
        ]


def _reduce(run: GateExposureSums) -> RunResults:
    document = gate_calibration(run)
    calibration = GateCalibration.from_document(document)
    assert calibration is not None  # a document of measured gates is not empty
    return GateResults(kind=GATES.name, calibration=calibration, document=document)


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


GATES = RunKind(
    name="calibration of the gates",
    is_kind=lambda start: start.get("plan_name") in (DARK_PLAN, BLOCKED_PLAN),
    sums=lambda _: GateExposureSums(),
    reduce=_reduce,
    curve=_curve,
)
