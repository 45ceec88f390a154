"""Beam time of the paper's pump-probe campaign, before and after: the same errors from the same scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reduction.types import FloatArray
from reduction.xas.gate_shares import GateShares
from reduction.xas.kinetics.allocation import Information
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.pump_train import PumpTrain
from trxas.benchmarks.drawn_runs import DELAYS_PS, TIMING, TWO_GATES, Sample, rates_of
from trxas.benchmarks.entry import Entries, Entry

STOCK_STEP_S = 0.047
STEP_S = 0.016
SEQUENCE_STEP_S = 0.02
"""Time per step beyond the dwell, s: of stock `bp.scan`, of our scans, and of the laser in a sequence.

The motion of a real monochromator comes on top of the first two; a fly scan has none.
"""

HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class PaperScan:
    """One kind of scan of the paper: points, passes over them, and dwell, s; `gain` is the beam time that is left.

    `gain` is the variance by all gates over that by the two of the recipe.
    """

    points: int
    scans: int
    dwell_s: float
    gain: float
    step_s: float = STEP_S

    @property
    def before_h(self) -> float:
        """Beam time by the recipe of the paper and stock plans, h."""
        return self.points * self.scans * (self.dwell_s + STOCK_STEP_S) / HOUR_S

    @property
    def after_h(self) -> float:
        """Beam time to the same errors, h."""
        return self.points * self.scans * (self.gain * self.dwell_s + self.step_s) / HOUR_S


def bench_campaign() -> Entries:
    """Compare the beam time of every kind of pump-probe scan of the paper, h, and of all together."""
    scans = paper_scans()
    entries = {f"campaign_{name}": Entry.of([scan.after_h], [scan.before_h], "h") for name, scan in scans.items()}
    totals = [sum(scan.after_h for scan in scans.values())], [sum(scan.before_h for scan in scans.values())]
    return entries | {"campaign": Entry.of(*totals, "h")}


def paper_scans() -> dict[str, PaperScan]:
    """Return the pump-probe scans of the paper (SI 2, 4, 5) by name, with what all gates gain for its sample."""
    spectrum = variance_by_all_gates(100.0)
    # A scan at 10.1 ns gives two spectra, and is as long as the one that gains less.
    pair = max(variance_by_all_gates(10_100.0, probe) for probe in (0, 1))
    trace = max(trace_variance_by_all_gates().values())
    return {
        "br_spectrum_100ps": PaperScan(points=79, scans=9, dwell_s=6.0, gain=spectrum),
        "br_spectra_10ns_163ns": PaperScan(points=79, scans=11, dwell_s=6.0, gain=pair),
        "pb_spectrum_100ps": PaperScan(points=72, scans=56, dwell_s=6.0, gain=spectrum),
        "pb_spectra_10ns_163ns": PaperScan(points=72, scans=87, dwell_s=6.0, gain=pair),
        "br_trace": PaperScan(points=DELAYS_PS.size, scans=6, dwell_s=6.0, gain=trace, step_s=SEQUENCE_STEP_S),
        "pb_trace": PaperScan(points=DELAYS_PS.size, scans=6, dwell_s=36.0, gain=trace, step_s=SEQUENCE_STEP_S),
    }


def variance_by_all_gates(delay_ps: float, probe: int = 0) -> float:
    """Return the variance of a spectrum of the paper's sample at a delay by the gates from `probe` on, over two's."""
    sample = Sample()
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    times_ps = delay_ps + np.array(TIMING.gate_delays_ps)
    parts = zip(sample.fractions, (*sample.taus_ps, sample.offset_ps), strict=True)
    signal: FloatArray = np.sum([part * train.decay(times_ps, 1.0 / tau).value for part, tau in parts], axis=0)
    transients = signal[probe:-1] - signal[-1]
    gates = transients.size
    # All gates have equal variances, and each transient that of the unpumped gate as well.
    shares = GateShares(
        share=transients / transients[0],
        covariance=np.zeros((gates - 1, gates - 1)),
        variance=np.eye(gates) + 1.0,
        chi_square=0.0,
        degrees_of_freedom=1,
    )
    return shares.variance_ratio


def trace_variance_by_all_gates() -> dict[str, float]:
    """Return the variances of both lifetimes of the paper's trace by all gates, over those by two, by name."""
    sample = Sample()
    seconds = np.full(DELAYS_PS.size, 1e3)
    fits = {}
    for timing in (TIMING, TWO_GATES):
        rates = rates_of(sample.photons_per_s(timing) * 1e3, seconds)
        fits[timing] = rates, fit_kinetics(rates, timing, intervals=False)
    found = {}
    for quantity in ("tau1_ps", "tau2_ps"):
        ours, two = (Information.of(rates, seconds, fit, quantity, draws=1) for rates, fit in fits.values())
        found[quantity] = (ours.sigma(seconds) / two.sigma(seconds)) ** 2
    return found
