"""Beam time of scans that count until a lifetime is known, beside that of equal times at all delays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from errors import ReductionError
from processes.cluster import Cluster
from reduction.types import FloatArray
from reduction.xas.count_until import LifetimeJudge
from reduction.xas.gate_rates import GateRates
from reduction.xas.kinetics.allocation import Information
from reduction.xas.kinetics.fit import fit_kinetics
from trxas.benchmarks.drawn_runs import (
    DELAYS_PS,
    GATES,
    TIMING,
    TWO_GATES,
    Draws,
    SampleKinetics,
    drawn_photons,
    rates_of,
)
from trxas.benchmarks.entry import Entries, Entry

WANTED = {"tau1": 0.10, "tau2": 0.12}
"""Errors relative to the lifetimes, at which the scans of the benchmark end."""

IN_PS = "_ps"
"""Ending of the names of goals in ps: the same error of the true lifetime, which no user knows before."""

ONE_SIGMA = 0.6827

DRAWS_OF_BOUND = 60

MEDIAN = 0.6745
"""Median of the distance from the mean of a normal distribution, in standard deviations."""

NEAR = 0.1
"""Relative error of a forecast that a user would call right."""


@dataclass(frozen=True, kw_only=True)
class FoundScan:
    """One adaptive scan: its beam time, s; those of equal times with all and with two gates; that of the best times.

    `pull` is the distance of the lifetime from the truth in stated errors. `forecast_errors` are the distances of the
    predicted ends from the true one, relative to it, from the first third on; `forecast_sigmas` those of the best
    forecasts at the same times, as standard deviations.
    """

    spent_s: float
    equal_s: float
    equal_two_s: float
    best_s: float
    pull: float
    forecast_errors: list[float]
    forecast_sigmas: list[float]


def bench_adaptive(draws: Draws) -> Entries:
    """Draw adaptive scans, and compare their beam times, s.

    Scans end at an error relative to their lifetime; entries with `_ps` are of scans that end at an error in ps.
    `adaptive_beam_time_ratio`: beam time over that of equal times at all delays that leads to the same error, with all
    gates and with two; `adaptive_bound`: what would be possible if the truth were known before. `adaptive_coverage`:
    lifetimes within their errors, over 68.27 %. `forecast_error`: median over the scans of the median error of the
    predicted end from the first third on, against that of the best forecasts from the same counts, so half of the
    forecasts may be worse. `forecast_within_10_percent`: share of all those forecasts that are within 10 % of the end,
    against that of the best ones.
    """
    found: Entries = {}
    cluster = Cluster(workers=draws.workers)
    for name in (f"{one}{unit}" for unit in ("", IN_PS) for one in WANTED):
        samples = draws.seeds(draws.samples)
        which = [(name, draws.dwell_s, sample, scan) for sample in samples for scan in range(draws.scans)]
        found |= _entries(name, list(cluster.map(_measured, which)))
    return found


def _measured(which: tuple[str, float, int, int]) -> FoundScan:
    """Return what one scan of (goal, dwell in s, sample, number) took."""
    name, dwell_s, sample, number = which
    lifetime = name.removesuffix(IN_PS)
    goal = Goal(lifetime=lifetime, wanted=WANTED[lifetime], relative=lifetime == name)
    scan = AdaptiveScan(SampleKinetics.drawn(sample), goal, dwell_s=dwell_s, seed=sample + 1000 * number)
    scan.run()
    return FoundScan(
        spent_s=scan.spent_s,
        equal_s=scan.equal_s(all_gates=True),
        equal_two_s=scan.equal_s(all_gates=False),
        best_s=scan.best_s(),
        pull=scan.pull,
        forecast_errors=scan.forecast_errors,
        forecast_sigmas=scan.forecast_sigmas(),
    )


def _entries(name: str, scans: list[FoundScan]) -> Entries:
    found: Entries = {}
    spent = [scan.spent_s for scan in scans]
    best = [scan.best_s for scan in scans]
    equal = {"all": [scan.equal_s for scan in scans], "two": [scan.equal_two_s for scan in scans]}
    for gates, times in equal.items():
        found[f"adaptive_beam_time_ratio_{name}_{gates}"] = Entry.of_draws(spent, times, "s")
        found[f"adaptive_bound_{name}_{gates}"] = Entry.of_draws(best, times, "s")
    # A scan that stops when its error is small might prefer lucky errors. Then fewer results than 68 % would lie within
    # one.
    inside = float(np.mean([abs(scan.pull) < 1.0 for scan in scans]))
    found[f"adaptive_coverage_{name}"] = Entry(
        value=inside, baseline=ONE_SIGMA, ratio=inside / ONE_SIGMA, unit="",
        spread=float(np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / len(scans))) / ONE_SIGMA,
    )  # fmt: skip
    errors = [float(np.median(scan.forecast_errors)) for scan in scans]
    bounds = [MEDIAN * float(np.median(scan.forecast_sigmas)) for scan in scans]
    found[f"forecast_error_{name}"] = Entry.of_draws(errors, bounds, "of the end")
    found[f"forecast_within_10_percent_{name}"] = within(
        [scan.forecast_errors for scan in scans], [scan.forecast_sigmas for scan in scans]
    )
    return found


def within(errors: Sequence[Sequence[float]], sigmas: Sequence[Sequence[float]]) -> Entry:
    """Return the share of all forecasts with an error of at most NEAR, beside that of the best forecasts.

    Both are relative to the end, (scans,) sequences of one number per forecast; the best are normal with `sigmas`.
    """
    shares = [float(np.mean(np.asarray(one) <= NEAR)) for one in errors]
    value = float(np.mean(np.concatenate(errors) <= NEAR))
    # At the end itself nothing is left to predict, and sigma is 0.
    widths = np.maximum(np.concatenate(sigmas), 1e-12)
    baseline = float(np.mean(scipy.special.erf(NEAR / (np.sqrt(2.0) * widths))))
    # Forecasts of one scan follow the same counts, so only scans are independent.
    spread = float(np.std(shares, ddof=1)) / len(shares) ** 0.5 / baseline if len(shares) > 1 else None
    return Entry(value=value, baseline=baseline, ratio=value / baseline, unit="of the forecasts", spread=spread)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Error `wanted` of a `lifetime`: relative to the measured one, or, without `relative`, to the true one."""

    lifetime: str
    wanted: float
    relative: bool = True


class AdaptiveScan:
    """One scan of a sample that counts until it has reached its goal, drawn pass by pass, exposures of `dwell_s`, s."""

    def __init__(self, sample: SampleKinetics, goal: Goal, *, dwell_s: float, seed: int) -> None:
        self._sample = sample
        self._truth_ps = dict(zip(("tau1", "tau2"), sample.taus_ps, strict=True))[goal.lifetime]
        self._quantity = f"{goal.lifetime}_ps"
        self._relative = goal.relative
        self._wanted = goal.wanted if goal.relative else goal.wanted * self._truth_ps
        self._dwell_s = dwell_s
        self._random = np.random.default_rng([seed, 2])
        self.seconds = np.zeros(DELAYS_PS.size)
        self._photons = np.zeros((DELAYS_PS.size, GATES))
        self._ends_s: list[tuple[float, float]] = []
        self.pull = float("nan")

    @property
    def rates(self) -> GateRates:
        """Rates of all gates so far, shape (delays, gates)."""
        return rates_of(self._photons.copy(), self.seconds.copy())

    @property
    def spent_s(self) -> float:
        """Beam time of the whole scan, s, its first pass included."""
        return float(self.seconds.sum())

    @property
    def _late_forecasts_s(self) -> list[tuple[float, float]]:
        """Beam time of each forecast from the first third on, and the end that it predicted, s."""
        return [(at_s, end_s) for at_s, end_s in self._ends_s if at_s > self.spent_s / 3]

    @property
    def forecast_errors(self) -> list[float]:
        """Distances of the predicted ends from the true one, relative to it, from the first third on."""
        return [abs(end_s / self.spent_s - 1.0) for _, end_s in self._late_forecasts_s]

    def run(self) -> None:
        """Measure until the judge is satisfied, and keep the distance of the result from the truth in errors."""
        judge = LifetimeJudge(
            quantity=self._quantity, sigma=self._wanted, relative=self._relative, dwell_s=self._dwell_s
        )
        places = np.arange(DELAYS_PS.size)
        self.expose(tuple(places.tolist()))
        while True:
            rates = self.rates
            try:
                decision = judge.decide_by(rates, self.seconds, places, TIMING)
            # The first counts may be too few for a fit, so there is nothing to decide by: count once more everywhere.
            except ReductionError:
                self.expose(tuple(places.tolist()))
                continue
            self._ends_s.append((self.spent_s, self.spent_s + decision.seconds_left))
            if decision.reached:
                break
            self.expose(decision.points)
        fit = fit_kinetics(rates, TIMING)
        value = fit.quantities[self._quantity]
        self.pull = (value.value - self._truth_ps) / value.sigma

    def expose(self, points: tuple[int, ...]) -> None:
        """Count once at each of the points, by index."""
        chosen = list(points)
        mean = self._sample.photons_per_s(TIMING)[chosen] * self._dwell_s
        self._photons[chosen] += drawn_photons(mean, self._random)
        self.seconds[chosen] += self._dwell_s

    def forecast_sigmas(self) -> list[float]:
        """Return the errors of the best forecasts when the judge forecasts, standard deviations relative to the end.

        The true end is itself an estimate, from the counts known by then. An estimate from a part f of them differs
        from it with the variance of the end, times 1 / f - 1.
        """
        exact = rates_of(self._sample.photons_per_s(TIMING) * self.seconds[:, None], self.seconds)
        fit = fit_kinetics(exact, TIMING, intervals=False)
        known = Information.of(exact, self.seconds, fit, self._quantity, draws=DRAWS_OF_BOUND)
        known = known.relative if self._relative else known
        spread = known.time_uncertainty(self.seconds)
        return [float(spread * np.sqrt(self.spent_s / at_s - 1.0)) for at_s, _ in self._late_forecasts_s]

    def equal_s(self, *, all_gates: bool) -> float:
        """Return the time, s, that equal times at all delays need for the true error of this scan."""
        return self._time_s(self._information(all_gates=all_gates), np.full(DELAYS_PS.size, 1.0 / DELAYS_PS.size))

    def best_s(self) -> float:
        """Return the time, s, that the best times at all delays need for it, if the truth were known before."""
        information = self._information(all_gates=True)
        return self._time_s(information, information.shares)

    def _information(self, *, all_gates: bool) -> Information:
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
