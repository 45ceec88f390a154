"""The part of a start document that the reduction needs, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from errors import ReductionError
from reduction.detectors import DetectorFacts, detectors_of
from reduction.energy_course import KEY as ENERGY_COURSE
from reduction.energy_course import EnergyCourse
from reduction.gate_calibration import GateCalibration, chamber_offsets
from reduction.gate_interpolation import DRIFTS
from reduction.jet_shares import JetShares
from reduction.start_keys import require_keys
from reduction.timing import TIMING_KEYS, Timing, timing_from

if TYPE_CHECKING:
    from reduction.types import Mode
    from reduction.values import Value

PHOTODIODES_OF_EARLIER_RUNS = 2
"""Photodiodes of runs that do not state their number."""


@dataclass(frozen=True, kw_only=True)
class EnergyWindows:
    """Closed energy intervals (low, high), eV, that give offset, scale and level of spectra."""

    pre_edge_ev: tuple[float, float]
    edge_integral_ev: tuple[float, float]
    post_edge_ev: tuple[float, float]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> EnergyWindows:
        """Read the windows from the `reduction` settings; raises ReductionError for a missing or empty window."""
        require_keys(settings, _WINDOWS, "`reduction` settings of the start document")
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
    `laser_power_error` is the relative error of one reading of that power, 0 if the run states none. `laser_overlap` is
    the mean fluence at the X-rays, relative to that at the centre of the laser spot, whose pointing fluctuates.
    `dead_time_share` is the share of the counts after which a photodiode is blind for the next bunch. `energy_course`
    is what foil scans around the run say about its energy axis; None without them. `chambers` are the offsets of the
    ion chambers, counts/s, by event field, as dark exposures have measured them; they are subtracted. `gate_drifts` are
    sentences on gates that have changed between the calibrations before and after the run. `jet` is how the jet weakens
    the fluorescence of the sample; None if the run does not state its geometry. `foil_in_beam` is
    the element of the foil behind the sample, "" for none; None if the run does not state it.
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
    laser_power_error: float = 0.0
    laser_overlap: float = 1.0
    dead_time_share: float = 0.0
    energy_course: EnergyCourse | None = None
    chambers: Mapping[str, Value] = field(default_factory=dict)
    gate_drifts: tuple[str, ...] = ()
    jet: JetShares | None = None
    foil_in_beam: str | None = None

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
        require_keys(doc, _START_KEYS, "start document")
        require_keys(doc["reduction"], _REDUCTION_KEYS, "`reduction` settings of the start document")
        require_keys(doc["grid"], ("axis", "points"), "`grid` of the start document")
        axis = str(doc["grid"]["axis"])
        if axis not in _FIXED_VALUES_OF_AXIS:
            raise ReductionError(f"The grid's axis is {axis!r}; it must be one of {sorted(_FIXED_VALUES_OF_AXIS)}.")
        require_keys(doc, _FIXED_VALUES_OF_AXIS[axis], "start document")
        if "bunch_period" in doc:
            require_keys(doc["bunch_period"], ("period_ps", "error_ps", "source"), "`bunch_period` of the run")
        if "instrument_response" in doc:
            require_keys(
                doc["instrument_response"], ("sigma_ps", "error_ps", "source"), "`instrument_response` of the run"
            )
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
                foil_in_beam=None if (foil := doc.get("foil_in_beam")) is None else str(foil),
                jet=JetShares.from_document(doc.get("jet")),
                dead_time_share=float(reduction.get("dead_time_share", 0.0)),
                foil_reference=dict(doc.get("foil_reference") or {}),
                energy_course=EnergyCourse.from_document(doc[ENERGY_COURSE]) if doc.get(ENERGY_COURSE) else None,
                probed_fluence_share=float(doc.get("probed_fluence_share", 0.0)),
                laser_power_w_per_mj_cm2=float(doc.get("laser_power_w_per_mj_cm2", 0.0)),
                laser_power_error=float(doc.get("laser_power_error", 0.0)),
                laser_overlap=overlap_of_start(doc),
                time_zero_raw_ps=None if (raw := doc.get("time_zero_raw_ps")) is None else float(raw),
            )
        # The parts checked on their own raise with their own text; only what a conversion above raises gets the general
        # one.
        except ReductionError:
            raise
        except (TypeError, ValueError) as error:
            raise ReductionError(f"A value in the start document has the wrong type: {error}. Correct it.") from error


MAIN_FEATURE_OF_EARLIER_RUNS_EV = {"Br K": 13_472.0, "Pb L3": 13_043.0}
"""Energies, eV, at which the size of a transient is stated, for runs up to version 0.2.0, which lack them."""

NEWEST_DOCUMENT_VERSION = 2
"""Newest version of start documents that can be read. Version 1, which they do not state, has equidistant gates."""

_WINDOWS = ("pre_edge_ev", "edge_integral_ev", "post_edge_ev")
_START_KEYS = (
    *("plan_name", "sample", "edge", "absorber", "modes", "repeats", "grid"),
    *("shutter_reference", "reduction"),
)
_REDUCTION_KEYS = (*TIMING_KEYS, *_WINDOWS)
_FIXED_VALUES_OF_AXIS = {
    "energy_ev": ("delay_ps", "fluence_mj_cm2"),
    "delay_ps": ("energy_ev", "fluence_mj_cm2"),
    "fluence_mj_cm2": ("energy_ev", "delay_ps"),
}


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


def overlap_of_start(doc: Mapping[str, Any]) -> float:
    """Return the mean fluence at the X-rays relative to the centre of the laser spot, 1 if the run states none.

    Raises ReductionError unless it is above 0 and at most 1.
    """
    overlap = float(doc.get("laser_overlap", 1.0))
    if not 0.0 < overlap <= 1.0:
        raise ReductionError(
            f"laser_overlap = {overlap:g}: the mean fluence at the X-rays must be above 0 and at most 1 of that at the "
            "centre of the laser spot. Correct the start document."
        )
    return overlap


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
    """Return the weights of the photodiodes that count, shape (apd,); none for runs that list no detectors."""
    return next((one.weights for one in detectors if "spc_counts" in one.fields.values()), ())


def _window(reduction: Mapping[str, Any], name: str) -> tuple[float, float]:
    low, high = (float(limit) for limit in reduction[name])
    if not low < high:
        raise ReductionError(f"The window {name} = [{low:g}, {high:g}] eV is empty: give the lower limit first.")
    return low, high
