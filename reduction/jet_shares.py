"""How a flat jet weakens the fluorescence of its sample, as a start document states it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from errors import ReductionError
from reduction.values import Value

EXPECTED = "expected_step"
CONFIGURED = "configured_step"
MEASURED_BY = "measured_by"
"""Keys of the `jet` of a start document; errors have `_error` behind them."""


@dataclass(frozen=True, kw_only=True)
class JetShares:
    """What a start document states about the jet: loss of fluorescence per step of ln(I0/I), and the expected step.

    Both without unit; `expected_step` is that of the configured concentration, or the one that a spectrum of the same
    sample shows, whose uid `measured_by` then is; None without either. `configured_step`: that of the concentration,
    None unless a spectrum has taken its place.
    """

    depth_share: Value
    expected_step: Value | None
    measured_by: str = ""
    configured_step: Value | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> JetShares | None:
        """Read the key `jet` of a start document; None for a run without. Raises ReductionError if it is damaged."""
        if not document:
            return None
        try:
            share = Value(float(document["depth_share"]), float(document["depth_share_error"]))
            step = _value(document, EXPECTED)
            configured = _value(document, CONFIGURED)
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(
                f"The `jet` of the run cannot be read: {error!r}. Correct its start document."
            ) from error
        measured_by = str(document.get(MEASURED_BY, ""))
        return cls(depth_share=share, expected_step=step, measured_by=measured_by, configured_step=configured)

    def loss(self, step: Value) -> Value:
        """Return the loss of fluorescence per edge step, without unit, for a step of ln(I0/I)."""
        share = self.depth_share
        sigma = math.hypot(step.sigma * share.value, share.sigma * step.value)
        return Value(step.value * share.value, sigma)


def with_measured_step(document: Mapping[str, Any], step: Value, uid: str) -> dict[str, Any]:
    """Return the `jet` of a start document with the step of ln(I0/I) that the run `uid` has measured, without unit."""
    found = {**document, EXPECTED: step.value, f"{EXPECTED}_error": step.sigma, MEASURED_BY: uid}
    if EXPECTED in document:
        found |= {CONFIGURED: document[EXPECTED], f"{CONFIGURED}_error": document[f"{EXPECTED}_error"]}
    return found


def _value(document: Mapping[str, Any], key: str) -> Value | None:
    return Value(float(document[key]), float(document[f"{key}_error"])) if key in document else None
