"""Types that several modules of the simulation share."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

IntArray: TypeAlias = NDArray[np.int64]

ComplexArray: TypeAlias = NDArray[np.complex128]

BoolArray: TypeAlias = NDArray[np.bool_]

Image: TypeAlias = NDArray[np.int32]
"""Counts of the area detector, (row, column); negative values mark pixels without counts."""

Records: TypeAlias = dict[str, Any]
"""Declared records by the name of their attribute in a group."""
