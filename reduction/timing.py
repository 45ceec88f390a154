"""Bunches, gates and pumps of a run: which X-ray pulse each gate counts, and how long after the pump it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from errors import ReductionError
from reduction.number_text import with_error
from reduction.start_keys import require_keys

LONGEST_BLIND = 1.5
"""Bunch periods after which a photodiode is sensitive again: the next bunch may be lost, but not the one after."""

CONFIGURED = "configuration"
"""Source of a bunch period, or of a response, that was not measured."""

TIMING_KEYS = (
    *("bunch_period_ps", "probes_per_pump", "pumped_probe", "unpumped_probe"),
    *("irf_sigma_ps", "pump_overlap"),
)
"""Keys of the `reduction` settings that give the timing."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Bunches, gates and pumps.

    `bunch_period_ps`: the pumped X-ray pulse to its nearest neighbour, with its standard error
    `bunch_period_error_ps`, 0 if the run records none, and its `bunch_period_source`; `probes_per_pump`: gates;
    `pumped_probe` and `unpumped_probe`: indices of the on and off gates; `irf_sigma_ps`: Gaussian instrument response
    with its standard error `irf_error_ps`, 0 if the run records none, and its `irf_source`, as "configuration";
    `time_zero_drift_ps`: standard deviation of time zero within a day, beyond what a run shows, 0 if it records none;
    `pump_overlap[k]`: laser intensity, relative to the pump itself, that the probed spot saw from the k-th earlier
    pump (k = 0 is the pump itself).

    `gate_delays_ps` (probes,): X-ray pulse of each gate, counted from the one whose delay an event states, negative
    before the pump; `pump_period_ps`: one pump to the next; `reference_probes`: all off gates, `unpumped_probe` among
    them. Runs of documents before version 2 lack these three: their gates are equidistant, the period is one bunch
    period per gate, and there is one off gate. Raises ReductionError for impossible values.
    """

    bunch_period_ps: float = 153_400.0
    probes_per_pump: int = 5
    pumped_probe: int = 0
    unpumped_probe: int = 4
    irf_sigma_ps: float = 45.0
    irf_error_ps: float = 0.0
    irf_source: str = ""
    time_zero_drift_ps: float = 0.0
    pump_overlap: tuple[float, ...] = (1.0,)
    gate_delays_ps: tuple[float, ...] = ()
    pump_period_ps: float = 0.0
    reference_probes: tuple[int, ...] = ()
    bunch_period_error_ps: float = 0.0
    bunch_period_source: str = ""

    def __post_init__(self) -> None:
        """Fill in what earlier versions of the document lack, and refuse impossible values."""
        # Documents before version 2 state none of the three: gates one bunch apart, one period of them per pump, one
        # reference. A frozen dataclass can be completed only in this way.
        if not self.gate_delays_ps:
            equidistant = tuple(probe * self.bunch_period_ps for probe in range(self.probes_per_pump))
            object.__setattr__(self, "gate_delays_ps", equidistant)
        if self.pump_period_ps == 0.0:
            object.__setattr__(self, "pump_period_ps", self.bunch_period_ps * self.probes_per_pump)
        if not self.reference_probes:
            object.__setattr__(self, "reference_probes", (self.unpumped_probe,))
        probes = range(self.probes_per_pump)
        if not {self.pumped_probe, self.unpumped_probe, *self.reference_probes} <= set(probes):
            raise ReductionError(
                f"pumped_probe {self.pumped_probe} and unpumped_probe {self.unpumped_probe} must lie within "
                f"0 to {self.probes_per_pump - 1}. Correct the `reduction` settings of the run."
            )
        if len(self.gate_delays_ps) != self.probes_per_pump:
            raise ReductionError(
                f"{self.probes_per_pump} gates need as many gate_delays_ps, not {len(self.gate_delays_ps)}. Correct "
                "the `reduction` settings of the run."
            )
        if self.unpumped_probe not in self.reference_probes:
            raise ReductionError(
                f"unpumped_probe {self.unpumped_probe} is not one of the reference_probes "
                f"{list(self.reference_probes)}. Correct the `reduction` settings of the run."
            )
        if min(self.bunch_period_ps, self.pump_period_ps, self.irf_sigma_ps) <= 0 or not self.pump_overlap:
            raise ReductionError(
                "bunch_period_ps, pump_period_ps and irf_sigma_ps must be above 0 ps, and pump_overlap needs at least "
                "the pump itself (1.0). Correct the `reduction` settings of the run."
            )
        self._check_errors()

    def _check_errors(self) -> None:
        if not 0 <= self.irf_error_ps < np.inf:
            raise ReductionError(
                f"irf_error_ps = {self.irf_error_ps}: the error of the instrument response must be 0 ps or more. "
                "Correct the `instrument_response` of the run."
            )
        if not 0 <= self.time_zero_drift_ps < np.inf:
            raise ReductionError(
                f"time_zero_drift_ps = {self.time_zero_drift_ps}: the drift of time zero must be 0 ps or more. Correct "
                "the `reduction` settings of the run."
            )
        if not 0 <= self.bunch_period_error_ps < np.inf:
            raise ReductionError(
                f"bunch_period_error_ps = {self.bunch_period_error_ps}: the error of the bunch period must be 0 ps or "
                "more. Correct the `bunch_period` of the run."
            )

    @property
    def records_response(self) -> bool:
        """Whether the run records the instrument response with its source; runs up to version 0.2.0 do not."""
        return bool(self.irf_source)

    @property
    def response_text(self) -> str:
        """Where the instrument response comes from, with its value and error in ps: the prior of every fit."""
        if self.irf_error_ps == 0:
            return f"fixed at {self.irf_sigma_ps:g} ps, not in the errors: the run records no error of it"
        return f"{with_error(self.irf_sigma_ps, self.irf_error_ps, 'ps')}, {self.irf_source or 'recorded'}"

    @property
    def period_text(self) -> str:
        """Bunch period with its error in ns, and where it comes from: the delays of all gates follow from it."""
        if self.bunch_period_error_ps == 0:
            return f"{1e-3 * self.bunch_period_ps:.7g} ns, not in the errors: the run records no error of it"
        text = with_error(1e-3 * self.bunch_period_ps, 1e-3 * self.bunch_period_error_ps, "ns")
        if self.bunch_period_source == CONFIGURED:
            return f"{text}, as configured: neither measured nor from the RF frequency"
        return f"{text}, {'from the ' if self.bunch_period_source.startswith('RF') else ''}{self.bunch_period_source}"

    def delay_sigma_of(self, probe: int) -> float:
        """Return the error of the delay of `probe`, ps, from that of the bunch period; it grows with every bunch."""
        return abs(self.gate_delays_ps[probe]) / self.bunch_period_ps * self.bunch_period_error_ps

    @property
    def probes_in_time(self) -> tuple[int, ...]:
        """Gates in the order of their X-ray pulses after a pump, (probes,); gates before the pump come last."""
        after_pump = np.mod(self.gate_delays_ps, self.pump_period_ps)
        return tuple(np.argsort(after_pump, kind="stable").tolist())

    @property
    def previous_gates(self) -> tuple[int | None, ...]:
        """Gate whose X-ray pulse comes one bunch before that of each gate, (probes,); None where there is none."""
        found: list[int | None] = []
        for delay_ps in self.gate_delays_ps:
            gaps = [(delay_ps - other) % self.pump_period_ps or self.pump_period_ps for other in self.gate_delays_ps]
            nearest = int(np.argmin(gaps))
            found.append(nearest if gaps[nearest] < LONGEST_BLIND * self.bunch_period_ps else None)
        return tuple(found)

    def delay_of(self, probe: int, first_delay_ps: float) -> float:
        """Return the delay of `probe`, ps, when an event states the delay `first_delay_ps`."""
        return first_delay_ps + self.gate_delays_ps[probe]


def timing_from(
    reduction: Mapping[str, Any],
    response: Mapping[str, Any] | None = None,
    period: Mapping[str, Any] | None = None,
) -> Timing:
    """Return the timing in the `reduction` settings of a start document; raises ReductionError for a missing key.

    Runs up to version 0.2.0 have no `response` and no `period`: width and bunch period, ps, are those in `reduction`,
    and their errors are 0, which fixes them in fits.
    """
    require_keys(reduction, TIMING_KEYS, "`reduction` settings of the start document")
    if response is None:
        response = {"sigma_ps": reduction["irf_sigma_ps"], "error_ps": 0.0, "source": ""}
    return Timing(
        bunch_period_ps=float(reduction["bunch_period_ps"]),
        probes_per_pump=int(reduction["probes_per_pump"]),
        pumped_probe=int(reduction["pumped_probe"]),
        unpumped_probe=int(reduction["unpumped_probe"]),
        irf_sigma_ps=float(response["sigma_ps"]),
        irf_error_ps=float(response["error_ps"]),
        irf_source=str(response["source"]),
        time_zero_drift_ps=float(reduction.get("time_zero_drift_ps", 0.0)),
        pump_overlap=_numbers(reduction["pump_overlap"]),
        gate_delays_ps=_numbers(reduction.get("gate_delays_ps", ())),
        pump_period_ps=float(reduction.get("pump_period_ps", 0.0)),
        bunch_period_error_ps=0.0 if period is None else float(period["error_ps"]),
        bunch_period_source="" if period is None else str(period["source"]),
        reference_probes=tuple(int(probe) for probe in reduction.get("reference_probes", ())),
    )


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=float).tolist())
