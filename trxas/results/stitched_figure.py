"""Figure of a trace that is stitched from all gates."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from gui.palette import ROLES_ON_WHITE
from reduction.xas.kinetics.stitched import StitchedTrace

_CURVE_POINTS = 600
_FIRST_PS = 20.0


def stitched_figure(stitched: StitchedTrace) -> Figure:
    """Return a figure: the trace in % of unpumped against the delay of each gate, in ns, on a linear and a log axis.

    With a fit the points are those relative to a sample that was never pumped, and its curve is drawn through them.
    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    linear, logarithmic = figure.subplots(1, 2, sharey=True)
    values = stitched.transient if stitched.fit is None else stitched.corrected
    for axes in (linear, logarithmic):
        for gate in np.unique(stitched.gate):
            own = stitched.gate == gate
            bars = 100 * stitched.sigma[own]
            axes.errorbar(
                1e-3 * stitched.delay_ps[own], 100 * values[own], bars, fmt="o", markersize=3, linewidth=1,
                label=f"gate {gate}",
            )  # fmt: skip
        axes.axhline(0, color="0.6", linewidth=0.8)
        axes.set_xlabel("delay (ns)")
    if stitched.fit is not None:
        last_ps = float(stitched.delay_ps[-1])
        # Close together where the signal rises and decays fast, and logarithmically later, as the axis shows it.
        early = np.linspace(float(stitched.delay_ps[0]), 500.0, _CURVE_POINTS)
        delay_ps = np.concatenate([early, np.geomspace(500.0, max(last_ps, 1e3), _CURVE_POINTS)])
        for axes in (linear, logarithmic):
            signal = 100 * stitched.fit.signal(delay_ps)
            axes.plot(1e-3 * delay_ps, signal, color=ROLES_ON_WHITE["fit"], label="fit")
    logarithmic.set_xscale("log")
    logarithmic.set_xlim(left=1e-3 * _FIRST_PS)
    scale = "a sample never pumped" if stitched.fit is not None else "unpumped gates"
    linear.set_ylabel(f"transient (% of {scale})")
    linear.legend(loc="best", fontsize="small")
    return figure
