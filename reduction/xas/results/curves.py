"""Parts of the results of several kinds: the table of pumped and unpumped curves, and headlines in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.curve_table import Column, CurveTable
from reduction.run_kind import Headline
from reduction.values import Value
from reduction.xas.transient import CurvesWithErrors

if TYPE_CHECKING:
    from reduction.xas.transient import Transient


def pump_probe_table(found: Transient, axis: Column, scale: str) -> CurveTable:
    """Return off, on and transient over an axis, with their errors where known; `scale` states what 1 means."""
    curves = found if isinstance(found, CurvesWithErrors) else None
    return CurveTable(
        name=found.metadata.detector or found.metadata.mode,
        axis=axis,
        columns=(
            Column(name="off", unit="", values=found.off, sigma=None if curves is None else curves.off_sigma),
            Column(name="on", unit="", values=found.on, sigma=None if curves is None else curves.on_sigma),
            Column(name="transient", unit="", values=found.transient, sigma=found.sigma),
        ),
        scale=scale,
    )


def per_cent(quantity: str, value: Value) -> Headline:
    """Return the headline of a relative value, in %."""
    return Headline(quantity=quantity, value=Value(100 * value.value, 100 * value.sigma), unit="%")
