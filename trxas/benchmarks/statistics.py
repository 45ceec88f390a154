"""Statistical efficiency of the results relative to the counts, and the cost of drift and of counting to an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from plans.choices import PointOrder
from plans.engine.point_order import ordered
from reduction.types import FloatArray, Mode
from reduction.xas.all_gates import all_gates_spectrum, spectrum_against
from reduction.xas.count_until import LifetimeJudge
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.allocation import Information
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.quantities import combinations_of, parameters_of, problem_of
from trxas.benchmarks.drawn_runs import (
    DELAYS_PS,
    ENERGY_EV,
    GATES,
    TIMING,
    TWO_GATES,
    WINDOWS_EV,
    EnergyScan,
    Sample,
    drawn_photons,
    rates_of,
)
from trxas.benchmarks.entry import Entries, Entry

RECOVERED = (1.0, 0.0, 0.0, 0.0, 0.0)
"""Transient at each gate relative to the pumped one: the sample has recovered before the next bunch."""

OFFSET = (1.0, 0.17, 0.09, 0.04, 0.0)
"""The same for the paper's sample, 100 ps after the pump: its offset, which decays in 400 ns, is left later."""

PAPER_S = 36.0
"""Beam time of a point of the paper's trace, s."""

WANTED = {"tau1": 0.10, "tau2": 0.12}
"""Relative errors at which the scans of the benchmark end."""

DWELL_S = 2.0


def bench_statistics(seeds: int = 60, samples: int = 4) -> Entries:
    """Measure gates, drift and stopping on drawn runs: `seeds` spectra of each kind, one adaptive scan per sample."""
    entries: Entries = {}
    for name, shares in (("", RECOVERED), ("_offset", OFFSET)):
        entries |= _gates(name, shares, seeds)
    entries |= _trace_efficiency(seeds) | _drift() | _adaptive(range(samples))
    return _worst(entries) | entries


def _worst(entries: Entries) -> Entries:
    """Return the least favourable entry of each family under the name of the family, for a glance."""

    def of(family: str) -> list[Entry]:
        return [entry for key, entry in entries.items() if key.startswith(f"{family}_")]

    return {
        "efficiency": min(of("efficiency"), key=lambda entry: entry.ratio),
        "drift_bias_sigma": max(of("drift_bias_sigma"), key=lambda entry: entry.value),
        "adaptive_beam_time_ratio": max(of("adaptive_beam_time_ratio"), key=lambda entry: entry.ratio),
        "forecast_error": max(of("forecast_error"), key=lambda entry: entry.value),
    }


def _gates(name: str, shares: tuple[float, ...], seeds: int) -> Entries:
    """Compare the variance by all gates with that of two, and the Cramer-Rao bound with it, per detection."""
    found: Entries = {}
    modes: tuple[Mode, ...] = ("spc", "boxcar")
    for mode in modes:
        scan = EnergyScan(mode=mode, shares=shares)
        runs = [scan.drawn(seed) for seed in range(seeds)]
        # Scatter about the truth, mean over the points: no stated error enters.
        expected = _recipe(scan.static * (1.0 + scan.transient), scan.static, own_scale=mode == "spc")
        ours = np.mean([(all_gates_spectrum(run, mode).transient - expected) ** 2 for run in runs], axis=0)
        two = np.mean(
            [(spectrum_against(run, mode, None, "unpumped probe").transient - expected) ** 2 for run in runs], axis=0
        )
        # The bound is a variance at every point, as are the two scatters, so that all three compare point by point.
        bound = _spectrum_bound(scan)
        parts = np.array_split(np.arange(ENERGY_EV.size), 4)
        if mode == "spc":
            found[f"allprobe_variance_ratio{name}"] = Entry.of(_means(ours, parts), _means(two, parts), "variance")
        found[f"efficiency_{mode}{name}"] = _efficiency(bound, ours, seeds)
    return found


def _efficiency(bound: FloatArray, ours: FloatArray, seeds: int) -> Entry:
    """Return the mean of bound over variance at all points, with the error of the variance by the number of seeds."""
    # The harmonic mean: the noisy denominator is averaged before the division, or a few lucky points would raise it.
    ratio = float(1.0 / np.mean(ours / bound))
    error = ratio * float(np.sqrt(2.0 / (seeds * ours.size)))
    return Entry(value=float(bound.mean()), baseline=float(ours.mean()), ratio=ratio, unit="variance", spread=error)


def _means(values: FloatArray, parts: Sequence[NDArray[np.integer[Any]]]) -> list[float]:
    return [float(values[part].mean()) for part in parts]


def _recipe(on: FloatArray, off: FloatArray, *, own_scale: bool) -> FloatArray:
    """Return what the recipe of the paper makes of noiseless spectra, in code of its own."""
    # Written again on purpose: an error in the reduction's recipe must not cancel in the comparison with it.
    pre, edge, post = ((low <= ENERGY_EV) & (high >= ENERGY_EV) for low, high in WINDOWS_EV.values())
    base = on if own_scale else off
    scaled = (on - base[pre].mean()) / np.trapezoid((base - base[pre].mean())[edge], ENERGY_EV[edge])
    off = (off - off[pre].mean()) / np.trapezoid((off - off[pre].mean())[edge], ENERGY_EV[edge])
    return np.asarray((scaled - off) / off[post].mean())


def _spectrum_bound(scan: EnergyScan) -> FloatArray:
    """Return the Cramer-Rao variance of every point of a spectrum, (points,), from the counts of all gates.

    Unknown are the transient at every point, its shares at the later gates, their gains, and jet times flux of every
    exposure. The recipe is a linear function of the transient.
    """
    points = ENERGY_EV.size
    gates = np.arange(GATES)
    # Parameters: the transient at every point, then for each gate between the first and the last its share of the
    # transient and its gain. The first and the last gate are fixed, and define both scales.
    share = np.array(scan.shares)
    size = points + 2 * (GATES - 2)
    information = np.zeros((size, size))
    for point, variance in enumerate(scan.relative_variance):
        slopes = np.zeros((GATES, size))
        slopes[:, point] = share
        for place, gate in enumerate(gates[1:-1]):
            slopes[gate, points + place] = scan.transient[point]
            slopes[gate, points + GATES - 2 + place] = 1.0
        weight = 1.0 / variance
        # Jet times flux of an exposure is common to all gates. Removing the weighted mean of each column is the same as
        # fitting one free factor per exposure.
        slopes -= weight @ slopes / weight.sum()
        information += slopes.T @ (weight[:, None] * slopes)
    covariance = np.linalg.inv(information)[:points, :points]
    # The recipe is a ratio, so its slopes are taken numerically, by central differences about the truth.
    step = 1e-5
    own = scan.mode == "spc"
    on = scan.static * (1.0 + scan.transient)
    rows = [
        (
            _recipe(on + step * change, scan.static, own_scale=own)
            - _recipe(on - step * change, scan.static, own_scale=own)
        )
        / (2 * step)
        for change in np.diag(scan.static)
    ]
    recipe = np.array(rows).T
    return np.asarray(np.einsum("ij,jk,ik->i", recipe, covariance, recipe))


def _trace_efficiency(seeds: int) -> Entries:
    """Compare fitted lifetimes with those of the efficient estimator, one step from the truth, from the same counts.

    That estimator has the Cramer-Rao variance. It knows the truth, so nobody can use it; as it sees the same counts,
    the noise of a finite number of draws is nearly the same in both variances.
    """
    sample = Sample()
    seconds = np.full(DELAYS_PS.size, 10 * PAPER_S)
    mean = sample.photons_per_s(TIMING) * seconds[:, None]
    truth = np.log(sample.taus_ps)
    exact = fit_kinetics(rates_of(mean, seconds), TIMING, intervals=False)
    names = [f"tau{number}_ps" for number in range(1, len(truth) + 1)]
    slopes = np.array([[combinations_of(exact)[name].slopes.get(one, 0.0) for one in exact.parameters]
                       for name in names])  # fmt: skip
    ours, bound = [], []
    for seed in range(seeds):
        rates = rates_of(drawn_photons(mean, np.random.default_rng(seed)), seconds)
        fit = fit_kinetics(rates, TIMING, intervals=False)
        ours.append((np.log([one.value for one in fit.lifetimes_ps]) - truth) ** 2)
        problem = problem_of([rates], exact)
        parameters = parameters_of(problem, exact)
        # One Gauss-Newton step from the truth: linear in the noise, so it has the Cramer-Rao variance by construction.
        step = np.linalg.lstsq(problem.jacobian(parameters), -problem.residual(parameters), rcond=None)[0]
        bound.append((slopes @ step) ** 2)
    ratios = np.mean(bound, axis=0) / np.mean(ours, axis=0)
    spread = float(np.ptp(ratios)) / 2.0
    entry = Entry(
        value=float(np.mean(bound)), baseline=float(np.mean(ours)), ratio=float(ratios.mean()), unit="variance",
        spread=spread,
    )  # fmt: skip
    return {"efficiency_trace": entry}


def _drift() -> Entries:
    """Return the bias of both lifetimes, in errors of the paper's trace, if the transient grows by 10 % meanwhile."""
    found: Entries = {}
    snake = _biases(PointOrder.SNAKE, passes=6)
    upwards = _biases(PointOrder.UP, passes=1)
    for name, ours, up in zip(("tau1", "tau2"), snake, upwards, strict=True):
        found[f"drift_bias_sigma_{name}"] = Entry.of([ours], [up], "sigma")
    return found


def _biases(order: PointOrder, passes: int) -> list[float]:
    """Return |bias| / error of the lifetimes, (2,), of counts without noise that drift."""
    sample = Sample()
    signal = sample.signal(TIMING)
    per_pass = sample.photons_per_s(TIMING) * PAPER_S / passes
    # Counts without noise: whatever the fit then misses is bias by the drift alone.
    unpumped = per_pass / (1.0 + sample.amplitude * signal)
    photons = np.zeros(signal.shape)
    number = passes * DELAYS_PS.size
    course = [point for scan in range(passes) for point in ordered(DELAYS_PS.size, order, scan)]
    for place, point in enumerate(course):
        # Growth centred on the mean amplitude: a drift that only scaled all points would be no bias of a lifetime.
        grown = sample.amplitude * (1.0 + 0.10 * ((place + 0.5) / number - 0.5))
        photons[point] += unpumped[point] * (1.0 + grown * signal[point])
    fit = fit_kinetics(rates_of(photons, np.full(DELAYS_PS.size, PAPER_S)), TIMING, intervals=False)
    pairs = zip(fit.lifetimes_ps, sample.taus_ps, strict=True)
    return [abs(one.value - truth) / one.sigma for one, truth in pairs]


def _adaptive(samples: Sequence[int]) -> Entries:
    """Compare the beam time of scans that count until a lifetime is known with that of equal times at all delays."""
    found: Entries = {}
    for name, wanted in WANTED.items():
        scans = [AdaptiveScan(Sample.drawn(sample), name, wanted, seed=sample) for sample in samples]
        for scan in scans:
            scan.run()
        spent = [scan.spent_s for scan in scans]
        for gates, key in ((TIMING, "all"), (TWO_GATES, "two")):
            equal = [scan.equal_s(gates) for scan in scans]
            found[f"adaptive_beam_time_ratio_{name}_{key}"] = Entry.of(spent, equal, "s")
            best = [scan.best_s() for scan in scans]
            found[f"adaptive_bound_{name}_{key}"] = Entry.of(best, equal, "s")
        inside = float(np.mean([abs(scan.pull) < 1.0 for scan in scans]))
        found[f"adaptive_coverage_{name}"] = Entry(
            value=inside, baseline=0.6827, ratio=inside / 0.6827, unit="",
            spread=float(np.sqrt(0.6827 * 0.3173 / len(scans))) / 0.6827,
        )  # fmt: skip
        errors = [scan.forecast_error for scan in scans]
        found[f"forecast_error_{name}"] = Entry.of(errors, [1.0] * len(errors), "of the end")
    return found


class AdaptiveScan:
    """One scan that counts until `quantity` of a sample has the relative error `wanted`, drawn pass by pass."""

    def __init__(self, sample: Sample, quantity: str, wanted: float, *, seed: int) -> None:
        self._sample = sample
        self._truth_ps = dict(zip(("tau1", "tau2"), sample.taus_ps, strict=True))[quantity]
        self._quantity = f"{quantity}_ps"
        self._wanted_ps = wanted * self._truth_ps
        self._random = np.random.default_rng([seed, 2])
        self.seconds = np.zeros(DELAYS_PS.size)
        self._photons = np.zeros((DELAYS_PS.size, GATES))
        self._ends_s: list[tuple[float, float]] = []
        self.pull = float("nan")

    @property
    def rates(self) -> GateRates:
        """Rates of all gates so far, (delays, gates)."""
        return rates_of(self._photons.copy(), self.seconds.copy())

    @property
    def spent_s(self) -> float:
        """Beam time of the whole scan, s, its first pass included."""
        return float(self.seconds.sum())

    @property
    def forecast_error(self) -> float:
        """Median distance of the predicted end from the true one, relative to it, from the first third on."""
        late = [abs(end_s / self.spent_s - 1.0) for at_s, end_s in self._ends_s if at_s > self.spent_s / 3]
        return float(np.median(late))

    def run(self) -> None:
        """Measure until the judge is satisfied, and keep the distance of the result from the truth in errors."""
        judge = LifetimeJudge(quantity=self._quantity, sigma=self._wanted_ps, dwell_s=DWELL_S)
        places = np.arange(DELAYS_PS.size)
        self.expose(tuple(places.tolist()))
        while True:
            rates = self.rates
            try:
                decision = judge.decide_by(rates, self.seconds, places, TIMING)
            except ReductionError:
                self.expose(tuple(places.tolist()))
                continue
            self._ends_s.append((self.spent_s, self.spent_s + decision.seconds_left))
            if decision.reached:
                break
            self.expose(decision.points)
        fit = fit_kinetics(rates, TIMING, intervals=False)
        value = fit.quantities[self._quantity]
        self.pull = (value.value - self._truth_ps) / value.sigma

    def expose(self, points: tuple[int, ...]) -> None:
        """Count once at each of the points, by index."""
        chosen = list(points)
        mean = self._sample.photons_per_s(TIMING)[chosen] * DWELL_S
        self._photons[chosen] += drawn_photons(mean, self._random)
        self.seconds[chosen] += DWELL_S

    def equal_s(self, gates: object) -> float:
        """Return the time, s, that equal times at all delays need for the true error of this scan."""
        timing = TIMING if gates is TIMING else TWO_GATES
        return self._time_s(self._information(timing is TIMING), np.full(DELAYS_PS.size, 1.0 / DELAYS_PS.size))

    def best_s(self) -> float:
        """Return the time, s, that the best times at all delays need for it, if the truth were known before."""
        information = self._information(all_gates=True)
        return self._time_s(information, information.shares)

    def _information(self, all_gates: bool) -> Information:  # noqa: FBT001  # of two kinds only
        timing = TIMING if all_gates else TWO_GATES
        seconds = np.full(DELAYS_PS.size, 1e3)
        exact = rates_of(self._sample.photons_per_s(timing) * 1e3, seconds)
        return Information.of(exact, seconds, fit_kinetics(exact, timing, intervals=False), self._quantity, draws=1)

    def _time_s(self, information: Information, shares: FloatArray) -> float:
        # The error is that at the truth, and not the fitted one, which scatters from scan to scan. The time that gives
        # the same error follows by bisection of its logarithm: the error falls with the time in every case.
        true_error = self._information(all_gates=True).sigma(self.seconds)
        low, high = 1.0, 1e8
        for _ in range(60):
            middle = float(np.sqrt(low * high))
            low, high = (middle, high) if information.sigma(middle * shares) > true_error else (low, middle)
        return high
