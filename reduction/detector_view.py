"""A run as one of its further detectors saw it, in the form that every reduction takes."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.detectors import TRANSMITTED, DetectorFacts
from reduction.event_rows import layout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.types import FloatArray


def transient_detectors(listed: Sequence[DetectorFacts]) -> tuple[DetectorFacts, ...]:
    """Return the detectors whose transients a run has: first the default, then the others in the order of the list.

    The default is the first that counts, otherwise the first of the list. Detectors that are part of another one, or
    not gated, are not returned. Empty for runs that list no detectors.
    """
    inside = {one.contains for one in listed if one.contains}
    found = [one for one in listed if one.sees_transients and one.name not in inside]
    # Sorting is stable: only the one whose counts are those of the exposure itself moves to the front.
    return tuple(sorted(found, key=lambda one: "spc_counts" not in one.fields.values()))


def further_gated(listed: Sequence[DetectorFacts]) -> tuple[DetectorFacts, ...]:
    """Return the detectors with transients that are read alongside the exposure."""
    return tuple(one for one in transient_detectors(listed) if not one.is_own)


def further_transmission(run: RunAccumulator) -> tuple[DetectorFacts, ...]:
    """Return the further ion chambers behind an absorber."""
    listed = run.metadata.detectors
    return tuple(one for one in listed if one.kind == "ion_chamber" and one.role in TRANSMITTED and not one.is_own)


def with_default_detector(run: RunAccumulator) -> RunAccumulator:
    """Return the run itself if the exposure counts or averages, otherwise as its first gated detector saw it.

    Raises ReductionError if the errors of that detector are not known.
    """
    own = {"spc", "boxcar"}.intersection(run.metadata.modes)
    choice = () if own else transient_detectors(run.metadata.detectors)
    return seen_by(run, choice[0].name) if choice else run


def seen_by(run: RunAccumulator, name: str) -> RunAccumulator:
    """Return the run as the detector `name` saw it; flux and time cover only exposures in which it had a value.

    A detector that counts takes the place of the photodiodes, an analog or drift detector that of the boxcar, and an
    ion chamber that of the foil's diode. Raises ReductionError for a detector that the run does not have, that is not
    gated, or whose errors are not known.
    """
    one = next((other for other in run.metadata.detectors if other.name == name and other.is_summed), None)
    if one is not None and one.is_own and one.sees_transients:
        return _own_view(run, one)
    if one is None or one.is_own:
        choices = [*transient_detectors(run.metadata.detectors), *further_transmission(run)]
        names = ", ".join(other.name for other in choices)
        raise ReductionError(f"The run has no detector {name!r}. Choose one of: {names or 'none'}.")
    if not one.gated:
        raise ReductionError(
            f"{name} counts all bunches, pumped or not, so it sees no transient. Choose a gated detector, or give it a "
            "column per gate."
        )
    return _further_view(run, one)


def _own_view(run: RunAccumulator, one: DetectorFacts) -> RunAccumulator:
    """Return the run with one of the exposure's own detectors alone, whose columns the sums have anyway."""
    result = copy(run)
    result._metadata = replace(
        run.metadata,
        modes=("spc" if one.kind == "spc" else "boxcar",),
        detectors=(),
        signal_weights=run.metadata.weights_of_signal,
    )
    return result


def _further_view(run: RunAccumulator, one: DetectorFacts) -> RunAccumulator:
    """Return the run with the columns of a further detector in the places of those of the exposure."""
    counts = one.kind == "spc"
    result = copy(run)
    result._metadata = replace(
        run.metadata,
        modes={"spc": ("spc",), "ion_chamber": ()}.get(one.kind, ("boxcar",)),
        photodiodes=len(one.weights) if counts else run.metadata.photodiodes,
        element_weights=one.weights if counts else (),
        detector=one.name,
        detector_kind=one.kind,
        detectors=(),
        signal_weights=one.weights,
        # Dark and blocked exposures give zeros and gains of the first detectors only, and the dead time is theirs.
        gates=None,
        dead_time_share=0.0,
    )
    columns = {quantity: run._field(quantity) for quantity in run._layout if ":" not in quantity}
    result._widths = {quantity: width for quantity, width in run._widths.items() if ":" not in quantity}
    own = {quantity: run._field(f"{one.name}:{quantity}") for quantity in _quantities(run, one.name)}
    columns |= {"i0": own["i0"], "exposure_s": own["exposure_s"]}
    if counts:
        columns |= {"counts": own["counts"], "pulses": own["pulses"]}
        result._widths["counts"] = own["counts"].shape[-1]
    elif one.kind == "ion_chamber":
        columns |= {"foil": own["signal"]}
    else:
        columns |= {"boxcar_integral": own["signal"], "boxcar_variance": _variance(one, own)}
        columns.pop("boxcar_covariance", None)
    result._layout = layout_of({quantity: values.shape[-1] for quantity, values in columns.items()})
    result._table = run._table.relaid([(result._layout[quantity], values) for quantity, values in columns.items()])
    return result


def _quantities(run: RunAccumulator, name: str) -> list[str]:
    return [key.partition(":")[2] for key in run._layout if key.startswith(f"{name}:")]


def _variance(one: DetectorFacts, own: dict[str, FloatArray]) -> FloatArray:
    """Return the variance of the summed signal, (..., gate)."""
    if one.kind == "sdd":
        return own["variance"]
    return _pooled(own) if one.contains else _between_scans(one, own)


def _pooled(own: dict[str, FloatArray]) -> FloatArray:
    """Return the variance from the parts of the exposures, (..., gate), pooled over the run.

    The parts of one exposure give one squared difference, an estimate with a relative error of 1.4. Noise grows with
    the time, so the summed variance divided by the summed time is the variance per second, and the variance of a point
    is that times its own time.
    """
    seconds = own["exposure_s"]
    per_s = own["variance"].sum(axis=(0, 1, 2)) / max(float(seconds.sum()), 1e-12)
    return np.asarray(per_s * seconds)


def _between_scans(one: DetectorFacts, own: dict[str, FloatArray]) -> FloatArray:
    """Return the variance from the scatter between scans, (..., gate), pooled over the points.

    What all gates of an exposure have in common is removed, as it cancels in the transient. Raises ReductionError for a
    single scan, from which no error can be estimated.
    """
    flux = own["i0"]
    measured = flux > 0
    ratio = np.divide(own["signal"], flux, out=np.zeros_like(own["signal"]), where=measured)
    apart = ratio - ratio.mean(axis=-1, keepdims=True)
    scans = measured.sum(axis=0)
    mean = np.where(measured, apart, 0.0).sum(axis=0) / np.maximum(scans, 1)
    squares = np.where(measured, (apart - mean) ** 2, 0.0).sum()
    gates = apart.shape[-1]
    freedom = int(np.maximum(scans - 1, 0).sum()) * (gates - 1)
    if freedom <= 0:
        raise ReductionError(
            f"One scan of {one.name} does not show how large its errors are. Repeat the scan, or list a second "
            "detector that covers a part of the exposure and is named by `contains`."
        )
    # Squares of all gates over the degrees of freedom: the variance of one gate of one scan, in units of the flux.
    return np.asarray(np.where(measured, squares / freedom * flux**2, 0.0) * np.ones(gates))
