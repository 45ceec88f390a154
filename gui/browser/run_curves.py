"""What a stored run has to show in one plot: a curve with errors, by the reduction of its kind of run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from errors import ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.boxcar_energy import boxcar_spectrum
from reduction.calibration import foil_absorption
from reduction.exposure_pairs import Mode, Reference
from reduction.fluence import fluence_scan
from reduction.spc_energy import spc_spectrum
from reduction.spc_time import spc_trace
from reduction.static_xas import accumulate_static, static_spectrum

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.documents import NamedDocument

Part: TypeAlias = Literal["transient", "on", "off"]
"""Which curve of a pump-probe run."""


@dataclass(frozen=True)
class CurveChoice:
    """How runs are reduced: detection mode, probe, reference, and which of the three curves is wanted."""

    part: Part = "transient"
    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"


@dataclass(frozen=True)
class RunCurve:
    """A curve of a run: `axis` is "energy_ev", "delay_ps" or "fluence_mj_cm2"; `x`, `y`, `sigma` (points,).

    `quantity` says what `y` is, in words with its unit; curves of different quantities do not belong in one plot.
    `sigma` is None where the reduction gives no error.
    """

    uid: str
    axis: str
    quantity: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64] | None


def run_curve(documents: Sequence[NamedDocument], choice: CurveChoice) -> RunCurve:
    """Reduce a run as `choice` says; a run under way gives what is there.

    Static spectra and foil scans have one curve, whatever is chosen. Raises ReductionError where there is none (yet).
    """
    if not documents or documents[0][0] != "start":
        raise ReductionError("The run has no start document. It cannot be reduced.")
    start = documents[0][1]
    if start.get("plan_name") == "static_energy_scan":
        return _static(documents)
    accumulator = accumulate(documents)
    if start.get("plan_name") == "foil_scan":
        return _foil(accumulator)
    axes = {"energy_ev": _spectrum, "delay_ps": _trace, "fluence_mj_cm2": _dependence}
    return axes[accumulator.metadata.axis](accumulator, choice)


def _spectrum(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    reduce = spc_spectrum if choice.mode == "spc" else boxcar_spectrum
    found = reduce(run, choice.probe, choice.reference)
    y, sigma = _part(found, choice.part)
    return RunCurve(run.metadata.uid, "energy_ev", _quantity(choice, "post-edge = 1"), found.energy_ev, y, sigma)


def _trace(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    if choice.mode != "spc":
        raise ReductionError("Delay scans are reduced from counted photons. Choose photon counting.")
    found = spc_trace(run, choice.probe, choice.reference)
    y, sigma = _part(found, choice.part)
    return RunCurve(run.metadata.uid, "delay_ps", _quantity(choice, "unpumped = 1"), found.delay_ps, y, sigma)


def _dependence(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    found = fluence_scan(run, choice.mode, choice.probe, choice.reference)
    if choice.part != "transient":
        raise ReductionError("A fluence scan shows its transient here. Choose the transient.")
    quantity = _quantity(choice, "unpumped = 1")
    return RunCurve(run.metadata.uid, "fluence_mj_cm2", quantity, found.fluence_mj_cm2, found.transient, found.sigma)


def _static(documents: Sequence[NamedDocument]) -> RunCurve:
    found = static_spectrum(accumulate_static(documents))
    points, uid = found.normalised, str(documents[0][1]["uid"])
    return RunCurve(uid, "energy_ev", "static spectrum (1/eV)", points.energy_ev, points.intensity, points.sigma)


def _foil(run: RunAccumulator) -> RunCurve:
    found = foil_absorption(run)
    return RunCurve(run.metadata.uid, "energy_ev", "foil, ln(I0/I)", found.energy_ev, found.absorption, None)


def _part(found: object, part: Part) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return getattr(found, part), getattr(found, "sigma" if part == "transient" else f"{part}_sigma")


def _quantity(choice: CurveChoice, scale: str) -> str:
    words = {"transient": "transient", "on": "pumped", "off": "unpumped"}
    return f"{words[choice.part]} ({scale})"
