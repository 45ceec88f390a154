"""The transient on a grid of two axes, and its orientation as energy x delay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.xas.gate_rates import MIN_PHOTONS
from reduction.xas.photon_pairs import PhotonPairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray
    from reduction.values import Value
    from reduction.xas.dependence import DependenceSums

ENERGY = "energy_ev"
DELAY = "delay_ps"

OTHER_GATE = (0.6, 1.6)
"""Limits of the photons of a gate, relative to the unpumped ones, beyond which it counts something else."""


@dataclass(frozen=True, kw_only=True)
class LaterGate:
    """Photons of a gate that is neither pumped nor a reference, with their variance: tables (rows, columns).

    They are per as many pulses as those of the pumped gate. `efficiency` is the ratio to the references with the laser
    blocked, None without such exposures.
    """

    probe: int
    photons: FloatArray
    variance: FloatArray
    efficiency: Value | None = None

    def counts_like(self, unpumped: FloatArray, rows: BoolArray) -> bool:
        """Return whether every point of the `rows` has enough photons, about as many as the `unpumped` gates.

        `rows` is a mask, shape (rows,); `unpumped` are the photons of the chosen rows, shape (chosen rows, columns).
        """
        photons = self.photons[rows]
        known = np.isfinite(unpumped)
        if not (photons[known] > 0).all():
            return False
        fewest = (photons**2 / self.variance[rows])[known].min()
        low, high = OTHER_GATE
        return bool(fewest >= MIN_PHOTONS and low < (photons / unpumped)[known].mean() < high)

    def turned(self) -> LaterGate:
        """Return the same gate with rows and columns exchanged."""
        return replace(self, photons=self.photons.T, variance=self.variance.T)


@dataclass(frozen=True, kw_only=True)
class TransientMap(PhotonPairs):
    """Photons of a grid scan, all tables (rows, columns), NaN where nothing was measured yet.

    `axes` are the event fields of rows and columns, `rows` and `columns` their planned positions. `positions`
    (axes, rows, columns) are mean read-backs in the units of the axes. `pumped` and `unpumped` are pile-up corrected
    photons, the variances their own; `later` are the gates besides these.
    """

    axes: tuple[str, str]
    rows: FloatArray
    columns: FloatArray
    positions: FloatArray
    later: tuple[LaterGate, ...] = ()

    @classmethod
    def of_counts(
        cls,
        energies_ev: FloatArray,
        delays_ps: FloatArray,
        pumped: FloatArray,
        unpumped: FloatArray,
        later: Sequence[FloatArray] = (),
    ) -> TransientMap:
        """Return the map of plain Poisson counts, tables of shape (energies, delays), measured where it was planned.

        `later`: counts of the gates after the pumped one, from probe 1 on.
        """
        return cls(
            axes=(ENERGY, DELAY),
            rows=energies_ev,
            columns=delays_ps,
            positions=np.array(np.broadcast_arrays(energies_ev[:, None], delays_ps[None, :])),
            pumped=pumped,
            unpumped=unpumped,
            pumped_variance=pumped,
            unpumped_variance=unpumped,
            later=tuple(LaterGate(probe=probe, photons=one, variance=one) for probe, one in enumerate(later, 1)),
        )

    @property
    def measured(self) -> int:
        """Number of points of the map, of shape (rows, columns), with at least one good exposure."""
        return int(np.isfinite(self.pumped).sum())

    def turned(self) -> TransientMap:
        """Return the same map with rows and columns exchanged, tables of shape (columns, rows)."""
        tables = ("pumped", "unpumped", "pumped_variance", "unpumped_variance")
        return TransientMap(
            axes=(self.axes[1], self.axes[0]),
            rows=self.columns,
            columns=self.rows,
            positions=self.positions[::-1].transpose(0, 2, 1),
            efficiency=self.efficiency,
            blocked_variance=self.blocked_variance,
            later=tuple(gate.turned() for gate in self.later),
            **{name: getattr(self, name).T for name in tables},
        )

    def by_energy(self) -> TransientMap:
        """Return the map with energies (eV) as rows and delays (ps) as columns; raise ReductionError for other axes."""
        if {*self.axes} != {ENERGY, DELAY}:
            raise ReductionError(
                f"Only an energy x delay map can be fitted; this one has {' and '.join(self.axes)}. Its values are in "
                "the table."
            )
        return self if self.axes == (ENERGY, DELAY) else self.turned()


def change_by_pump(measured: TransientMap, timing: Timing) -> FloatArray:
    """Return `measured.change`, shape (rows, columns), minus its mean before the pump, due to gate efficiencies.

    Before the pump means two widths of the instrument response, ps. A map over other axes, without such a delay, or
    whose gates were compared with the laser blocked, stays as it is.
    """
    change = measured.change
    if DELAY not in measured.axes or measured.efficiency is not None:
        return change
    planned = measured.columns[None, :] if measured.axes[1] == DELAY else measured.rows[:, None]
    early = timing.delay_of(timing.pumped_probe, 0.0) + planned < -2.0 * timing.irf_sigma_ps
    before = np.isfinite(change) & early
    if not before.any():
        return change
    return np.asarray(change - np.average(change[before], weights=measured.sigma[before] ** -2.0))


def transient_map(run: DependenceSums) -> TransientMap:
    """Return the map of a grid scan, shape (rows, columns).

    Raises ReductionError for other runs, or without a good point.
    """
    grid = run.start["grid"]
    if "shape" not in grid:
        raise ReductionError("This run is not a grid of two axes. Choose a run of grid_scan.")
    rows, columns = (int(size) for size in grid["shape"])
    photons = run.photons()

    def table(values: FloatArray) -> FloatArray:
        """Return values at the measured points as a table of shape (rows, columns), NaN elsewhere."""
        filled = np.full(rows * columns, np.nan)
        filled[photons.index] = values
        return filled.reshape(rows, columns)

    planned = np.asarray(grid["points"], dtype=float).reshape(rows, columns, 2)
    return TransientMap(
        axes=(run.axes[0], run.axes[1]),
        rows=planned[:, 0, 0],
        columns=planned[0, :, 1],
        positions=np.array([table(column) for column in photons.positions.T]),
        pumped=table(photons.pumped),
        unpumped=table(photons.unpumped),
        pumped_variance=table(photons.pumped_variance),
        unpumped_variance=table(photons.unpumped_variance),
        efficiency=photons.efficiency,
        blocked_variance=photons.blocked_variance,
        later=tuple(
            LaterGate(
                probe=probe,
                photons=table(gate.pumped * photons.unpumped / gate.unpumped),
                variance=table(gate.pumped_variance * (photons.unpumped / gate.unpumped) ** 2),
                efficiency=gate.efficiency,
            )
            for probe, gate in ((probe, run.photons(probe)) for probe in run.later_gates())
        ),
    )
