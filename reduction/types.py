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

Reference: TypeAlias = Literal["unpumped probe", "laser shutter", "all gates"]
"""Reference of a transient: the unpumped probe of the same pump period, or the laser blocked.

"all gates" is the first, determined by every gate of the period instead of two; only spectra have it.
"""
