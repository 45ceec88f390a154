"""What the recipe of the paper makes of spectra without noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def exact(beam_time: Any, probe: int, *, own_scale: bool) -> NDArray[np.float64]:
    """Apply the recipe to noiseless spectra, in code that shares nothing with the reduction."""
    energy, off = beam_time.points, beam_time.static
    on = off * (1.0 + beam_time.signal[:, probe])
    settings = beam_time.start()["reduction"]
    pre, edge, post = (
        (energy >= low) & (energy <= high)
        for low, high in (settings[f"{name}_ev"] for name in ("pre_edge", "edge_integral", "post_edge"))
    )
    base_on = on if own_scale else off
    on, base_on, off = on - base_on[pre].mean(), base_on - base_on[pre].mean(), off - off[pre].mean()
    on, off = on / np.trapezoid(base_on[edge], energy[edge]), off / np.trapezoid(off[edge], energy[edge])
    result: NDArray[np.float64] = (on - off) / off[post].mean()
    return result
