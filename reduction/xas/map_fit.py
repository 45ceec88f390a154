"""Global fit of an energy x delay map: lifetimes that all energies share, and the spectrum of each decay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.number_text import delay_text, rounded
from reduction.values import Value
from reduction.xas.gate_rates import MIN_PHOTONS
from reduction.xas.kinetics.fit import is_delicate
from reduction.xas.kinetics.kinetic_model import KineticModel, aicc, bic
from reduction.xas.kinetics.profile import DeeperMinimumError, Interval
from reduction.xas.map_covariances import covariances_of, spectra_of
from reduction.xas.map_problem import BlockedGates, GateNoise, MapProblem
from reduction.xas.map_profile import NamedMapProblem, map_intervals
from reduction.xas.map_search import MapOptimum, require_apart, require_signal, searched, starts_of
from reduction.xas.pump_train import PumpTrain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reduction.timing import Timing
    from reduction.types import BoolArray, FloatArray
    from reduction.xas.transient_map import TransientMap

UNDETERMINED_SHARE = 0.5
"""Relative error above which a lifetime counts as not determined (chosen, as for traces)."""

# Deeper minima that the profiles may find before the fit is taken as it is, without intervals.
_REFITS = 3
_UNRESOLVED_RATE_PER_NS = 2e-5


@dataclass(frozen=True, kw_only=True)
class MapFit:
    """Decays of an energy x delay map: S(E, t) = sum_k A_k(E) exp(-t / tau_k) of one pump, relative to the unpumped.

    `energy_ev` (energies,); `spectra` (components, energies) are the A_k at t = 0+, from fast to slow, the offset last;
    `spectra_sigma` their errors and `spectra_covariance` (components, energies, energies) those of one component with
    each other: lifetimes and time zero correlate all energies. NaN for energies with too few points. All errors are
    those of the counts, propagated through lifetimes, time zero, instrument response and gate efficiencies; they are
    not rescaled by chi-square. `residuals` (energies, delays) are data minus model of the pumped gate in errors, NaN
    where nothing was measured; chi-square is that of all gates, `probes`, without the unpumped ones. `covariance` (n,
    n) follows `parameters`. `spectra_slopes` (energies, components, n) are the derivatives of the spectra with respect
    to these, `spectra_own` (energies, components, components) the additional covariance of each energy alone.
    `offset_rate_per_ns` is None without an offset, (0, 0) if its decay is not seen; the errors then hold for a constant
    offset. `intervals` are the 68 % limits, ps, of those lifetimes whose chi-square is not a parabola, by name; their
    sigma is half of the interval.
    """

    model: KineticModel
    energy_ev: FloatArray
    lifetimes_ps: tuple[Value, ...]
    t0_ps: Value
    offset_rate_per_ns: Value | None
    efficiency: Value
    spectra: FloatArray
    spectra_sigma: FloatArray
    spectra_covariance: FloatArray
    residuals: FloatArray
    chi_square: float
    degrees_of_freedom: int
    number_varied: int
    parameters: tuple[str, ...]
    covariance: FloatArray
    spectra_slopes: FloatArray = field(repr=False)
    spectra_own: FloatArray = field(repr=False)
    probes: tuple[int, ...] = ()
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def quantities(self) -> dict[str, Value]:
        """Lifetimes and time zero, ps, by name."""
        return {f"tau{number}_ps": value for number, value in enumerate(self.lifetimes_ps, 1)} | {"t0_ps": self.t0_ps}

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Names of the lifetimes that the data do not determine; see `UNDETERMINED_SHARE`."""
        named = ((f"tau{number}_ps", value) for number, value in enumerate(self.lifetimes_ps, 1))
        return tuple(name for name, value in named if value.sigma > UNDETERMINED_SHARE * value.value)

    @property
    def vague_components(self) -> BoolArray:
        """Whether the lifetime of each row of `spectra` is not determined, (components,); an offset has none."""
        lifetimes = [f"tau{number}_ps" in self.undetermined for number in range(1, len(self.lifetimes_ps) + 1)]
        return np.array([*lifetimes, *[False] * self.model.has_offset])

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the rows of `spectra`, (components,): lifetimes in ps or ns, to the digits of their errors."""
        lifetimes = (delay_text(rounded(value.value, value.sigma)) for value in self.lifetimes_ps)
        return (*lifetimes, "offset") if self.model.has_offset else tuple(lifetimes)

    @property
    def aicc(self) -> float:
        """Akaike's criterion with its correction for few data; the smaller the better."""
        return aicc(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)

    @property
    def bic(self) -> float:
        """Schwarz' criterion; the smaller the better."""
        return bic(self.chi_square, self.number_varied, self.degrees_of_freedom + self.number_varied)


def fit_map(measured: TransientMap, timing: Timing, *, model: KineticModel = KineticModel.TWO_OFFSET) -> MapFit:
    """Return the fit of `model` to an energy x delay map, whichever of the two axes was fast; it may be unfinished.

    Raises ReductionError for other axes, without delays before the pump, with too few points or photons, without a
    signal, for a model with a rise, or if the data cannot separate the lifetimes.
    """
    if model.has_rise:
        raise ReductionError(
            f"kinetics = {model.value!r}: a map needs no rise, since what rises is a decay with a spectrum of the "
            "other sign. Fit one more lifetime instead."
        )
    table = measured.by_energy()
    usable = np.isfinite(table.pumped).sum(axis=1) > model.components
    _require_data(table, usable, timing, model)
    problem = replace(_problem(table, usable, timing, model), offset_decays=model.offset_decays)
    best = min((searched(problem, start) for start in starts_of(problem)), key=lambda one: one.chi_square)
    place = 1 + model.lifetimes
    # A rate near its limit of 0 is not resolved: the offset is then constant, and the fit is repeated without it.
    if model.offset_decays and best.parameters[place] < _UNRESOLVED_RATE_PER_NS:
        best = searched(replace(problem, offset_decays=False), np.delete(best.parameters, place))
    require_signal(best)
    require_apart(best)
    return _profiled(problem, best, _result(table, usable, best), lambda found: _result(table, usable, found))


def _profiled(counted: MapProblem, best: MapOptimum, fit: MapFit, result: Callable[[MapOptimum], MapFit]) -> MapFit:
    """Return the fit with limits from the profile of chi-square, for lifetimes with large errors or a close neighbour.

    A profile that finds a deeper minimum starts the fit again from there.
    """
    for _ in range(_REFITS):
        if not is_delicate(fit.lifetimes_ps):
            return fit
        try:
            covariances = covariances_of(best.problem, best.parameters)
            intervals = map_intervals(best.problem, best.parameters, *covariances)
        except DeeperMinimumError as error:
            problem = replace(counted, offset_decays=best.problem.offset_decays)
            best = searched(problem, NamedMapProblem(best.problem).values(error.parameters))
            require_apart(best)
            fit = result(best)
            continue
        # As for traces, the symmetric error of a lopsided interval is half of it.
        named = zip(fit.quantities, fit.lifetimes_ps, strict=False)
        lifetimes = tuple(
            value if name not in intervals else Value(value.value, intervals[name].half_width) for name, value in named
        )
        return replace(fit, lifetimes_ps=lifetimes, intervals=intervals)
    return fit


def _require_data(table: TransientMap, usable: BoolArray, timing: Timing, model: KineticModel) -> None:
    delays = timing.delay_of(timing.pumped_probe, 0.0) + table.columns
    before_ps = -2.0 * timing.irf_sigma_ps
    if table.efficiency is None and not np.isfinite(table.pumped[:, delays < before_ps]).any():
        raise ReductionError(
            f"No point lies before {before_ps:g} ps, so the efficiencies of the gates cannot be separated from the "
            "signal. Add a negative delay to the map, wait for it, or measure with shutter_reference."
        )
    if not usable.any():
        raise ReductionError(
            f"No energy has more than {model.components} delays, which {model.description} need. Wait for the map, "
            "or fit fewer lifetimes."
        )
    # Of plain counts, the square over the variance is their number; it holds for weighted sums and signals in V, too.
    gates = ((table.pumped, table.pumped_variance), (table.unpumped, table.unpumped_variance))
    fewest = float(np.nanmin([(photons**2 / variance)[usable] for photons, variance in gates]))
    if fewest < MIN_PHOTONS:
        raise ReductionError(
            f"A point holds {fewest:.0f} photons; at least {MIN_PHOTONS:.0f} are needed, or the errors are not normal. "
            "Count longer, or add passes."
        )


def _problem(table: TransientMap, usable: BoolArray, timing: Timing, model: KineticModel) -> MapProblem:
    gates = _Gates.of(table, usable, timing)
    first_ps = np.where(np.isfinite(table.positions[1]), table.positions[1], table.columns)[usable]
    known = np.asarray(np.isfinite(gates.ratio).all(axis=-1))
    ratio = np.where(known[..., None], gates.ratio, 1.0)
    column_ps = first_ps.mean(axis=0)
    train = PumpTrain(period_ps=timing.pump_period_ps, overlap=timing.pump_overlap, sigma_ps=timing.irf_sigma_ps)
    return MapProblem(
        gate_ps=np.array([timing.delay_of(probe, 0.0) + column_ps for probe in gates.probes]),
        unpumped_ps=np.array([timing.delay_of(probe, 0.0) + column_ps for probe in timing.reference_probes]),
        deviation_ps=first_ps - column_ps,
        ratio=ratio,
        noise=gates.noise,
        whitening=gates.noise.whitening(ratio, known),
        rest=np.zeros(known.shape),
        train=train,
        model=model,
        irf_error_ps=timing.irf_error_ps,
        blocked=gates.blocked,
        probes=gates.probes,
    )


class _Gates(NamedTuple):
    """The gates of the usable energies that enter the fit, by probe, the pumped one first; tables of `MapProblem`."""

    probes: tuple[int, ...]
    ratio: FloatArray
    noise: GateNoise
    blocked: BlockedGates | None

    @classmethod
    def of(cls, table: TransientMap, usable: BoolArray, timing: Timing) -> _Gates:
        """Return the gates that saw enough light, the pumped one first.

        `usable` is a mask of the energies, shape (energies,); the ratios of photons to those of the unpumped gate have
        the shape (usable energies, delays, gates).
        """
        photons = [table.pumped[usable]]
        variance = [table.pumped_variance[usable]]
        probes = [timing.pumped_probe]
        unpumped = table.unpumped[usable]
        blocked = [] if table.efficiency is None else [table.efficiency]
        for gate in table.later:
            # A gate that saw next to nothing, as one that is switched off, adds no information, and no normal errors.
            own = gate.photons[usable]
            if not gate.counts_like(unpumped, usable) or (blocked and gate.efficiency is None):
                continue
            photons.append(own)
            variance.append(gate.variance[usable])
            probes.append(gate.probe)
            blocked += [] if gate.efficiency is None else [gate.efficiency]
        counted = np.stack(photons, axis=-1)
        noise = GateNoise(np.stack(variance, axis=-1) / counted**2, table.unpumped_variance[usable] / unpumped**2)
        return cls(tuple(probes), counted / unpumped[..., None], noise, _blocked(blocked, table.blocked_variance))


def _blocked(ratios: Sequence[Value], common: float) -> BlockedGates | None:
    """Return the ratios of gates without laser, if any, and their covariance.

    `common` is the relative variance of the unpumped gates, which all ratios share.
    """
    if not ratios:
        return None
    values = np.array([one.value for one in ratios])
    own = np.array([(one.sigma / one.value) ** 2 - common for one in ratios])
    return BlockedGates(values, np.outer(values, values) * (np.diag(own) + common))


def _result(table: TransientMap, usable: BoolArray, best: MapOptimum) -> MapFit:
    problem = best.problem
    parameters = best.parameters
    covariance = covariances_of(problem, parameters).whole
    number = len(parameters) + best.part.spectra.size
    logs = np.tril(np.ones((problem.model.lifetimes,) * 2))
    ends = slice(1, 1 + problem.model.lifetimes)
    taus = np.exp(logs @ parameters[ends])
    tau_sigmas = taus * np.sqrt(np.diag(logs @ covariance[ends, ends] @ logs.T))
    sigmas = np.sqrt(np.diag(covariance))
    spectra, spectra_covariance, slopes, own = spectra_of(best, covariance)
    residuals = np.full(table.pumped.shape, np.nan)
    residuals[usable] = np.where(problem.measured, best.part.residual[..., 0], np.nan)
    rate = None
    if problem.model.has_offset:
        decays = "offset_rate_per_ns" in problem.names
        place = 1 + problem.model.lifetimes
        rate = Value(float(parameters[place]), float(sigmas[place])) if decays else Value(0.0, 0.0)
    return MapFit(
        model=problem.model,
        energy_ev=table.rows,
        lifetimes_ps=tuple(Value(float(tau), float(sigma)) for tau, sigma in zip(taus, tau_sigmas, strict=True)),
        t0_ps=Value(float(parameters[0]), float(sigmas[0])),
        offset_rate_per_ns=rate,
        efficiency=Value(float(parameters[-problem.gates]), float(sigmas[-problem.gates])),
        spectra=_at_all(spectra, usable),
        spectra_sigma=_at_all(np.sqrt(np.diagonal(spectra_covariance, axis1=1, axis2=2)), usable),
        spectra_covariance=_at_all(_at_all(spectra_covariance, usable).transpose(0, 2, 1), usable),
        residuals=residuals,
        chi_square=best.chi_square,
        degrees_of_freedom=problem.values - number,
        number_varied=number,
        parameters=problem.names,
        covariance=covariance,
        spectra_slopes=np.moveaxis(_at_all(np.moveaxis(slopes, 0, -1), usable), -1, 0),
        spectra_own=np.moveaxis(_at_all(np.moveaxis(own, 0, -1), usable), -1, 0),
        probes=problem.probes,
    )


def _at_all(values: FloatArray, usable: BoolArray) -> FloatArray:
    """Return `values` (..., usable energies) with NaN for all other energies, (..., energies)."""
    filled = np.full((*values.shape[:-1], usable.size), np.nan)
    filled[..., usable] = values
    return filled
