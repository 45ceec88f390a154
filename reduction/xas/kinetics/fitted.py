"""Result of a fit of kinetics: lifetimes, fractions, time zero, and the curve through the points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.fit_quality import p_value
from reduction.values import Value
from reduction.xas.kinetics.kinetic_model import KineticModel, aicc, bic
from reduction.xas.kinetics.model import Shape
from reduction.xas.kinetics.profile import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from reduction.timing import Timing
    from reduction.types import FloatArray
    from reduction.xas.pump_train import PumpTrain
    from reduction.xas.transient import Trace

UNDETERMINED_SHARE = 0.5
"""Error above which a lifetime (relative) or a fraction (absolute) counts as not determined (chosen)."""


@dataclass(frozen=True, kw_only=True)
class KineticsFit:
    """Kinetics S(t) = A [f1 exp(-t/tau1) + ... + f_off exp(-t/tau_off)] of one pump; all fractions add up to 1.

    With a rise, `rise_ps`, exp(-t/tau_rise) is subtracted in the brackets; None without one. `lifetimes_ps` and
    `fractions` are tau1, ... and f1, ... of the lifetimes of `model`, from fast to slow; `offset` is f_off, 0 without
    one; fractions at t = 0+. `amplitudes` and `t0s_ps` hold one value per trace, A being relative to the unpumped
    signal. The errors are those of the counts (not rescaled by chi-square) and of the instrument response, whose width
    `irf_sigma_ps` is fitted with the value and error that the runs record as its prior; its error is 0 if they record
    none, as in runs up to version 0.2.0. Lifetimes are fitted as logarithms: where sigma is more than a fifth of a
    lifetime, read it as a factor, value * exp(+-sigma/value). `offset_rate_per_ns` is 1/tau_off >= 0 and the lifetime
    its inverse, (inf, inf) if no decay is seen; the other errors then hold for a constant offset. `values` are all
    parameters by name, lifetimes as logarithms, and `covariance` (n, n) follows `parameters`, the free ones;
    `baselines` (traces, gates - 1) are ln(1 + e_n) of the `gates` but the last, relative to it. `intervals` holds the
    68.3 % limits of those quantities whose chi-square is not a parabola, by name; their sigma is half of the interval.
    """

    model: KineticModel
    lifetimes_ps: tuple[Value, ...]
    fractions: tuple[Value, ...]
    offset: Value
    offset_rate_per_ns: Value
    offset_lifetime_ps: Value
    t0s_ps: tuple[Value, ...]
    amplitudes: tuple[Value, ...]
    irf_sigma_ps: Value
    baselines: FloatArray
    gates: tuple[int, ...]
    chi_square: float
    degrees_of_freedom: int
    number_varied: int
    parameters: tuple[str, ...]
    covariance: FloatArray
    timing: Timing
    train: PumpTrain
    constant_offset: bool
    values: Mapping[str, float]
    rise_ps: Value | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def t0_ps(self) -> Value:
        """Time zero of the first trace, ps: the delay at which pump and probe coincide."""
        return self.t0s_ps[0]

    @property
    def amplitude(self) -> Value:
        """Amplitude of the first trace at t = 0+, as a fraction of the unpumped signal (negative: a bleach)."""
        return self.amplitudes[0]

    @property
    def tau1_ps(self) -> Value:
        """Shortest lifetime, ps."""
        return self.lifetimes_ps[0]

    @property
    def tau2_ps(self) -> Value:
        """Second lifetime, ps; raises ReductionError if the model has only one."""
        return self._of_second(self.lifetimes_ps)

    @property
    def fraction1(self) -> Value:
        """Fraction of the shortest lifetime."""
        return self.fractions[0]

    @property
    def fraction2(self) -> Value:
        """Fraction of the second lifetime; raises ReductionError if the model has only one."""
        return self._of_second(self.fractions)

    @property
    def quantities(self) -> dict[str, Value]:
        """Lifetimes (ps), fractions, offset and time zero (ps) by name; fractions only if there is more than one."""
        found = {} if self.rise_ps is None else {"rise_ps": self.rise_ps}
        found |= {f"tau{number}_ps": value for number, value in enumerate(self.lifetimes_ps, 1)}
        if self.model.components > 1:
            found |= {f"fraction{number}": value for number, value in enumerate(self.fractions, 1)}
        if self.model.has_offset:
            found["offset"] = self.offset
        return found | {"t0_ps": self.t0_ps}

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the lifetimes and fractions that the data do not determine; see `UNDETERMINED_SHARE`.

        The curve of such a fit describes the points, but its parameters are not results.
        """
        scales = {name: value.value if name.endswith("_ps") else 1.0 for name, value in self.quantities.items()}
        del scales["t0_ps"]
        return tuple(
            name for name, scale in scales.items() if not self.quantities[name].sigma <= UNDETERMINED_SHARE * abs(scale)
        )

    @property
    def p_value(self) -> float:
        """Probability that noise alone gives a larger chi-square; below 0.001 the points do not follow the model."""
        return p_value(self.chi_square, self.degrees_of_freedom)

    @property
    def aicc(self) -> float:
        """Corrected Akaike criterion of the model, see `Criterion`."""
        return aicc(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    @property
    def bic(self) -> float:
        """Schwarz criterion of the model, see `Criterion`."""
        return bic(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    def _of_second(self, values: tuple[Value, ...]) -> Value:
        if len(values) < 2:
            raise ReductionError(f"The model has {self.model.description}. Fit a model with two, such as '2+offset'.")
        return values[1]

    def curve(self, delay_ps: ArrayLike, *, probe: int = 0, trace: int = 0) -> FloatArray:
        """Return the fitted transient of `probe` minus the unpumped probes, relative to the unpumped signal.

        Without baseline, at first delays `delay_ps` of any shape. `curve_through` has the zero of a measured trace.
        """
        delay = np.asarray(delay_ps, dtype=float) - self.t0s_ps[trace].value
        references = [] if self.constant_offset else self.timing.reference_probes
        unpumped = np.zeros_like(delay)
        for reference in references:
            unpumped = unpumped + self._after_pump(delay, reference) / len(references)
        return np.asarray(self.amplitudes[trace].value * (self._after_pump(delay, probe) - unpumped))

    def curve_through(self, measured: Trace, delay_ps: ArrayLike, *, trace: int = 0) -> FloatArray:
        """Return the fitted transient at first delays `delay_ps`, of any shape, with the zero of a measured trace."""
        return self.curve(delay_ps, probe=measured.metadata.probe, trace=trace) + self.zero_of(measured, trace=trace)

    def zero_of(self, measured: Trace, *, trace: int = 0) -> float:
        """Return the zero of a measured trace on the scale of the fit: their distance, as a weighted mean."""
        # The recipe makes the mean of a few early delays zero. A scan that counts where lifetimes are decided hardly
        # counts there: all points would lie beside the curve, by the noise of that mean. The fit needs no zero.
        distance = measured.transient - self.curve(measured.first_delay_ps, probe=measured.metadata.probe, trace=trace)
        return float(np.average(distance, weights=measured.sigma**-2.0))

    def signal(self, delay_ps: ArrayLike, *, trace: int = 0) -> FloatArray:
        """Return the fitted signal at delays of a gate itself, ps, of any shape, relative to a sample never pumped.

        Delays up to the next pump; those before the pump have what earlier pumps have left.
        """
        delay = np.asarray(delay_ps, dtype=float) - self.t0s_ps[min(trace, len(self.t0s_ps) - 1)].value
        gate_ps = self.timing.gate_delays_ps[self.timing.pumped_probe]
        return np.asarray(self.amplitudes[trace].value * self._after_pump(delay - gate_ps, self.timing.pumped_probe))

    def _after_pump(self, delay_ps: FloatArray, probe: int) -> FloatArray:
        rates = [1.0 / lifetime.value for lifetime in self.lifetimes_ps]
        fractions = [fraction.value for fraction in self.fractions]
        if self.model.has_offset:
            rates.append(1e-3 * self.offset_rate_per_ns.value)
            fractions.append(self.offset.value)
        if self.rise_ps is not None:
            rates.insert(0, 1.0 / self.rise_ps.value)
            fractions.insert(0, -1.0)
        shape = Shape(tuple(rates), tuple(fractions))
        delay = delay_ps + self.timing.gate_delays_ps[probe]
        return shape.mix([self.train.decay(delay, rate) for rate in rates], "value")
