"""If these fail, static spectra of the powder hold counts of another exposure, sample or temperature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from devices.assembly import build_beamline
from devices.beamline import Beamline
from devices.detectors.sdd import SddFrame
from devices.signals.uncached_signal import read_together
from errors import AcquisitionError
from sim.physics.sample_file import load_sample
from sim.physics.thermal import powder_spectrum
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration

MACRO = "sdd:"


def connected(macro: str) -> Beamline:
    configuration = load_configuration(prefix=macro).beamline
    assert configuration.cell is not None
    quick = replace(configuration.cell, settle_s=0.1, poll_s=0.02, timeout_s=WAIT_S)
    beamline = build_beamline(replace(configuration, cell=quick))
    beamline.connect(timeout_s=WAIT_S)
    return beamline


@pytest.fixture(scope="module")
def beamline(start_ioc: Any) -> Iterator[Beamline]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000", "--seed", "3"):
        line = connected(MACRO)
        assert line.sample_stage is not None
        line.sample_stage.set("cell").wait(timeout=WAIT_S)
        yield line


def expose(line: Beamline, dwell_s: float) -> tuple[SddFrame, float]:
    """One exposure of the detector and the ion chamber."""
    assert line.sdd is not None
    line.exposure.prepare(dwell_s)
    line.exposure.trigger().wait(timeout=WAIT_S)
    raw = read_together({**line.exposure.fresh_signals(), **line.sdd.fresh_signals()})
    reading = line.exposure.reading_from_raw(raw)
    spc = reading.spc
    return line.sdd.reading_from_raw(raw, exposure_id=spc.exposure_id, exposure_s=spc.exposure_s), reading.i0


def photons(frame: SddFrame) -> np.ndarray:
    return frame.counts * frame.input_rate / frame.output_rate


def test_the_edge_is_in_the_counts_corrected_for_dead_time(beamline: Beamline) -> None:
    levels = []
    for energy_ev in (13_450.0, 13_560.0):
        beamline.energy.set(energy_ev).wait(timeout=WAIT_S)
        frame, i0 = expose(beamline, 60.0)
        assert frame.counts.shape == (5,)
        assert np.all(frame.counts < frame.output_rate * 60.0)
        assert np.all(frame.output_rate < frame.input_rate)
        levels.append(photons(frame) / i0)
        assert beamline.sdd is not None
        assert beamline.sdd.failed_conditions(frame) == []
    # 60 s count 4e5 photons per element below the edge: 0.16 %. The energy on the flank and the ion chamber are off by
    # 0.4 % in the ratio.
    below, above = (float(powder_spectrum(load_sample(), energy_ev, 22.0)) for energy_ev in (13_450.0, 13_560.0))
    np.testing.assert_allclose(levels[1] / levels[0], above / below, rtol=4.5 * 0.0016 + 0.004)
    spread = levels[1] / levels[1].mean()
    assert spread == pytest.approx([1.08, 0.94, 1.02, 0.89, 1.07], rel=0.01)


def test_heat_takes_intensity_at_the_main_edge(beamline: Beamline) -> None:
    """1.6 % at 13472 eV from 25 to 140 C, with an error of 0.04 %: 60 s of 5 elements count 2e7 photons."""
    assert beamline.cell is not None
    beamline.energy.set(13_472.0).wait(timeout=WAIT_S)
    levels = []
    for temperature_c in (25.0, 140.0):
        beamline.cell.set(temperature_c).wait(timeout=WAIT_S)
        frame, i0 = expose(beamline, 60.0)
        levels.append(photons(frame).sum() / i0)
    cold, hot = (float(powder_spectrum(load_sample(), 13_472.0, temperature_c)) for temperature_c in (25.0, 140.0))
    assert levels[1] / levels[0] == pytest.approx(hot / cold, abs=0.0025)


def test_the_frame_follows_the_masters_exposures(beamline: Beamline, get: Any) -> None:
    first, _ = expose(beamline, 1.0)
    second, _ = expose(beamline, 2.0)
    assert second.exposure_id == first.exposure_id + 1
    assert (first.exposure_s, second.exposure_s) == (1.0, 2.0)
    assert second.exposure_id == get(f"{MACRO}amofg1a:spc:Frame")[0]


def test_a_missed_gate_is_an_error(beamline: Beamline) -> None:
    assert beamline.sdd is not None
    frame, _ = expose(beamline, 1.0)
    raw = read_together(beamline.sdd.fresh_signals())
    with pytest.raises(AcquisitionError, match=r"7idd:sdd:Frame holds exposure .* missed the gate"):
        beamline.sdd.reading_from_raw(raw, exposure_id=frame.exposure_id + 1, exposure_s=1.0)


def test_with_the_jet_in_the_beam_only_the_photodiodes_see_something(beamline: Beamline, get: Any) -> None:
    assert beamline.sample_stage is not None
    assert beamline.sdd is not None
    beamline.energy.set(13_500.0).wait(timeout=WAIT_S)
    frame, i0 = expose(beamline, 1.0)
    assert frame.counts.min() > 0
    assert i0 > 0
    # A few dark counts a second; the jet gives thousands.
    assert np.all(get(f"{MACRO}amofg1a:spc:Frame")[10:] < 50)
    beamline.sample_stage.set("jet").wait(timeout=WAIT_S)
    try:
        frame, _ = expose(beamline, 1.0)
        assert not frame.counts.any()
        assert beamline.sdd.failed_conditions(frame) == ["sdd_no_counts"]
        assert np.all(get(f"{MACRO}amofg1a:spc:Frame")[10:] > 500)
    finally:
        beamline.sample_stage.set("cell").wait(timeout=WAIT_S)


def test_the_beam_can_be_taken_away(beamline: Beamline) -> None:
    beamline.xray_shutter.set("closed").wait(timeout=WAIT_S)
    try:
        frame, i0 = expose(beamline, 1.0)
        # The offset of its amplifier; with beam it counts a million.
        assert 0 <= i0 < 1_000
        assert not frame.input_rate.any()
    finally:
        beamline.xray_shutter.set("open").wait(timeout=WAIT_S)


def test_same_seed_same_counts(start_ioc: Any) -> None:
    """Whatever else the clients do, and however long they take."""
    found = []
    for macro in ("sdd1:", "sdd2:"):
        with start_ioc("-m", "sim", "--macro", macro, "--speed", "5000", "--seed", "9"):
            line = connected(macro)
            assert line.sample_stage is not None
            assert line.cell is not None
            line.sample_stage.set("cell").wait(timeout=WAIT_S)
            line.cell.set(60.0).wait(timeout=WAIT_S)
            found.append([expose(line, 1.0)[0].counts for _ in range(3)])
    np.testing.assert_array_equal(found[0], found[1])


def test_a_session_does_not_need_the_powder_cell(start_ioc: Any) -> None:
    """At a beamline without cell, detector and Pilatus the pump-probe devices connect as ever."""
    with start_ioc("-m", "sim", "--macro", "bare:", "--speed", "2000"):
        configuration = load_configuration(prefix="bare:").beamline
        assert configuration.sdd is not None
        assert configuration.pilatus is not None
        elsewhere = replace(configuration, sdd=replace(configuration.sdd, frame="away:Frame"))
        line = build_beamline(replace(elsewhere, pilatus=replace(configuration.pilatus, prefix="away:")))
        line.connect(timeout_s=WAIT_S)
        assert line.disconnected() == ["bare:away:Frame", "bare:away:HDF1:PluginType_RBV"]
        without = build_beamline(
            replace(configuration, cell=None, sdd=None, pilatus=None, foil_wheel=None, sequencer=None, fly=None)
        )
        assert without.optional_devices == (without.ring,), "the ring answers with the configured period, if it must"
