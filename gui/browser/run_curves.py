"""What a stored run has to show in one plot: a curve with errors, by the reduction of its kind of run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from errors import ReductionError
from gui.live.event_pages import page_events
from gui.live.image_file import read_image
from gui.live.images import AssetIndex, ImageReference
from reduction.accumulator import RunAccumulator, accumulate
from reduction.powder.diffraction import integrate
from reduction.powder.series import geometry_of, hot_pixels
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.calibration import foil_absorption
from reduction.xas.exposure_pairs import Mode, Reference
from reduction.xas.fluence import fluence_scan
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from reduction.xas.static_xas import accumulate_static, measured_points, static_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storage.documents import NamedDocument

CurveKind: TypeAlias = Literal["transient", "on", "off"]
"""Which curve of a pump-probe run."""


@dataclass(frozen=True, kw_only=True)
class CurveChoice:
    """How runs are reduced: detection mode, probe, reference, and which of the three curves is wanted."""

    part: CurveKind = "transient"
    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"


@dataclass(frozen=True, kw_only=True)
class RunCurve:
    """A curve of a run: `axis` is an event field that is scanned, or "q_inv_angstrom"; `x`, `y`, `sigma` (points,).

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

    Static spectra, powder images and foil scans have one curve, whatever is chosen. Raises ReductionError where there
    is none (yet).
    """
    if not documents or documents[0][0] != "start":
        raise ReductionError("The run has no start document. It cannot be reduced.")
    start = documents[0][1]
    of_plan = {"static_energy_scan": _static, "diffraction": _pattern}
    if start.get("plan_name") in of_plan:
        return of_plan[start["plan_name"]](documents)
    axes = {"energy_ev": _spectrum, "delay_ps": _trace, "fluence_mj_cm2": _dependence}
    axis = start.get("grid", {}).get("axis")
    if axis not in axes:
        plan = str(start.get("plan_name", "run")).replace("_", " ")
        raise ReductionError(f"The {plan} has no curve here. What it measured is in the table `db[uid].table()`.")
    accumulator = accumulate(documents)
    return _foil(accumulator) if start.get("plan_name") == "foil_scan" else axes[axis](accumulator, choice)


def _spectrum(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    reduce = spc_spectrum if choice.mode == "spc" else boxcar_spectrum
    found = reduce(run, choice.probe, choice.reference)
    y, sigma = _part(found, choice.part)
    return RunCurve(
        uid=run.metadata.uid,
        axis="energy_ev",
        quantity=_quantity(choice, "post-edge = 1"),
        x=found.energy_ev,
        y=y,
        sigma=sigma,
    )


def _trace(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    if choice.mode != "spc":
        raise ReductionError("Delay scans are reduced from counted photons. Choose photon counting.")
    found = spc_trace(run, choice.probe, choice.reference)
    y, sigma = _part(found, choice.part)
    return RunCurve(
        uid=run.metadata.uid,
        axis="delay_ps",
        quantity=_quantity(choice, "unpumped = 1"),
        x=found.delay_ps,
        y=y,
        sigma=sigma,
    )


def _dependence(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    found = fluence_scan(run, choice.mode, choice.probe, choice.reference)
    if choice.part != "transient":
        raise ReductionError("A fluence scan shows its transient here. Choose the transient.")
    quantity = _quantity(choice, "unpumped = 1")
    return RunCurve(
        uid=run.metadata.uid,
        axis="fluence_mj_cm2",
        quantity=quantity,
        x=found.fluence_mj_cm2,
        y=found.transient,
        sigma=found.sigma,
    )


def _static(documents: Sequence[NamedDocument]) -> RunCurve:
    """The normalised spectrum; as long as the scan has not covered what that needs, what has been counted."""
    sums = accumulate_static(documents)
    try:
        points = static_spectrum(sums).normalised
        quantity = "static spectrum (1/eV)"
    except ReductionError:
        points = measured_points(sums)
        quantity = "counts per I0"
    uid = str(documents[0][1]["uid"])
    return RunCurve(
        uid=uid, axis="energy_ev", quantity=quantity, x=points.energy_ev, y=points.intensity, sigma=points.sigma
    )


def _pattern(documents: Sequence[NamedDocument]) -> RunCurve:
    """Powder pattern of all good images together, with the geometry that the run tells."""
    start = documents[0][1]
    images = [read_image(reference) for reference in _images(documents)]
    if not images:
        raise ReductionError("The run has no good image (yet).")
    geometry = geometry_of(start)
    mask = hot_pixels(images[0])
    # The sum, as the errors are those of counts.
    found = integrate(np.sum(images, axis=0), geometry, mask=mask, normalisation=float(len(images)))
    quantity = "powder pattern (counts per pixel)"
    return RunCurve(
        uid=str(start["uid"]),
        axis="q_inv_angstrom",
        quantity=quantity,
        x=found.q_inv_angstrom,
        y=found.intensity,
        sigma=found.sigma,
    )


def _images(documents: Sequence[NamedDocument]) -> Iterator[ImageReference]:
    assets = AssetIndex()
    for name, doc in documents:
        assets(name, doc)
        for event in page_events(doc) if name == "event_page" else (doc,) if name == "event" else ():
            reference = assets.find(event["data"], 0)
            if reference is not None and not event["data"].get("quality"):
                yield reference


def _foil(run: RunAccumulator) -> RunCurve:
    found = foil_absorption(run)
    return RunCurve(
        uid=run.metadata.uid,
        axis="energy_ev",
        quantity="foil, ln(I0/I)",
        x=found.energy_ev,
        y=found.absorption,
        sigma=None,
    )


def _part(found: object, part: CurveKind) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return getattr(found, part), getattr(found, "sigma" if part == "transient" else f"{part}_sigma")


def _quantity(choice: CurveChoice, scale: str) -> str:
    words = {"transient": "transient", "on": "pumped", "off": "unpumped"}
    return f"{words[choice.part]} ({scale})"
