"""Values between the points of a grid, by local cubics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.types import FloatArray

_NODES = 4
"""Neighbouring points of a cubic interpolation: a straight line would lose 0.5 % of a feature in steps of 0.5 eV."""


def interpolation(nodes: FloatArray, targets: FloatArray) -> FloatArray:
    """Return the matrix, shape (targets, nodes), that takes values at ascending `nodes` to `targets`, by local cubics.

    Up to four nodes about each target; a target at a node takes its value exactly. Any unit, the same for both.
    """
    size = min(_NODES, nodes.size)
    first = np.clip(np.searchsorted(nodes, targets) - size // 2, 0, nodes.size - size)
    columns = first[:, None] + np.arange(size)
    near = nodes[columns]
    matrix = np.zeros((targets.size, nodes.size))
    for place in range(size):
        others = np.delete(near, place, axis=1)
        factors = (targets[:, None] - others) / (near[:, [place]] - others)
        matrix[np.arange(targets.size), columns[:, place]] = factors.prod(axis=1)
    return matrix
