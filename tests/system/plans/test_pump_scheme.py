"""If this fails, a hybrid fill with references before the pump is measured or reduced wrongly.

The camshaft bunch of a hybrid fill is pumped at every third revolution; its two other revolutions are the references.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine

import plans
from devices.beamline import build_beamline
from errors import OutOfRangeError
from reduction.accumulator import accumulate
from reduction.xas.spc_time import spc_trace
from sim.physics.experiment import BeamlineState, Experiment
from sim.physics.pump_scheme import load_scheme
from sim.physics.sample import load_sample
from sim.physics.spectra import edge_at, static_spectrum, transient_spectrum
from tests.support.scheme_files import scheme_file
from tests.support.waiting import WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration

MACRO = "hybrid:"


def test_the_transient_of_a_hybrid_fill_is_that_of_the_sample(start_ioc: Any, tmp_path: Path) -> None:
    file = scheme_file(tmp_path, "sls-hybrid-camshaft")
    configuration = load_configuration(file, prefix=MACRO).beamline
    documents: list[tuple[str, dict[str, Any]]] = []
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20000", "--seed", "7", "--scheme", str(file)):
        channel_access.prepare(configuration.epics)
        line = build_beamline(configuration)
        line.connect(timeout_s=WAIT_S)
        delays = [-400.0, -350.0, -300.0, -250.0, 100.0, 110.0, 120.0, 130.0]
        scan = plans.delay_scan(line, "Br K", delays_ps=delays, dwell_s=200.0, sample="CsPbBr3")
        RunEngine({})(scan, lambda name, doc: documents.append((name, doc)))
    start = documents[0][1]
    assert start["reduction"]["gate_delays_ps"] == pytest.approx([0.0, -1_921_400.0, -960_700.0])
    assert start["reduction"]["reference_probes"] == [1, 2]
    assert start["pump_scheme"]["fill"] == [[0, 390, 1, 0.06], [435, 1, 1, 0.25]]
    trace = spc_trace(accumulate(documents))
    sample = load_sample()
    edge = edge_at(sample.edges, start["energy_ev"])
    share = float(transient_spectrum(edge, start["energy_ev"]) / static_spectrum(edge, start["energy_ev"]))
    excitation = Experiment(sample=sample, seed=1, scheme=load_scheme(file)).excitation(
        BeamlineState(delay_ps=115.0 - sample.beam.time_zero_ps, rate_divider=3)
    )
    late = trace.delay_ps > 0
    measured = float(trace.transient[late].mean())
    # Points behind the pump have independent errors; those of the zero before it are as large.
    sigma = float(trace.sigma[late].mean()) / 2 * 2**0.5
    assert sigma < 0.1 * abs(share)
    assert measured == pytest.approx(share * float(excitation[0] - excitation[1:].mean()), abs=4 * sigma + 0.001)


def test_a_delay_at_which_a_reference_meets_the_next_pump_is_refused(tmp_path: Path) -> None:
    """Lost: a trace that falls to zero, because its reference was pumped as well."""
    configuration = load_configuration(scheme_file(tmp_path, "aps-324-bunches"), prefix="nowhere:")
    line = build_beamline(configuration.beamline)
    with pytest.raises(OutOfRangeError, match="-100000 to 11140"):
        RunEngine({})(plans.delay_scan(line, "Br K", delays_ps=[0.0, 11_200.0], sample="CsPbBr3"))
