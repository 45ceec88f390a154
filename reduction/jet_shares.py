"""How a flat jet weakens the fluorescence of its sample, as a start document states it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from errors import ReductionError
from reduction.values import Value


@dataclass(frozen=True, kw_only=True)
class JetShares:
    """What a start document states about the jet: loss of fluorescence per step of ln(I0/I), and the expected step.

    Both without unit; `expected_step` is None without a configured concentration.
    """

    depth_share: Value
    expected_step: Value | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> JetShares | None:
        """Read the key `jet` of a start document; None for a run without. Raises ReductionError if it is damaged."""
        if not document:
            return None
        try:
            share = Value(float(document["depth_share"]), float(document["depth_share_error"]))
            step = None
            if "expected_step" in document:
                step = Value(float(document["expected_step"]), float(document["expected_step_error"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(
                f"The `jet` of the run cannot be read: {error!r}. Correct its start document."
            ) from error
        return cls(depth_share=share, expected_step=step)

    def loss(self, step: Value) -> Value:
        """Return the loss of fluorescence per edge step, without unit, for a step of ln(I0/I)."""
        share = self.depth_share
        sigma = math.hypot(step.sigma * share.value, share.sigma * step.value)
        return Value(step.value * share.value, sigma)
