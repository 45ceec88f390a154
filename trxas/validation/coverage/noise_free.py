"""Results of the paper's recipes on Br K spectra without noise."""

from __future__ import annotations

from dataclasses import dataclass

from plans.edges import BR_K
from reduction.types import FloatArray
from reduction.xas.energy_windows import edge_integral


@dataclass(frozen=True, kw_only=True)
class Excited:
    """True spectra against `energy_ev`, (points,) each, in units of the edge step.

    `level` is the unexcited spectrum, `change` that at an excitation of 1, `pumped` and `unpumped` the excitations.
    """

    energy_ev: FloatArray
    level: FloatArray
    change: FloatArray
    pumped: float
    unpumped: float

    def by_recipe(self, *, own_scale: bool) -> tuple[FloatArray, FloatArray]:
        """Return the unpumped spectrum and the transient by SI 4, (points,) each, in 1/eV.

        With `own_scale`, as for photon counting, pumped and unpumped each lose their own pre-edge mean and are divided
        by their own edge integral; otherwise both by those of the unpumped one.
        """
        energy_ev = self.energy_ev
        before = (energy_ev >= BR_K.pre_edge_ev[0]) & (energy_ev <= BR_K.pre_edge_ev[1])
        inside = (energy_ev >= BR_K.edge_integral_ev[0]) & (energy_ev <= BR_K.edge_integral_ev[1])
        on, off = (self.level + self.change * excitation for excitation in (self.pumped, self.unpumped))
        on = on - (on if own_scale else off)[before].mean()
        off = off - off[before].mean()
        scale = edge_integral(energy_ev[inside], off[inside])
        on_scale = edge_integral(energy_ev[inside], on[inside]) if own_scale else scale
        return off / scale, on / on_scale - off / scale
