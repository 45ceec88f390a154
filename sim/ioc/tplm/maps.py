"""Photoluminescence maps without a control system: histograms of given places, for tests of error bars.

    python -m sim.ioc.tplm.maps

Each line on the standard input is a job in JSON: `film` (path of a sample file), `setting` (keys of `Setting`),
`places_um` (rows of x and y in the sample plane, divided by the true magnification), `dwell_s`, `overhead_s` between
places, `seed`, and `output`, the file (.npy) that gets the counts, (places, channels). The answer is a line in JSON
with `sync_pulses`, or with `error`. The program ends with its standard input.

A job with `settings`, a list, instead of `setting` is one of spectra around `centre_nm`: the file gets the counts of
the camera, (settings, 2, columns), with the laser shutter open and closed; the answer has `meter_nw`, a reading of the
power meter at each setting.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from sim.errors import SimulationInputError
from sim.ioc.tplm.laser import meter_reading_nw
from sim.physics.tplm.counting import blocked_pulses, draw
from sim.physics.tplm.forward import expected_per_pulse
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from sim.physics.tplm.spectrum import Readout, draw_image, electrons_per_s


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Draw the histograms of a job and save them; return what the answer holds.

    Raises SimulationInputError for a wrong sample or setting, KeyError for a missing key, OSError if the file cannot be
    written.
    """
    film = load_film(Path(job["film"]))
    setting = Setting(**job["setting"])
    rng = np.random.default_rng(job["seed"])
    sync_pulses = round(job["dwell_s"] * setting.repetition_rate_mhz * 1e6)
    blocked = blocked_pulses(film.timing.dead_time_ns, setting.period_ns)
    counts = []
    for number, (x_um, y_um) in enumerate(job["places_um"]):
        elapsed_s = number * (job["dwell_s"] + job["overhead_s"])
        exposed = replace(setting, dose_nw_s=setting.power_nw * elapsed_s)
        light = expected_per_pulse(film, exposed, x_um=x_um, y_um=y_um, elapsed_s=elapsed_s + job["dwell_s"] / 2)
        counts.append(draw(rng, light, sync_pulses=sync_pulses, blocked=blocked))
    np.save(job["output"], np.array(counts, dtype=np.uint32))
    return {"sync_pulses": sync_pulses}


def measure_spectra(job: dict[str, Any]) -> dict[str, Any]:
    """Draw the spectra of a job and save them; return what the answer holds. Raises the errors of `measure`."""
    film = load_film(Path(job["film"]))
    rng = np.random.default_rng(job["seed"])
    readout = Readout(exposure_s=job["dwell_s"], rows=1)
    counts = []
    meter_nw = []
    for keys in job["settings"]:
        setting = Setting(**keys)
        meter_nw.append(meter_reading_nw(rng, setting.power_nw))
        for is_open in (True, False):
            light = electrons_per_s(film, replace(setting, shutter_open=is_open), centre_nm=job["centre_nm"])
            counts.append(draw_image(rng, film, job["dwell_s"] * light, readout)[0])
    np.save(job["output"], np.array(counts, dtype=np.uint32).reshape(len(job["settings"]), 2, -1))
    return {"meter_nw": meter_nw}


def serve(lines: Iterable[str], answers: TextIO) -> None:
    """Answer every job, a line each; errors in a job are answered with their text."""
    for line in lines:
        try:
            job = json.loads(line)
            answer = measure_spectra(job) if "settings" in job else measure(job)
        except (SimulationInputError, OSError, KeyError, TypeError, ValueError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
