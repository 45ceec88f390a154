"""The part of a start document that the reduction needs, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import ReductionError
from reduction.detectors import DetectorFacts, detectors_of
from reduction.energy_course import KEY as ENERGY_COURSE
from reduction.energy_course import EnergyCourse
from reduction.gate_calibration import GateCalibration, chamber_offsets
from reduction.gate_interpolation import DRIFTS

if TYPE_CHECKING:
    from reduction.types import Mode
    from reduction.values import Value

LONGEST_BLIND = 1.5
"""Bunch periods after which a photodiode sees again: the next bunch may be lost, and not the one after it."""

CONFIGURED = "configuration"
"""Source of a bunch period, or of a response, that nobody has measured."""

PHOTODIODES_OF_EARLIER_RUNS = 2
"""Photodiodes of runs that do not state their number."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Bunches, gates and pumps.

    `bunch_period_ps`: the pumped X-ray pulse to its nearest neighbour, with its standard error
    `bunch_period_error_ps`, 0 if the run records none, and its `bunch_period_source`; `probes_per_pump`: gates;
    `pumped_probe` and `unpumped_probe`: indices of the on and off gates; `irf_sigma_ps`: Gaussian instrument response
    with its standard error `irf_error_ps`, 0 if the run records none, and its `irf_source`, as "configuration";
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
        if len(self.gate_delays_ps) != self.probes_per_pump or self.unpumped_probe not in self.reference_probes:
            raise ReductionError(
                f"{self.probes_per_pump} gates need {self.probes_per_pump} gate_delays_ps, not "
                f"{len(self.gate_delays_ps)}, and reference_probes {list(self.reference_probes)} must hold "
                f"unpumped_probe {self.unpumped_probe}. Correct the `reduction` settings of the run."
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
        if not 0 <= self.bunch_period_error_ps < np.inf:
            raise ReductionError(
                f"bunch_period_error_ps = {self.bunch_period_error_ps}: the error of the bunch period must be 0 ps or "
                "more. Correct the `bunch_period` of the run."
            )

    @property
    def response_text(self) -> str:
        """Where the instrument response comes from, with its value and error in ps: the prior of every fit."""
        if self.irf_error_ps == 0:
            return f"fixed at {self.irf_sigma_ps:g} ps, not in the errors: the run records no error of it"
        return f"{self.irf_sigma_ps:.3g} ± {self.irf_error_ps:.2g} ps, {self.irf_source or 'recorded'}"

    @property
    def period_text(self) -> str:
        """Bunch period with its error in ns, and where it comes from: the delays of all gates follow from it."""
        if self.bunch_period_error_ps == 0:
            return f"{1e-3 * self.bunch_period_ps:.7g} ns, not in the errors: the run records no error of it"
        text = f"{1e-3 * self.bunch_period_ps:.8g} ± {1e-3 * self.bunch_period_error_ps:.2g} ns"
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


@dataclass(frozen=True, kw_only=True)
class EnergyWindows:
    """Closed energy intervals (low, high), eV, that give offset, scale and level of spectra."""

    pre_edge_ev: tuple[float, float]
    edge_integral_ev: tuple[float, float]
    post_edge_ev: tuple[float, float]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> EnergyWindows:
        """Read the windows from the `reduction` settings; raises ReductionError for a missing or empty window."""
        _require(settings, _WINDOWS, "`reduction` settings of the start document")
        return cls(**{name: _window(settings, name) for name in _WINDOWS})


@dataclass(frozen=True, kw_only=True)
class RunMetadata:
    """The part of a start document that the reduction needs.

    `axis` is "energy_ev", "delay_ps" or "fluence_mj_cm2" and `points` (points,) the planned values of one scan on it.
    `delay_ps` (first delay) and `energy_ev` are the planned fixed values: the delay of an energy scan, the energy of a
    delay scan, both of a fluence scan; the value of a scanned axis is None. `fluence_mj_cm2` of a fluence scan is the
    largest of its points. `energy_calibration_offset_ev` and `time_zero_raw_ps` (None if not recorded) are the
    calibrations of the axes on which the run was measured: runs with different calibrations were not measured at the
    same points. The size of a transient spectrum is stated at `main_feature_ev`; None if the run does not give it.
    `photodiodes` is the length of the first axis of `spc_counts`, and `element_weights` (photodiodes,) their weights in
    the sum. `detectors` are all that the run lists; `detector` names the further one through which the run is seen, and
    `detector_kind` its kind; both are empty for the first. `gates` are zeros and gains of the gates; None if they were
    not measured. `foil_reference` is what a foil scan compares its foil with; empty in any other run.
    `probed_fluence_share` is the fluence averaged over the X-rays, relative to `fluence_mj_cm2`, and
    `laser_power_w_per_mj_cm2` the laser power, W, that makes 1 mJ/cm2; 0 if the run does not state them.
    `dead_time_share` is the share of the counts after which a photodiode is blind for the next bunch. `energy_course`
    is what foil scans around the run say about its energy axis; None without them. `chambers` are the offsets of the
    ion chambers, counts/s, by event field, as dark exposures have measured them; they are subtracted. `gate_drifts` are
    sentences on gates that have changed between the calibrations before and after the run.
    """

    uid: str
    plan_name: str
    sample: str
    edge: str
    absorber: str
    modes: tuple[str, ...]
    repeats: int
    series: str
    axis: str
    points: tuple[float, ...]
    shutter_reference: str
    fluence_mj_cm2: float
    delay_ps: float | None
    energy_ev: float | None
    timing: Timing
    windows: EnergyWindows
    main_feature_ev: float | None = None
    energy_calibration_offset_ev: float = 0.0
    time_zero_raw_ps: float | None = None
    photodiodes: int = PHOTODIODES_OF_EARLIER_RUNS
    element_weights: tuple[float, ...] = ()
    detectors: tuple[DetectorFacts, ...] = ()
    detector: str = ""
    detector_kind: str = ""
    signal_weights: tuple[float, ...] = ()
    gates: GateCalibration | None = None
    foil_reference: Mapping[str, Any] = field(default_factory=dict)
    probed_fluence_share: float = 0.0
    laser_power_w_per_mj_cm2: float = 0.0
    dead_time_share: float = 0.0
    energy_course: EnergyCourse | None = None
    chambers: Mapping[str, Value] = field(default_factory=dict)
    gate_drifts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Give runs that state no weights equal ones, and refuse weights of another number of photodiodes."""
        if not self.element_weights:
            object.__setattr__(self, "element_weights", (1.0,) * self.photodiodes)
        if len(self.element_weights) != self.photodiodes:
            raise ReductionError(
                f"The run has {self.photodiodes} photodiodes and {len(self.element_weights)} weights. Correct its "
                "start document."
            )

    @property
    def trace_mode(self) -> Mode:
        """Detection mode of traces and kinetics: counting, unless the run is seen by an analog or drift detector."""
        return "boxcar" if self.detector_kind in ("analog", "sdd") else "spc"

    @property
    def scale_known(self) -> bool:
        """Whether the signal of a trace is that of the sample alone: a mean in V contains its electronic zero."""
        return self.detector_kind != "analog"

    @property
    def weights_of_signal(self) -> tuple[float, ...]:
        """Weights of the elements of the analog signal, (elements,); empty if the run does not state them."""
        if self.signal_weights:
            return self.signal_weights
        return next((one.weights for one in self.detectors if "boxcar_mean" in one.fields.values()), ())

    @property
    def i0_facts(self) -> DetectorFacts:
        """The I0 detector, with its offset and gain; neither in runs that list no detectors."""
        return self._facts_of("i0")

    @property
    def foil_facts(self) -> DetectorFacts:
        """The diode behind the foil, with its offset and gain."""
        return self._facts_of("foil")

    def _facts_of(self, field: str) -> DetectorFacts:
        plain = DetectorFacts(name=field, kind="ion_chamber", role="", fields={"counts": field})
        return next((one for one in self.detectors if field in one.fields.values()), plain)

    @classmethod
    def from_start(cls, doc: Mapping[str, Any]) -> RunMetadata:
        """Read a start document; raises ReductionError naming every key that is missing or invalid."""
        # In steps, each of which needs the previous one: the keys, the settings of the reduction, the axis, and with it
        # the values that must be fixed. Each error names all keys that are missing in its step.
        _require_known_version(doc)
        _require(doc, _START_KEYS, "start document")
        _require(doc["reduction"], _REDUCTION_KEYS, "`reduction` settings of the start document")
        _require(doc["grid"], ("axis", "points"), "`grid` of the start document")
        axis = str(doc["grid"]["axis"])
        if axis not in _FIXED_VALUES_OF_AXIS:
            raise ReductionError(f"The grid's axis is {axis!r}; it must be one of {sorted(_FIXED_VALUES_OF_AXIS)}.")
        _require(doc, _FIXED_VALUES_OF_AXIS[axis], "start document")
        if "bunch_period" in doc:
            _require(doc["bunch_period"], ("period_ps", "error_ps", "source"), "`bunch_period` of the run")
        if "instrument_response" in doc:
            _require(doc["instrument_response"], ("sigma_ps", "error_ps", "source"), "`instrument_response` of the run")
        return cls._checked(doc, axis)

    @classmethod
    def _checked(cls, doc: Mapping[str, Any], axis: str) -> RunMetadata:
        reduction = doc["reduction"]
        fixed = _FIXED_VALUES_OF_AXIS[axis]
        detectors = detectors_of(doc)
        try:
            points = tuple(map(float, doc["grid"]["points"]))
            return cls(
                uid=str(doc.get("uid", "")),
                plan_name=str(doc["plan_name"]),
                sample=str(doc["sample"]),
                edge=str(doc["edge"]),
                absorber=str(doc["absorber"]),
                modes=tuple(map(str, doc["modes"])),
                repeats=int(doc["repeats"]),
                series=str(doc.get("series", "")),
                axis=axis,
                points=points,
                shutter_reference=str(doc["shutter_reference"]),
                fluence_mj_cm2=float(doc["fluence_mj_cm2"]) if "fluence_mj_cm2" in fixed else max(points, default=0.0),
                delay_ps=float(doc["delay_ps"]) if "delay_ps" in fixed else None,
                energy_ev=float(doc["energy_ev"]) if "energy_ev" in fixed else None,
                timing=timing_from(reduction, doc.get("instrument_response"), doc.get("bunch_period")),
                windows=EnergyWindows.from_settings(reduction),
                main_feature_ev=_main_feature_ev(doc),
                energy_calibration_offset_ev=float(doc.get("energy_calibration_offset_ev", 0.0)),
                photodiodes=_photodiodes(reduction),
                element_weights=weights_of_photodiodes(detectors),
                detectors=detectors,
                gates=gates_of_start(doc),
                chambers=chamber_offsets(doc.get("gate_calibration") or {}),
                gate_drifts=tuple(map(str, (doc.get("gate_calibration") or {}).get(DRIFTS, ()))),
                dead_time_share=float(reduction.get("dead_time_share", 0.0)),
                foil_reference=dict(doc.get("foil_reference") or {}),
                energy_course=EnergyCourse.from_document(doc[ENERGY_COURSE]) if doc.get(ENERGY_COURSE) else None,
                probed_fluence_share=float(doc.get("probed_fluence_share", 0.0)),
                laser_power_w_per_mj_cm2=float(doc.get("laser_power_w_per_mj_cm2", 0.0)),
                time_zero_raw_ps=None if (raw := doc.get("time_zero_raw_ps")) is None else float(raw),
            )
        # The parts checked on their own raise with their own text; only what a conversion above raises gets the general
        # one.
        except ReductionError:
            raise
        except (TypeError, ValueError) as error:
            raise ReductionError(f"A value in the start document has the wrong type: {error}. Correct it.") from error


MAIN_FEATURE_OF_EARLIER_RUNS_EV = {"Br K": 13_472.0, "Pb L3": 13_043.0}
"""What start documents up to version 0.2.0 leave out: the energy, eV, at which the size of a transient is stated."""

NEWEST_DOCUMENT_VERSION = 2
"""Newest version of start documents that can be read. Version 1, which they do not state, has equidistant gates."""

_WINDOWS = ("pre_edge_ev", "edge_integral_ev", "post_edge_ev")
_START_KEYS = (
    *("plan_name", "sample", "edge", "absorber", "modes", "repeats", "grid"),
    *("shutter_reference", "reduction"),
)
_TIMING_KEYS = (
    *("bunch_period_ps", "probes_per_pump", "pumped_probe", "unpumped_probe"),
    *("irf_sigma_ps", "pump_overlap"),
)
_REDUCTION_KEYS = (*_TIMING_KEYS, *_WINDOWS)
_FIXED_VALUES_OF_AXIS = {
    "energy_ev": ("delay_ps", "fluence_mj_cm2"),
    "delay_ps": ("energy_ev", "fluence_mj_cm2"),
    "fluence_mj_cm2": ("energy_ev", "delay_ps"),
}


def _require(doc: Any, keys: tuple[str, ...], where: str) -> None:
    missing = [key for key in keys if key not in doc] if isinstance(doc, Mapping) else list(keys)
    if missing:
        raise ReductionError(
            f"The {where} lacks {', '.join(missing)}. Only runs of the plans energy_scan, delay_scan and "
            "fluence_scan can be reduced here: start the run with one of them."
        )


def _require_known_version(doc: Any) -> None:
    version = doc.get("document_version", 1) if isinstance(doc, Mapping) else 1
    if not isinstance(version, int) or version > NEWEST_DOCUMENT_VERSION:
        raise ReductionError(
            f"The run has documents of version {version!r}; this trxas reads versions up to "
            f"{NEWEST_DOCUMENT_VERSION}. Reduce it with the trxas that measured it, or a newer one."
        )


def _main_feature_ev(doc: Mapping[str, Any]) -> float | None:
    """Return the energy at which the size of a transient is stated, eV; None if the run does not state it."""
    recorded = doc["reduction"].get("main_feature_ev", MAIN_FEATURE_OF_EARLIER_RUNS_EV.get(str(doc["edge"])))
    return None if recorded is None else float(recorded)


def _photodiodes(reduction: Mapping[str, Any]) -> int:
    # None where every detector of the fluorescence is listed and none of them counts.
    number = int(reduction.get("photodiodes", PHOTODIODES_OF_EARLIER_RUNS))
    if number < 0:
        raise ReductionError(f"photodiodes = {number} in the `reduction` settings: the number cannot be negative.")
    return number


def gates_of_start(doc: Mapping[str, Any]) -> GateCalibration | None:
    """Return the calibration of the gates in a start document, None if it has none.

    The part for photon counting is omitted if it was measured with other weights of the photodiodes. Raises
    ReductionError for a damaged calibration.
    """
    document = doc.get("gate_calibration", {})
    calibration = GateCalibration.from_document(document)
    stated = weights_of_photodiodes(detectors_of(doc))
    # A zero is the sum over all photodiodes: with other weights it is another number, and counting needs it least.
    if calibration is None or not stated or tuple(document.get("photodiode_weights", stated)) == stated:
        return calibration
    chains = {mode: chain for mode, chain in calibration.chains.items() if mode != "spc"}
    return replace(calibration, chains=chains) if chains else None


def weights_of_photodiodes(detectors: tuple[DetectorFacts, ...]) -> tuple[float, ...]:
    """Return the weights of the photodiodes that count; none for runs that list no detectors."""
    return next((one.weights for one in detectors if "spc_counts" in one.fields.values()), ())


def timing_from(
    reduction: Mapping[str, Any],
    response: Mapping[str, Any] | None = None,
    period: Mapping[str, Any] | None = None,
) -> Timing:
    """Return the timing in the `reduction` settings of a start document; raises ReductionError for a missing key.

    Runs up to version 0.2.0 have no `response` and no `period`: width and bunch period, ps, are those in `reduction`,
    and their errors are 0, which fixes them in fits.
    """
    _require(reduction, _TIMING_KEYS, "`reduction` settings of the start document")
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
        pump_overlap=_numbers(reduction["pump_overlap"]),
        gate_delays_ps=_numbers(reduction.get("gate_delays_ps", ())),
        pump_period_ps=float(reduction.get("pump_period_ps", 0.0)),
        bunch_period_error_ps=0.0 if period is None else float(period["error_ps"]),
        bunch_period_source="" if period is None else str(period["source"]),
        reference_probes=tuple(int(probe) for probe in reduction.get("reference_probes", ())),
    )


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=float).tolist())


def _window(reduction: Mapping[str, Any], name: str) -> tuple[float, float]:
    low, high = (float(limit) for limit in reduction[name])
    if not low < high:
        raise ReductionError(f"The window {name} = [{low:g}, {high:g}] eV is empty: give the lower limit first.")
    return low, high
