"""Photoluminescence maps without a control system: histograms of given places, for tests of error bars.

    python -m sim.ioc.tplm.maps

Each line on the standard input is a job in JSON: `film` (path of a sample file), `setting` (keys of `Setting`),
`places_um` (rows of x and y in the sample plane, divided by the true magnification), `dwell_s`, `overhead_s` between
places, `seed`, and `output`, the file (.npy) that gets the counts, (places, channels). The answer is a line in JSON
with `sync_pulses`, or with `error`. The program ends with its standard input.
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
from sim.physics.tplm.counting import blocked_pulses, draw
from sim.physics.tplm.forward import expected_per_pulse
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting


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


def serve(lines: Iterable[str], answers: TextIO) -> None:
    """Answer every job, a line each; errors in a job are answered with their text."""
    for line in lines:
        try:
            answer = measure(json.loads(line))
        except (SimulationInputError, OSError, KeyError, TypeError, ValueError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
