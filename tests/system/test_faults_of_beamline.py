"""If these fail, a fault of beam, laser, sample or detector does not show in the PVs as it would in real life."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.fault_bench import Counts, FaultBench
from tests.support.waiting import WAIT_S

MACRO = "faulty:"
DWELL_S = 30.0

SPEED = 200.0

SIGMAS = 5.0
"""Standard errors allowed; passed by chance once in 1.7 million, with seeds that do not change."""

WANDER = 0.02
"""Jet and flux wander by 1 % and 0.3 % in themselves, within seconds.

The ratio of the signals of two exposures of 30 s has a standard deviation of 0.8 %, that of I0 of 0.35 %.
"""


@pytest.fixture(scope="module")
def ioc(start_ioc: Any) -> Iterator[Any]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", str(SPEED), "--seed", "3") as running:
        yield running


@pytest.fixture
def bench(ioc: Any, get: Any, put: Any) -> Iterator[FaultBench]:
    made = FaultBench(MACRO, get, put)
    made.put("7idd:sim:FaultsClear", 1)
    made.open_shutters()
    yield made
    assert made.text("7idd:sim:FaultsActive") == "none"


def signal_of(counts: Counts) -> float:
    return float(counts.counts.sum())


@pytest.fixture
def good(bench: FaultBench) -> Counts:
    return bench.expose(DWELL_S)


def only_dark_counts(struck: Counts, good: Counts) -> bool:
    """The photodiodes count a few events a second in the dark, a ten-thousandth of the signal."""
    return signal_of(struck) < 1e-3 * signal_of(good)


def dark_i0(struck: Counts, good: Counts) -> bool:
    """Without light the ion chamber counts the offset of its amplifier, some thousandths of the flux."""
    return 0 <= struck.i0 < 1e-2 * good.i0


def nothing_counted(struck: Counts, good: Counts) -> bool:
    return only_dark_counts(struck, good) and dark_i0(struck, good) and bool((struck.pulses == good.pulses).all())


def no_sample(struck: Counts, good: Counts) -> bool:
    return only_dark_counts(struck, good) and dark_i0(struck, good)  # the jet's stop closes the X-ray shutter


def only_i0_gone(struck: Counts, good: Counts) -> bool:
    return dark_i0(struck, good) and abs(signal_of(struck) / signal_of(good) - 1) < 2 * WANDER


def dimmer_signal_same_i0(struck: Counts, good: Counts) -> bool:
    return signal_of(struck) / signal_of(good) < 0.95 and abs(struck.i0 / good.i0 - 1) < WANDER


def dimmer_beam(struck: Counts, good: Counts) -> bool:
    ratio = struck.i0 / good.i0
    return ratio < 0.95 and abs(signal_of(struck) / signal_of(good) / ratio - 1) < 2 * WANDER


def gates_missing(struck: Counts, good: Counts) -> bool:
    counts = struck.counts.sum() / good.counts.sum()
    return bool(np.allclose(struck.pulses / good.pulses, 0.8, atol=1e-6)) and abs(counts / 0.8 - 1) < 2 * WANDER


def saturated(struck: Counts, good: Counts) -> bool:
    return bool((struck.counts.reshape(2, 5) == struck.pulses).all())


@pytest.mark.parametrize(
    ("kind", "parameters", "counted", "shown"),
    [
        ("BeamDump", {}, nothing_counted, {"S:SRcurrentAI": 0.0}),
        ("TopUp", {"IntervalS": 4.0, "InjectionS": 2.0, "I0Dip": 0.5}, dimmer_beam, {}),
        ("FluxDrift", {"PerMinute": -0.3}, dimmer_beam, {}),
        ("I0Dropout", {}, only_i0_gone, {}),
        ("JetStall", {}, no_sample, {"7idd:jet:FlowAI": 0.0, "7idd:laser:ShutterStatus": 0}),
        ("Bubbles", {"PerS": 1.0, "DipS": 0.2}, dimmer_signal_same_i0, {"7idd:jet:FlowAI": 192.0}),
        ("XrayShutterCloses", {}, nothing_counted, {"7idd:xrayShutter:Status": 0, "7idd:xrayShutter:Permit": 0}),
        ("GatesLost", {}, gates_missing, {}),
        ("ApdSaturation", {}, saturated, {}),
    ],
)
def test_a_fault_of_beam_or_detectors_shows_in_counts_and_readbacks(
    bench: FaultBench,
    good: Counts,
    kind: str,
    parameters: dict[str, Any],
    counted: Callable[[Counts, Counts], bool],
    shown: dict[str, float],
) -> None:
    with bench.struck(kind, **parameters):
        struck = bench.expose(DWELL_S)
        assert counted(struck, good), (struck, good)
        for name, value in shown.items():
            bench.until(lambda name=name, value=value: bench.get(name) == pytest.approx(value), f"{name} {value}")  # type: ignore[misc]
    bench.open_shutters()
    after = bench.expose(DWELL_S)
    assert signal_of(after) / signal_of(good) == pytest.approx(1, abs=3 * WANDER)
    assert after.i0 / good.i0 == pytest.approx(1, abs=WANDER)
    assert bench.get("S:SRcurrentAI") > 100


def test_top_up_reports_when_it_injects(bench: FaultBench, recorder: Any) -> None:
    """Conditions can only exclude injections that they hear of."""
    injecting = recorder(f"{MACRO}7idd:topUp:Injecting")
    current = recorder(f"{MACRO}S:SRcurrentAI")
    current.clear()
    with bench.struck("TopUp", IntervalS=100.0, InjectionS=20.0, CurrentDrop=0.1):
        injecting.wait(lambda values: len(values) > 3)
        current.wait(lambda values: min(values) < 0.94 * max(values))
    assert injecting.values[:4] == [0, 1, 0, 1]
    injecting.wait(lambda values: values[-1] == 0)


def pumped_excess(counts: Counts) -> float:
    """Change of the pumped against the unpumped gates; the gates themselves differ by some 1e-3, always alike."""
    total = counts.counts.reshape(2, 5).sum(axis=0)
    return float(np.log(total[0] / total[4]))


LONG_S, SIGMA = 400.0, 1.5e-4
"""Dwell, s, and standard error of the change it measures: 10^8 counts in each of both gates."""


@pytest.fixture
def pumping(bench: FaultBench) -> Iterator[FaultBench]:
    bench.put("7ida:BraggEAO", 13.472)
    bench.put("7idd:m21", 38.0)
    yield bench
    bench.put("7idd:m21", 3.2)


@pytest.mark.long
def test_an_unlocked_or_weak_laser_pumps_less(pumping: FaultBench) -> None:
    """A transient averaged over such exposures would be too small, and nobody would know."""
    reference = pumping.expose(LONG_S)
    pumping.put("7idd:laser:Shutter", 0)
    dark = pumped_excess(pumping.expose(LONG_S))
    pumping.put("7idd:laser:Shutter", 1)
    whole = pumped_excess(reference) - dark
    assert whole < -20 * SIGMA
    with pumping.struck("LaserPower", Factor=0.5):
        weak = pumped_excess(pumping.expose(LONG_S)) - dark
        pumping.until(lambda: 0.45 < pumping.get("7idd:laser:PowerAI") / full_power_w() < 0.55, "half the power")
    with pumping.struck("LaserUnlock"):
        assert pumping.get("7idd:laser:Lock") == 0
        random = pumped_excess(pumping.expose(LONG_S)) - dark
    with pumping.struck("LaserUnlock", Firing=0):
        silent = pumped_excess(pumping.expose(LONG_S)) - dark
        pumping.until(lambda: abs(pumping.get("7idd:laser:PowerAI")) < 1e-3, "no power")
    assert pumping.get("7idd:laser:Lock") == 1
    assert weak / whole == pytest.approx(0.5, abs=0.15)  # the plate is near saturation
    assert abs(random) < SIGMAS * SIGMA
    assert abs(silent) < SIGMAS * SIGMA


def full_power_w() -> float:
    from sim.ioc.xas.equipment.laser import SPOT_AREA_CM2, fluence_at
    from sim.physics.constants import BUNCH_PERIOD_PS

    return fluence_at(38.0) * 1e-3 * SPOT_AREA_CM2 * 1e12 / (5 * BUNCH_PERIOD_PS)


@contextlib.contextmanager
def long_exposure(bench: FaultBench) -> Iterator[None]:
    """An exposure that lasts for the time of the context, however long that takes."""
    bench.put("7idd:scaler1.TP", 1e6)
    done = bench.start("7idd:scaler1.CNT", 1)
    bench.until(lambda: bench.get("7idd:scaler1.CNT") == 1, "counting")
    yield
    bench.put("7idd:scaler1.CNT", 0, wait=False)
    assert done.wait(WAIT_S)


def test_a_fault_in_the_middle_of_an_exposure_takes_its_part(bench: FaultBench, good: Counts) -> None:
    """100 s without beam must cost the counts of 100 s, in the gates as in I0."""
    with long_exposure(bench):
        bench.put("7idd:sim:Fault:BeamDump", 100.0)
        bench.until(lambda: bench.get("7idd:sim:Fault:BeamDump:Active") == 0, "the dump to be over")
    struck = bench.counts()
    assert struck.exposure_s > 100.0
    for ratio in (struck.i0 / good.i0, signal_of(struck) / signal_of(good)):
        counted_s = DWELL_S * ratio
        assert struck.exposure_s - counted_s == pytest.approx(100.0, abs=2 * WANDER * counted_s + 0.5)


def test_a_shutter_that_moves_in_an_exposure_marks_it(bench: FaultBench) -> None:
    with long_exposure(bench):
        for position in (0, 1):
            bench.put("7idd:laser:Shutter", position)
    assert bench.counts().shutter == -1


def test_a_stuck_laser_shutter_stays(bench: FaultBench) -> None:
    with bench.struck("LaserShutterStuck"):
        bench.put("7idd:laser:Shutter", 0)
        assert bench.shutters() == (1, 1)
    bench.put("7idd:laser:Shutter", 0)
    assert bench.shutters() == (0, 1)


def test_without_permit_the_xray_shutter_stays_closed_and_opens_afterwards(bench: FaultBench) -> None:
    with bench.struck("XrayShutterCloses"):
        bench.put("7idd:xrayShutter:Set", 1)
        assert bench.shutters() == (1, 0)
    assert bench.get("7idd:xrayShutter:Permit") == 1
    assert bench.shutters() == (1, 0), "it must be opened by somebody"
    bench.open_shutters()


def test_a_delay_jump_shows_unless_told_not_to(bench: FaultBench) -> None:
    name = "7idd:digDelay1:actualDelay"
    bench.put("7idd:digDelay1:setDelay", 3500.0)
    with bench.struck("DelayJump", JumpPs=40.0):
        assert bench.get(name) == pytest.approx(3540.0)
        bench.put("7idd:digDelay1:setDelay", 3600.0)
        assert bench.get(name) == pytest.approx(3640.0)
    assert bench.get(name) == pytest.approx(3600.0)
    with bench.struck("DelayJump", Shown=0):
        assert bench.get(name) == pytest.approx(3600.0)
    bench.put("7idd:sim:Fault:DelayJump:Shown", 1)


def test_a_stalled_motor_stops_short(bench: FaultBench) -> None:
    bench.put("7idd:m31", 0.0)
    with bench.struck("MotorStall", Motor="7idd:m31", Done=1):
        bench.put("7idd:m31", 100.0)
        assert bench.get("7idd:m31.DMOV") == 1
        assert bench.get("7idd:m31.MISS") == 1
        assert bench.get("7idd:m31.RBV") == pytest.approx(0.0)
    bench.put("7idd:m31", 10.0)
    assert bench.get("7idd:m31.RBV") == pytest.approx(10.0)


def test_a_hung_motor_never_reports_done_until_it_is_stopped(bench: FaultBench) -> None:
    with bench.struck("MotorStall", Motor="7idd:m31", Done=0):
        for _ in range(2):
            done = bench.start("7idd:m31", 100.0)
            bench.until(lambda: bench.get("7idd:m31.DMOV") == 0, "moving")
            assert not done.wait(0.3)
            bench.put("7idd:m31.STOP", 1)
            assert done.wait(WAIT_S)
        done = bench.start("7idd:m31", 100.0)
        bench.until(lambda: bench.get("7idd:m31.DMOV") == 0, "moving")
    assert done.wait(WAIT_S), "it must come free with the end of the fault"
    bench.put("7idd:m31", 0.0)
    assert bench.get("7idd:m31.RBV") == pytest.approx(0.0)


def test_a_stuck_detector_counts_on_until_it_is_stopped(bench: FaultBench) -> None:
    # An earlier test may have left a time of days.
    bench.put("7idd:scaler1.TP", DWELL_S)
    with bench.struck("DetectorStuck"):
        done = bench.start("7idd:scaler1.CNT", 1)
        bench.until(lambda: bench.get("7idd:scaler1.CNT") == 1, "counting")
        assert not done.wait(3 * DWELL_S / SPEED)
        bench.put("7idd:scaler1.CNT", 0, wait=False)
        assert done.wait(WAIT_S)
        done = bench.start("7idd:scaler1.CNT", 1)
        bench.until(lambda: bench.get("7idd:scaler1.CNT") == 1, "counting")
    assert done.wait(WAIT_S), "it must come free with the end of the fault"


@pytest.mark.parametrize(
    ("detector", "spc_new", "boxcar_new"), [("both", False, False), ("spc", False, True), ("boxcar", True, False)]
)
def test_stale_frames_keep_their_number(
    bench: FaultBench, good: Counts, detector: str, spc_new: bool, boxcar_new: bool
) -> None:
    with bench.struck("FrameStale", Detector=detector):
        stale = bench.expose(DWELL_S)
    assert (stale.exposure_id > good.exposure_id, stale.boxcar_id > good.boxcar_id) == (spc_new, boxcar_new)
    fresh = bench.expose(DWELL_S)
    assert fresh.exposure_id == fresh.boxcar_id > good.exposure_id


def test_a_runaway_cell_heats_up_whatever_is_set(bench: FaultBench) -> None:
    bench.put("7idd:cell:Heater", 0)
    with bench.struck("CellRunaway", CPerMin=600.0):
        bench.until(lambda: bench.get("7idd:cell:TemperatureAI") > 100, "hot")
    bench.until(lambda: bench.get("7idd:cell:TemperatureAI") < 40, "cold again")


def test_a_badly_tuned_cell_never_settles(bench: FaultBench) -> None:
    for name, value in (("Setpoint", 30.0), ("RampRate", 60.0), ("SettleTime", 10.0), ("Heater", 1)):
        bench.put(f"7idd:cell:{name}", value)
    bench.until(lambda: bench.get("7idd:cell:InPosition") == 1, "in position")
    with bench.struck("CellUnsettled", AmplitudeC=3.0, PeriodS=100.0):
        bench.until(lambda: bench.get("7idd:cell:InPosition") == 0, "out of position")
        bench.until(lambda: bench.get("7idd:cell:TemperatureAI") > 32, "too hot")
        bench.until(lambda: bench.get("7idd:cell:TemperatureAI") < 28, "too cold")
    bench.until(lambda: bench.get("7idd:cell:InPosition") == 1, "in position again")
    bench.put("7idd:cell:Heater", 0)


def test_a_dead_pilatus_ends_when_stopped_or_mended_and_gives_no_image(bench: FaultBench) -> None:
    camera = "7idd:Pilatus:cam1:"
    for end in ("stop", "mend"):
        with bench.struck("PilatusDead"):
            done = bench.start(f"{camera}Acquire", 1)
            bench.until(lambda: bench.get(f"{camera}Acquire") == 1, "acquiring")
            assert not done.wait(0.3)
            if end == "stop":
                bench.put(f"{camera}Acquire", 0, wait=False)
                assert done.wait(WAIT_S)
        assert done.wait(WAIT_S)
        assert bench.get(f"{camera}NumImagesCounter_RBV") == 0
    bench.put(f"{camera}Acquire", 1)
    assert bench.get(f"{camera}NumImagesCounter_RBV") == 1


def test_a_full_disk_stops_the_file_and_reports_it(bench: FaultBench, tmp_path: Path) -> None:
    camera, plugin = "7idd:Pilatus:cam1:", "7idd:Pilatus:HDF1:"
    bench.put(f"{plugin}FilePath", [*f"{tmp_path}/".encode(), 0])
    for name, value in (("EnableCallbacks", 1), ("FileWriteMode", 2), ("NumCapture", 5)):
        bench.put(f"{plugin}{name}", value)
    bench.put(f"{plugin}Capture", 1, wait=False)
    bench.until(lambda: bench.get(f"{plugin}Capture_RBV") == 1, "the capture")
    bench.put(f"{camera}Acquire", 1)
    with bench.struck("DiskFull"):
        bench.put(f"{camera}Acquire", 1)
        assert bench.get(f"{plugin}WriteStatus") == 1
        assert "No space left on device" in bench.text(f"{plugin}WriteMessage")
        assert bench.get(f"{plugin}Capture_RBV") == 0
    assert bench.get(f"{plugin}NumCaptured_RBV") == 1, "what was written before stays"
    bench.put(f"{plugin}EnableCallbacks", 0)
