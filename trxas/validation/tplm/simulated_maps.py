"""Runs of a simulated microscope as documents, without a control system in between."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from errors import ConfigurationError
from trxas.validation.tplm.hidden_film import MAGNIFICATION_ERROR, NOMINAL_MAGNIFICATION, HiddenFilm
from trxas.validation.tplm.hidden_spectrum import WAVELENGTH_ERROR_NM
from trxas.validation.types import Documents

BIN_PS = 16.0
DWELL_S = 30.0
OVERHEAD_S = 0.5
PLACES = 31
PIXEL_UM = 50.0 / NOMINAL_MAGNIFICATION

SPECTRUM_CENTRE_NM = 515.0
SPECTRUM_KEYS = ("power_nw", "repetition_rate_mhz", "temperature_k")
"""Middle of the camera, nm, and the settings of a spectrum."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Results of calibration runs: time zero with its error, ps, and the response as in start documents.

    `covariance` (4, 4) is that of time zero and response, None before they were measured.
    """

    time_zero_ps: float
    time_zero_error_ps: float
    response: dict[str, float]
    covariance: list[list[float]] | None = None


UNCALIBRATED = Calibration(
    time_zero_ps=2000.0, time_zero_error_ps=1000.0, response={"fwhm_ps": 80.0, "tail_share": 0.05, "tail_ps": 250.0}
)
"""Response that is assumed before it is measured."""


class SimulatedMaps:
    """A simulation in a process of its own, which knows the film and provides runs.

    `folder` takes its files. Raises ConfigurationError if the simulation refuses a job or has ended.
    """

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def run(self, film: HiddenFilm, plan_name: str, calibration: Calibration, **job: Any) -> Documents:
        """Return the documents of a run; `job` has setting, places_um of the stage, dwell_s and seed.

        The stage is moved by the nominal magnification, so the places on the sample are those of the true one.
        """
        places = np.array(job["places_um"], dtype=float)
        # The stage goes where the nominal magnification says; the place on the film follows from the true one.
        true = places * NOMINAL_MAGNIFICATION / film.magnification
        true[:, 1] += film.y_error_um
        output = self._folder / "counts.npy"
        asked = {
            **job, "film": str(film.write(self._folder)), "places_um": true.tolist(), "overhead_s": OVERHEAD_S,
            "output": str(output),
        }  # fmt: skip
        answer = self._ask(asked)
        counts = np.load(output)
        return _documents(plan_name, counts, places, answer["sync_pulses"], calibration, job)

    def spectra(
        self, film: HiddenFilm, settings: Sequence[tuple[float, float, float]], dwell_s: float, seed: int
    ) -> Documents:
        """Return the documents of a run of spectra at settings of power (nW), rate (MHz), and temperature (K)."""
        output = self._folder / "spectra.npy"
        keys = [dict(zip(SPECTRUM_KEYS, one, strict=True)) for one in settings]
        answer = self._ask({
            "film": str(film.write(self._folder)), "settings": keys, "centre_nm": SPECTRUM_CENTRE_NM,
            "dwell_s": dwell_s, "seed": seed, "output": str(output),
        })  # fmt: skip
        # The power is what the meter has shown, as in the events of a session.
        shown = [{**one, "power_nw": meter} for one, meter in zip(keys, answer["meter_nw"], strict=True)]
        return _spectrum_documents(np.load(output), shown, dwell_s, seed)

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        # A simulation that has ended closes its end of the pipe; the missing answer gives the better message.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it has ended"}
        if "error" in answer:
            raise ConfigurationError(f"The simulated microscope gave no map: {answer['error']}. Correct its sample.")
        return dict(answer)


@contextlib.contextmanager
def simulated_maps(folder: Path) -> Iterator[SimulatedMaps]:
    """Run the simulation for the time of the context; it ends with its standard input."""
    command = [sys.executable, "-m", "sim.ioc.tplm.maps"]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield SimulatedMaps(process, folder)


def line_places_um() -> list[tuple[float, float]]:
    """Return the places of a map, um in the sample plane: even ones first, the centre after every eighth."""
    x_um = PIXEL_UM * (np.arange(PLACES) - (PLACES - 1) / 2)
    ordered = np.concatenate([x_um[::2], x_um[1::2]]).tolist()
    places: list[tuple[float, float]] = []
    for first in range(0, PLACES, 8):
        places += [*((x, 0.0) for x in ordered[first : first + 8]), (0.0, 0.0)]
    return places


def _documents(
    plan_name: str, counts: Any, places: Any, sync_pulses: int, calibration: Calibration, job: dict[str, Any]
) -> Documents:
    setting = job["setting"]
    start = {
        "uid": f"{plan_name}-{job['seed']}", "plan_name": plan_name, "technique": "tplm", "time": 0.0,
        "kept_channels": counts.shape[1], "bin_ps": BIN_PS, "line_axis": "x_um",
        "magnification": NOMINAL_MAGNIFICATION, "magnification_error": MAGNIFICATION_ERROR,
        "time_zero_ps": calibration.time_zero_ps, "time_zero_error_ps": calibration.time_zero_error_ps,
        "response": calibration.response, "electronics": {"dead_time_ns": 90.0, "channel_limit": 65_535},
    }  # fmt: skip
    if calibration.covariance is not None:
        start["timing_covariance"] = calibration.covariance
    documents: Documents = [("start", start), ("descriptor", {"uid": "primary", "name": "primary"})]
    for number, (row, place) in enumerate(zip(counts, places, strict=True), start=1):
        data = {
            "tcspc_counts": row, "x_um": float(place[0]), "y_um": float(place[1]), "sync_pulses": sync_pulses,
            "exposure_s": job["dwell_s"], "laser_power_nw": setting["power_nw"], "nd_od": 0.0, "quality": "",
            "repetition_rate_mhz": setting["repetition_rate_mhz"], "temperature_k": 296.0,
            "highest_channel": int(row.max()),
        }  # fmt: skip
        documents.append(("event", {"descriptor": "primary", "seq_num": number, "data": data}))
    return documents


def _spectrum_documents(counts: Any, settings: Sequence[dict[str, float]], dwell_s: float, seed: int) -> Documents:
    optics = {
        "pixels": counts.shape[-1], "rows": 100, "dispersion_nm": 0.44, "fwhm_nm": 3.0, "electrons_per_count": 1.0,
        "wavelength_error_nm": WAVELENGTH_ERROR_NM,
    }  # fmt: skip
    start = {
        "uid": f"spectra-{seed}", "plan_name": "pl_spectrum_series", "technique": "tplm", "time": 0.0,
        "spectrograph": optics,
    }  # fmt: skip
    documents: Documents = [("start", start), ("descriptor", {"uid": "primary", "name": "primary"})]
    for point, (pair, setting) in enumerate(zip(counts, settings, strict=True)):
        for row, shutter in zip(pair, (1, 0), strict=True):
            data = {
                "pl_counts": row, "exposure_s": dwell_s, "laser_shutter": shutter, "point_index": point, "quality": "",
                "wavelength_nm": SPECTRUM_CENTRE_NM, "laser_power_nw": setting["power_nw"],
                "repetition_rate_mhz": setting["repetition_rate_mhz"], "temperature_k": setting["temperature_k"],
            }  # fmt: skip
            number = len(documents) - 1
            documents.append(("event", {"descriptor": "primary", "seq_num": number, "data": data}))
    return documents
