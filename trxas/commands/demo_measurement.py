"""The main job in one go: simulated beamline, two scans, storage, reduction, table and figure."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from reduction.run_kind import MeasuredDecay
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.kinetics.kinetic_model import Criterion
from reduction.xas.results import SpectrumResults, TraceResults
from reduction.xas.transient import Spectrum
from reduction.xas.unpumped_size import size_of
from storage import load_run
from trxas.prompt.progress import ScanProgress
from trxas.results.figures import save, summary_figure
from trxas.results.run_results import reduce_stored_run
from trxas.session.session import Session
from trxas.terminal.progress_line import log_above_line

ENERGY_DWELL_S = 6.0
ENERGY_SCANS = 9
"""54 s per point in 9 scans, as the paper's 100 ps spectrum (SI 2 and 4)."""

OTHER_ENERGY_SCANS = 3
"""Scans of another edge, whose default grid has more points and reaches into the EXAFS."""

DEFAULT_EDGE = "Br K"

DELAY_DWELL_S = 6.0
DELAY_SCANS = 6
"""36 s per point, as the paper's Br time trace (SI 2)."""

SPECTRUM_DELAY_PS = 100.0


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Both runs, reduced; `uids` of the energy and the delay scan; `wall_s`: from the command to the table."""

    energy: SpectrumResults
    delay: TraceResults
    uids: tuple[str, str]
    wall_s: float

    @property
    def fit(self) -> KineticsFit:
        """Fit of the kinetics; a demo without a fit has failed."""
        # A failed assertion shows the remarks of the reduction: they state why there is no fit.
        assert self.delay.fit is not None, "\n".join(self.delay.remarks)
        return self.delay.fit

    @property
    def spectrum(self) -> Spectrum:
        """Spectrum with the most information; a demo without spectra has failed."""
        assert self.energy.primary is not None, self.energy.table()
        return self.energy.primary

    @property
    def spectra(self) -> tuple[Spectrum, Spectrum]:
        """Spectrum of the boxcar, or of the first detector if there is none, and that of the counted photons."""
        # Reversed, so that of several spectra of one mode the first one stays.
        by_mode = {spectrum.metadata.mode: spectrum for spectrum in reversed(self.energy.spectra)}
        spc = by_mode.get("spc", self.energy.spectra[0])
        return by_mode.get("boxcar", spc), spc

    def table(self) -> str:
        """Return the results as lines of text, each number with its standard error and unit (ps, %, eV)."""
        lines = ["Measured on the simulated beamline (fitted values ± standard error)", *self.delay.lines()]
        lines.append(self.energy.table())
        lines += [f"{f'run, {name}':<22} {uid}" for name, uid in zip(("energy", "delay"), self.uids, strict=True)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the results as plain data; transients are relative to the post-edge level of the off signal."""
        boxcar, spc = self.spectra
        kinetics: dict[str, Any] = {name: value._asdict() for name, value in self.fit.quantities.items()}
        kinetics["amplitude"] = self.fit.amplitude._asdict()
        kinetics["offset_rate_per_ns"] = self.fit.offset_rate_per_ns._asdict()
        kinetics |= {"chi_square": self.fit.chi_square, "degrees_of_freedom": self.fit.degrees_of_freedom}
        return {
            "kinetics": kinetics,
            "transient": _spectrum_json(self.spectrum, self.energy.decay),
            "transient_boxcar": _spectrum_json(boxcar, self.energy.decay),
            "transient_spc": _spectrum_json(spc, self.energy.decay),
            "runs": {"energy_scan": self.uids[0], "delay_scan": self.uids[1]},
            "wall_s": self.wall_s,
        }

    def write(self, folder: Path, json_path: Path | None) -> Path:
        """Write the figure into `folder` and, if wanted, the JSON; return the path of the figure.

        Raises OSError if one of them cannot be written.
        """
        figure = save(summary_figure(self.spectrum, self.delay.trace, self.fit), folder / "demo.png")
        if json_path is not None:
            json_path.write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")
        return figure


def run_demo(session: Session, *, sample: str, began: float, edge: str = DEFAULT_EDGE) -> DemoResult:
    """Measure, store, and reduce the stored runs; `began` is the `time.monotonic()` of the command, s.

    At an edge that is not in the paper, the energy scan shows where to measure the kinetics, and
    a criterion chooses their model.
    """
    known = edge == DEFAULT_EDGE
    log_above_line()
    session.run_engine.subscribe(ScanProgress())
    scans = session.plans()
    common = {"sample": sample, "md": {"purpose": "demo"}}
    energy_uid = session.measure(
        scans["energy_scan"](
            edge,
            delay_ps=SPECTRUM_DELAY_PS,
            dwell_s=ENERGY_DWELL_S,
            repeats=ENERGY_SCANS if known else OTHER_ENERGY_SCANS,
            **common,
        )
    )
    energy = _reduced_spectra(session, energy_uid)
    feature = {} if known else {"energy_ev": largest_transient_ev(energy.primary or energy.spectra[0])}
    delay_uid = session.measure(
        scans["delay_scan"](edge, dwell_s=DELAY_DWELL_S, repeats=DELAY_SCANS, **feature, **common)
    )
    # The runs are reduced as any reader would, from what is stored, not from what this process has in memory: the demo
    # shows the whole way of a number.
    session.store.wait()
    delay_run = load_run(session.store, delay_uid)
    delay = reduce_stored_run(delay_run, None if known else Criterion.BIC.value)
    assert isinstance(delay, TraceResults), delay.table()
    if delay.fit is not None:
        energy = replace(energy, decay=MeasuredDecay(uid=delay_uid, start=delay_run[0][1], fit=delay.fit))
    uids = (energy_uid, delay_uid)
    return DemoResult(energy=energy, delay=delay, uids=uids, wall_s=time.monotonic() - began)


def _reduced_spectra(session: Session, uid: str) -> SpectrumResults:
    session.store.wait()
    energy = reduce_stored_run(load_run(session.store, uid))
    assert isinstance(energy, SpectrumResults), energy.table()
    assert energy.spectra, energy.table()
    return energy


def largest_transient_ev(spectrum: Spectrum) -> float:
    """Return the energy at which the transient is largest relative to its error, eV: the best one for delay scans."""
    index = int(abs(spectrum.transient / spectrum.sigma).argmax())
    return round(float(spectrum.energy_ev[index]), 2)


def _spectrum_json(spectrum: Spectrum, decay: MeasuredDecay | None) -> dict[str, Any]:
    size = size_of(spectrum, decay)
    corrected = None if size.corrected is None else size.corrected._asdict()
    return {
        "energy_ev": spectrum.energy_ev.tolist(),
        "value": spectrum.transient.tolist(),
        "sigma": spectrum.sigma.tolist(),
        "static": spectrum.off.tolist(),
        "size": {"energy_ev": size.energy_ev, **size.measured._asdict(), "corrected": corrected},
        "metadata": asdict(spectrum.metadata),
    }
