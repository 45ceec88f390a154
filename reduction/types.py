"""Types that every part of the reduction shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]

Document: TypeAlias = Mapping[str, Any]
"""One document of the bluesky event model, read-only."""

NamedDocument: TypeAlias = tuple[str, Document]
"""Name of a document ("start", "event", ...) and the document."""

Documents: TypeAlias = Sequence[NamedDocument]
"""Documents of one run in their order, start document first."""

Mode: TypeAlias = Literal["spc", "boxcar"]
"""Detection mode: single-photon counting or boxcar averager."""

MODES: tuple[Mode, ...] = ("spc", "boxcar")
"""All modes, in the order in which they are looked for."""

PairReference: TypeAlias = Literal["unpumped probe", "laser shutter"]
"""Reference of a transient of two gates: the unpumped probe of the same pump period, or the laser blocked."""

Reference: TypeAlias = PairReference | Literal["all gates"]
"""Reference of a transient; "all gates" is the unpumped probe, with every gate of the period instead of two.

Only spectra have it. As a choice, it means all gates where they make the errors smaller, and two elsewhere.
"""
