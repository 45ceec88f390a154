"""Effects of the gates themselves: gains, zeros, dark counts, and light of the laser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.physics.effects import EffectSizes
from sim.types import FloatArray

EFFICIENCY_SPREAD = 1e-3
"""Relative differences between the counting gates of one APD: their edges sit differently on the pulse (chosen)."""

GAIN_SPREAD = 2e-4
"""Relative differences between the boxcar's gates (chosen).

One channel integrates all of them, so what differs is what the tail of an earlier pulse leaves under the next one.
Much larger differences would have shown in the paper, whose smallest transient is 0.4 %.
"""

ZERO_SPREAD_V = 2e-6
"""Differences between the zeros of the boxcar's gates, V, 0.04 % of the signal (chosen: 0.1 % of the common zero)."""

DARK_COUNTS = 2e-6
"""Dark counts of a photodiode per gate: 100 counts/s in a gate of 20 ns (chosen; typical of silicon at 20 C)."""

LASER_LIGHT = 5e-6
"""Photons per pulse, all photodiodes, that the laser adds to a gate at time zero, at 8.83 mJ/cm2 (chosen).

A foil in front of the photodiodes stops the laser; what leaks must be far below 1e-4, which would pull a lifetime of
900 ps down to 663 ps.
"""

LIGHT_FLUENCE_MJ_CM2 = 8.83
"""Fluence at which `LASER_LIGHT` holds, mJ/cm2 (the paper's); the light is proportional to it."""

GATE_WIDTH_PS = 20_000.0
"""Width of a gate, centred on its X-ray pulse, ps (chosen: several times the pulse of a photodiode)."""

LUMINESCENCE_PS = 20_000.0
"""Decay of the sample's luminescence, ps (CsPbBr3 nanocrystals: 1 to 30 ns)."""


@dataclass(frozen=True, kw_only=True)
class GateHardware:
    """Gates of one beamline: what the seed fixes, at the usual sizes.

    `efficiency` (apd, probe), relative; `gain` (probe,), relative; `zero_v` (probe,), V; `dark_counts` (apd, 1) per
    gate.
    """

    efficiency: FloatArray
    gain: FloatArray
    zero_v: FloatArray
    dark_counts: FloatArray

    @classmethod
    def drawn(cls, photodiodes: int, probes: int, rng: np.random.Generator) -> GateHardware:
        """Draw the gates of a beamline: efficiencies of shape (photodiodes, probes), zeros in V of shape (probes,).

        Gains have the shape (probes,), and dark counts per gate the shape (photodiodes, 1).
        """
        return cls(
            efficiency=1 + EFFICIENCY_SPREAD * rng.standard_normal((photodiodes, probes)),
            gain=1 + GAIN_SPREAD * rng.standard_normal(probes),
            zero_v=ZERO_SPREAD_V * rng.standard_normal(probes),
            dark_counts=DARK_COUNTS * rng.uniform(0.5, 1.5, (photodiodes, 1)),
        )

    def scaled(self, effects: EffectSizes) -> GateHardware:
        """Return the gates with every effect at its size."""
        return GateHardware(
            efficiency=1 + effects.efficiencies * (self.efficiency - 1),
            gain=1 + effects.gains * (self.gain - 1),
            zero_v=effects.zeros * self.zero_v,
            dark_counts=effects.dark_counts * self.dark_counts,
        )


def light_in_gates(gate_ps: FloatArray, period_ps: float) -> FloatArray:
    """Return the luminescence within gates at `gate_ps` after the pump, (probe,), relative to a gate at 0 ps.

    Exponential after each pump, integrated over the width of the gate; pumps repeat every `period_ps`.
    """
    # Counted from the latest pump that a gate can see at all: a gate opens half its width before its X-ray pulse. The
    # pump before that one is the last that matters, because a period is many lifetimes long.
    half_ps = GATE_WIDTH_PS / 2
    since_ps = np.mod(gate_ps + half_ps, period_ps) - half_ps
    return np.asarray(sum(_in_gate(since_ps + pump * period_ps) for pump in range(2)) / _in_gate(np.zeros(1))[0])


def _in_gate(since_ps: FloatArray) -> FloatArray:
    opens = np.maximum(since_ps - GATE_WIDTH_PS / 2, 0.0)
    closes = np.maximum(since_ps + GATE_WIDTH_PS / 2, 0.0)
    return np.asarray(np.exp(-opens / LUMINESCENCE_PS) - np.exp(-closes / LUMINESCENCE_PS))
