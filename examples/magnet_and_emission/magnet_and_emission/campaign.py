"""Lines at random fields, measured on both simulations: they show whether the error bars of the technique are true."""

from __future__ import annotations

import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np

from magnet_and_emission.run_kind import EmissionResults
from magnet_and_emission.simulated_line import EV_PER_T, LINE_EV, WIDTH_EV
from processes.child import Child, ChildProgram
from storage import load_run
from trxas.configuration import load_configuration
from trxas.results.run_results import reduce_stored_run
from trxas.session.session import open_session
from trxas.simulation import simulated_beamline
from trxas.validation.coverage.technique import Campaign, Estimate

CONFIGURATION = Path(str(files("magnet_and_emission") / "emission.toml"))
SPEED = 2000.0
DWELL_S = 2.0


def measure(samples: int, seed: int) -> Iterator[Mapping[str, Estimate]]:
    """Yield position and width of the line, eV, at a random field for each sample, with the truth of the simulation."""
    rng = np.random.default_rng(seed)
    # A port that is free now; the simulation of the beamline finds its own.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "magnet_and_emission.ioc", "--port", str(port), "--speed", str(SPEED)]
    program = ChildProgram(
        name="magnet and emission",
        command=[*command, "--seed", str(seed), "--stop-with-stdin"],
        ready=re.compile("ready"),
    )
    with (
        tempfile.TemporaryDirectory() as data,
        simulated_beamline(seed=seed, speed=SPEED) as address,
        Child(program) as ioc,
    ):
        ioc.wait_ready()
        configuration = load_configuration(CONFIGURATION, address_list=f"{address} 127.0.0.1:{port}", data=data)
        with open_session(configuration) as session:
            for _ in range(samples):
                field_t = round(float(rng.uniform(-5.0, 5.0)), 2)
                plan = session.plans()["emission_scan"](dwell_s=DWELL_S, field_t=field_t)
                yield _estimates(reduce_stored_run(load_run(session.store, session.measure(plan))), field_t)


def _estimates(results: object, field_t: float) -> Mapping[str, Estimate]:
    if not isinstance(results, EmissionResults) or results.line_ev is None or results.width_ev is None:
        return {}
    line = results.line_ev
    width = results.width_ev
    return {
        "line_ev": Estimate(value=line.value, sigma=line.sigma, truth=LINE_EV + EV_PER_T * field_t),
        "width_ev": Estimate(value=width.value, sigma=width.sigma, truth=WIDTH_EV),
    }


EMISSION = Campaign(name="emission", parameters=("line_ev", "width_ev"), measure=measure)
