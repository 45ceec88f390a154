"""Every published number, measured at the statistics of the paper on a beamline with one effect of a given size."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import epics
from bluesky import RunEngine

from devices.beamline import Beamline
from errors import ConfigurationError
from plans import delay_scan, energy_scan, fluence_scan, foil_scan
from plans.choices import Schedule
from plans.edges import BR_K, PB_L3
from reduction.accumulator import RunAccumulator, accumulate
from reduction.fit_quality import is_bad_fit, quality_text
from reduction.jet_shares import with_measured_step
from reduction.kinds import reduce_run
from reduction.run_kind import RunResults
from reduction.types import Documents
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.boxcar_zero import boxcar_zero
from reduction.xas.comparison import BR_K as BR_WINDOWS
from reduction.xas.comparison import comparison_parameter
from reduction.xas.fluence import fluence_scan as reduce_fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.gate_rates import gate_rates
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.results import FoilResults, SpectrumResults
from reduction.xas.sample_absorption import SampleAbsorption
from reduction.xas.screening import screened
from reduction.xas.self_absorption import thin_if_described
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import Spectrum
from reduction.xas.transient_shape import area_without_noise, transient_covariance
from trxas.validation.coverage.measurement import MeasuredGroup, Measurement, documents_of, measure_groups
from trxas.validation.coverage.spectra_measurement import with_course
from trxas.validation.coverage.static_peak import PEAK_EV, static_peak

EFFECT_PV = "7idd:sim:Effect:"
ANSWER_TIMEOUT_S = 30.0

BR_TRACE = "br trace"
PB_TRACE = "pb trace"
EARLY = "br 100 ps"
LATE = "br 10 ns"
FLUENCE = "fluence"
FOIL = "foil"
KINETIC_FIT = "kinetics"
"""Names of the runs, and of the common fit, in marks: "br trace: The transient ..."."""

PASSES = 3
"""Passes of each scan: enough for what changes from pass to pass, and each point costs wall time."""

DWELLS_S = {EARLY: 18.0, LATE: 22.0, BR_TRACE: 12.0, PB_TRACE: 72.0, FLUENCE: 18.0, FOIL: 2.0}
"""Beam time per point and pass: with `PASSES` that of the paper's 9 and 11 scans of 6 s, 36 and 216 s per delay, and 9
scans of 6 s (SI 2)."""

FIRST_DELAY_PS = 100.0
SECOND_DELAY_PS = 10_100.0
"""Delays of the spectra, ps; the second bunch of the later one comes 163.5 ns after the pump."""


def set_effects(prefix: str, sizes: Mapping[str, float]) -> None:
    """Give effects their sizes, by the last part of their PVs, as multiples of the usual ones.

    Raises ConfigurationError if a PV does not take its value within 30 s.
    """
    for name, size in sizes.items():
        pv = epics.get_pv(f"{prefix}{EFFECT_PV}{name}", connect=True, timeout=ANSWER_TIMEOUT_S)
        # Read back as well: an effect that stays at its old size would make a campaign that compares nothing.
        taken = pv is not None and pv.connected and pv.put(size, wait=True, timeout=ANSWER_TIMEOUT_S) == 1
        if not taken or pv.get(use_monitor=False, timeout=ANSWER_TIMEOUT_S) != size:
            raise ConfigurationError(f"{prefix}{EFFECT_PV}{name} does not take {size:g}: is this a simulation?")


class EffectCampaign:
    """The runs of one campaign; `marks` are what the reductions remark on them, and the points they leave out."""

    def __init__(self, beamline: Beamline, run_engine: RunEngine) -> None:
        self._beamline = beamline
        self._run_engine = run_engine
        self._foils: list[FoilResults] = []
        self._absorbed: SampleAbsorption | None = None
        self.marks: list[str] = []

    def measure(self) -> Measurement:
        """Measure and reduce everything, in the units of `EFFECT_PARAMETERS`; what cannot be reduced is a failure."""
        groups = (
            MeasuredGroup(parameters=("foil_edge",), measure=lambda *_: self._foil()),
            MeasuredGroup(parameters=KINETICS, measure=lambda *_: self._kinetics()),
            MeasuredGroup(parameters=SPECTRA, measure=lambda *_: self._spectra()),
            MeasuredGroup(parameters=("slope_spc", "slope_boxcar"), measure=lambda *_: self._fluence()),
        )
        found = measure_groups(groups, self._beamline, self._run_engine)
        found.marks.extend(self.marks)
        return found

    def _run(self, name: str, plan: Any) -> tuple[RunAccumulator, RunResults]:
        documents: Documents = documents_of(self._run_engine, plan)
        return self._reduced(name, documents)

    def _with_foils(self, name: str, plan: Any) -> tuple[RunAccumulator, RunResults]:
        """Run a scan between two foil scans; return its sums with the energy axis of these, and its results."""
        before, scan, after = runs_of(documents_of(self._run_engine, plan))
        for documents in (before, after):
            results = self._reduced(FOIL, documents)[1]
            assert isinstance(results, FoilResults)
            self._foils.append(results)
        return self._reduced(name, with_course(scan, self._foils))

    def _reduced(self, name: str, documents: Documents) -> tuple[RunAccumulator, RunResults]:
        results = reduce_run(documents)
        # Remarks and left-out points are collected, because an effect is harmless if the reduction reports it: only
        # shifts without any mark are faults.
        self.marks += [f"{name}: {remark}" for remark in results.remarks]
        self.marks += [f"{name}: {one.text}" for one in results.cuts]
        return screened(accumulate(documents)).sums, results

    def _foil(self) -> dict[str, Value]:
        _, results = self._run(FOIL, foil_scan(self._beamline, PB_L3.name, dwell_s=DWELLS_S[FOIL]))
        assert isinstance(results, FoilResults)
        self._foils.append(results)
        return {"foil_edge": results.edge_ev or Value(float("nan"), float("nan"))}

    def _kinetics(self) -> dict[str, Value]:
        runs = []
        for name, edge in ((BR_TRACE, BR_K.name), (PB_TRACE, PB_L3.name)):
            plan = delay_scan(self._beamline, edge, dwell_s=DWELLS_S[name], repeats=PASSES)
            runs.append(self._run(name, plan)[0])
        fit = fit_kinetics([gate_rates(run) for run in runs], runs[0].metadata.timing)
        if is_bad_fit(fit.chi_square, fit.degrees_of_freedom):
            self.marks.append(f"{KINETIC_FIT}: {quality_text(fit.chi_square, fit.degrees_of_freedom)}")
        return dict(zip(KINETICS, (fit.tau1_ps, fit.tau2_ps, fit.offset, fit.t0_ps, fit.irf_sigma_ps), strict=True))

    def _spectra(self) -> dict[str, Value]:
        (early, results), (late, _) = (
            self._with_foils(name, energy_scan(self._beamline, BR_K.name, delay_ps=delay_ps, dwell_s=DWELLS_S[name],
                                               repeats=PASSES, foil=Schedule.AROUND))
            for name, delay_ps in ((EARLY, FIRST_DELAY_PS), (LATE, SECOND_DELAY_PS))
        )  # fmt: skip
        assert isinstance(results, SpectrumResults)
        self._absorbed = results.absorbed
        windows = early.metadata.windows
        shown = boxcar_spectrum(early)
        c = comparison_parameter(shown.energy_ev, shown.transient, transient_covariance(shown, windows), BR_WINDOWS)
        # The area without noise: the raw one depends on the beam time, and would hide what an effect does to it.
        area = area_without_noise(shown, windows, spc_spectrum(late)).inverse_projected
        return {
            "size_100ps": _size(shown),
            "size_10ns": _size(boxcar_spectrum(late)),
            "size_163ns": _size(spc_spectrum(late, probe=1)),
            "c_100ps": Value(c.value, c.sigma),
            "inverse_area": area,
            "static_peak": static_peak(early, shown),
        }

    def _fluence(self) -> dict[str, Value]:
        zero = boxcar_zero(accumulate(documents_of(self._run_engine, self._zero_plan())))
        plan = fluence_scan(self._beamline, BR_K.name, dwell_s=DWELLS_S[FLUENCE], repeats=PASSES)
        run, _ = self._reduced(FLUENCE, self._with_absorption(documents_of(self._run_engine, plan)))
        spc, boxcar = reduce_fluence_scan(run), reduce_fluence_scan(run, "boxcar", zero_v=zero)
        return {
            name: thin_if_described(fit_fluence(scan).slope, scan.metadata)
            for name, scan in (("slope_spc", spc), ("slope_boxcar", boxcar))
        }

    def _with_absorption(self, documents: Documents) -> Documents:
        """Return the documents of a scan with the absorption that the spectrum has shown, as a session adds it."""
        start = documents[0][1]
        if self._absorbed is None or self._absorbed.by_concentration or not start.get("jet"):
            return documents
        jet = with_measured_step(start["jet"], self._absorbed.step, "spectrum")
        return [("start", {**start, "jet": jet}), *documents[1:]]

    def _zero_plan(self) -> Any:
        from trxas.validation.coverage.measurement import FLUENCE_DWELL_S, ZERO_GRID_EV

        return energy_scan(
            self._beamline, BR_K.name, regions_ev=ZERO_GRID_EV, delay_ps=FIRST_DELAY_PS, dwell_s=FLUENCE_DWELL_S
        )


def runs_of(documents: Documents) -> list[Documents]:
    """Return the documents of several runs, one after the other, as a list per run."""
    begins = [number for number, (name, _) in enumerate(documents) if name == "start"]
    return [documents[begin:end] for begin, end in pairwise([*begins, len(documents)])]


def _size(spectrum: Spectrum) -> Value:
    """Return the transient at the main feature, in % of the unpumped signal."""
    index = int(abs(spectrum.energy_ev - PEAK_EV).argmin())
    # The energies of the grid and of the feature may differ by rounding, so the nearest point is taken.
    static = float(spectrum.off[index]) / 100.0
    return Value(float(spectrum.transient[index]) / static, float(spectrum.sigma[index]) / static)


KINETICS = ("tau1", "tau2", "offset", "t0", "response")
SPECTRA = ("size_100ps", "size_10ns", "size_163ns", "c_100ps", "inverse_area", "static_peak")
EFFECT_PARAMETERS = (*KINETICS, *SPECTRA, "slope_spc", "slope_boxcar", "foil_edge")
"""Measured quantities with their units: ps, sizes in % of unpumped, slopes in cm2/mJ, energies in eV."""

RUNS_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(KINETICS, (BR_TRACE, PB_TRACE, KINETIC_FIT)),
    "size_100ps": (EARLY,),
    "size_10ns": (LATE,),
    "size_163ns": (LATE,),
    "c_100ps": (EARLY, FOIL),
    "inverse_area": (EARLY, LATE, FOIL),
    "static_peak": (EARLY, FOIL),
    "slope_spc": (FLUENCE,),
    "slope_boxcar": (FLUENCE,),
    "foil_edge": (FOIL,),
}
"""Runs that each number comes from: only what is remarked on these marks it."""
