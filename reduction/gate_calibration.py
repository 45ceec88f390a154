"""Zeros and gains of the gates, as a start document records them, and their effect on a signal.

A gate shows zero + gain x light of the sample. Exposures without X-rays give the zero: `zero` with the laser blocked,
`lit` with the laser on the sample, at several delays. Exposures with X-rays and the laser blocked give the `level` of
each gate, at equal light: the gain is (level - zero) over its mean over the gates.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from errors import ReductionError
from reduction.values import Value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import FloatArray

Numbers: TypeAlias = tuple[float, ...]

CHAMBERS = "chambers"
"""Key of a gate calibration: offsets of the ion chambers, by event field."""


@dataclass(frozen=True, kw_only=True)
class GateChain:
    """Zeros and levels of one detection mode, in V of the boxcar or in photons per pulse of all photodiodes.

    `zero` and `level` (probes,), and their standard errors; `lit` (delays, probes): zeros with the laser on. Without
    `level` the gains are 1. Raises ReductionError for rows of different lengths, or for gates without light.
    """

    zero: Numbers
    zero_error: Numbers
    lit: tuple[Numbers, ...]
    lit_error: tuple[Numbers, ...]
    level: Numbers = ()
    level_error: Numbers = ()

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        lengths = {len(one) for one in (self.zero, self.zero_error, *self.lit, *self.lit_error)}
        lengths |= {len(one) for one in (self.level, self.level_error) if one}
        numbers = [*self.zero, *self.zero_error, *self.level, *self.level_error]
        numbers += [number for row in (*self.lit, *self.lit_error) for number in row]
        if len(lengths) != 1 or len(self.lit) != len(self.lit_error) or not all(map(math.isfinite, numbers)):
            raise ReductionError(
                f"A gate calibration needs one finite number per gate in each row, not rows of {sorted(lengths)}. "
                "Measure the dark and the blocked exposures again."
            )
        # The gain divides by level - zero. Its sign is the polarity of the chain and must be the same for all gates.
        if self.level and np.ptp(np.sign(np.subtract(self.level, self.zero))) > 0:
            raise ReductionError(
                "A gate calibration has gates without light: level minus zero has no common sign. Measure the blocked "
                "exposures again, with X-rays and jet."
            )

    @property
    def gain(self) -> FloatArray:
        """Gain of each gate relative to their mean, (probes,), without unit; 1 without blocked exposures."""
        if not self.level:
            return np.ones(len(self.zero))
        light = np.subtract(self.level, self.zero)
        return np.asarray(light / light.mean())

    @property
    def gain_error(self) -> FloatArray:
        """Standard errors of `gain`, (probes,), including those of the zeros."""
        if not self.level:
            return np.zeros(len(self.zero))
        light = np.subtract(self.level, self.zero)
        # A gate's own error counts less by its share in the mean; those of the others move the mean alone.
        variance = (np.square(self.level_error) + np.square(self.zero_error)) / light.mean() ** 2
        share = self.gain / len(light)
        own = (1 - share) ** 2 * variance
        return np.asarray(np.sqrt(own + self.gain**2 * (variance.sum() - variance) / len(light) ** 2))


@dataclass(frozen=True, kw_only=True)
class GateCalibration:
    """Calibration of all gates: `chains` by detection mode.

    `lit_delays_ps` (delays,): first delays of the dark exposures with the laser on, ascending; `lit_fluence_mj_cm2`:
    their fluence. `dark_uid` and `blocked_uid` are the runs it comes from, "" for none.
    """

    chains: Mapping[str, GateChain]
    lit_delays_ps: Numbers
    lit_fluence_mj_cm2: float
    dark_uid: str = ""
    blocked_uid: str = ""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GateCalibration | None:
        """Return the calibration in `gate_calibration` of a start document, None for an empty one.

        Raises ReductionError for a key that is missing, or rows of different lengths.
        """
        if not document:
            return None
        try:
            calibration = cls(
                chains={mode: _chain(table) for mode, table in document["modes"].items()},
                lit_delays_ps=_numbers(document["lit_delays_ps"]),
                lit_fluence_mj_cm2=float(document["lit_fluence_mj_cm2"]),
                dark_uid=str(document["dark"]["uid"]),
                blocked_uid=str(document.get("blocked", {}).get("uid", "")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"The `gate_calibration` of the run cannot be read: {error}. Correct it.") from error
        if any(len(chain.lit) != len(calibration.lit_delays_ps) for chain in calibration.chains.values()):
            raise ReductionError("The `gate_calibration` of the run needs a row of `lit` per delay. Correct it.")
        return calibration

    def zeros(self, mode: str, delay_ps: ArrayLike, fluence_mj_cm2: ArrayLike, *, laser: bool) -> FloatArray:
        """Return the zeros of all gates, shape (points, probes), at first delays and fluences, (points,) each.

        Unit of the mode's chain. With the `laser` on the sample, its contribution is interpolated linearly between the
        measured delays, constant beyond them, and proportional to the fluence.
        """
        chain = self.chains[mode]
        zero = np.asarray(chain.zero)
        if not laser or not chain.lit:
            return np.broadcast_to(zero, (np.size(delay_ps), zero.size))
        share = np.asarray(fluence_mj_cm2, dtype=float) / self.lit_fluence_mj_cm2
        lit = self._between(delay_ps) @ np.asarray(chain.lit)
        return np.asarray(zero + share[:, None] * (lit - zero))

    def shifted(self, mode: str, probes: tuple[int, ...], delay_ps: ArrayLike) -> Iterator[GateCalibration]:
        """Yield the calibration with each of its numbers moved by its error, one at a time.

        Only numbers of `mode` and `probes` that matter at the first delays `delay_ps`, (points,). The change of a
        result is its error common to all points.
        """
        chain = self.chains[mode]
        for probe in probes:
            if chain.zero_error[probe] > 0:
                yield self._with(mode, replace(chain, zero=_moved(chain.zero, probe, chain.zero_error[probe])))
            # A level acts through the mean of all gates too, by a factor that is common to pumped and unpumped ones.
            if chain.level and chain.level_error[probe] > 0:
                yield self._with(mode, replace(chain, level=_moved(chain.level, probe, chain.level_error[probe])))
        used = np.flatnonzero(self._between(delay_ps).any(axis=0)).tolist() if chain.lit else []
        for row in used:
            for probe in (one for one in probes if chain.lit_error[row][one] > 0):
                moved = _moved(chain.lit[row], probe, chain.lit_error[row][probe])
                yield self._with(mode, replace(chain, lit=(*chain.lit[:row], moved, *chain.lit[row + 1 :])))

    def _with(self, mode: str, chain: GateChain) -> GateCalibration:
        return replace(self, chains={**self.chains, mode: chain})

    def _between(self, delay_ps: ArrayLike) -> FloatArray:
        """Return the weights that interpolate between the measured delays, (points, delays); rows add up to 1."""
        unit = np.eye(len(self.lit_delays_ps))
        return np.column_stack([np.interp(np.atleast_1d(delay_ps), self.lit_delays_ps, row) for row in unit])


def chamber_offsets(document: Mapping[str, Any]) -> dict[str, Value]:
    """Return what the ion chambers of a `gate_calibration` show without X-rays, by event field, with errors.

    Counts per second, or the unit of a record's mean, beyond what is configured; none in calibrations that were
    measured before this was recorded. Raises ReductionError for a damaged entry.
    """
    try:
        return {
            str(name): Value(float(one["offset_per_s"]), float(one["error_per_s"]))
            for name, one in dict(document.get(CHAMBERS, {})).items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ReductionError(
            f"The offsets of the ion chambers in `gate_calibration` cannot be read: {error!r}. Measure the dark "
            "exposures again."
        ) from error


def _chain(table: Mapping[str, Any]) -> GateChain:
    return GateChain(
        zero=_numbers(table["zero"]),
        zero_error=_numbers(table["zero_error"]),
        lit=tuple(_numbers(row) for row in table["lit"]),
        lit_error=tuple(_numbers(row) for row in table["lit_error"]),
        level=_numbers(table.get("level", ())),
        level_error=_numbers(table.get("level_error", ())),
    )


def _numbers(values: Any) -> Numbers:
    return tuple(float(value) for value in values)


def _moved(values: Numbers, index: int, by: float) -> Numbers:
    return (*values[:index], values[index] + by, *values[index + 1 :])
