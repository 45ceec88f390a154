"""If these fail, a list of detectors is read wrongly, or the death of one detector costs the data of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ophyd.sim import make_fake_device

import plans
from devices.configuration import ExposureSettings
from devices.configuration.listed_detectors import AnalogDetector, DriftDetector, Entry, IonChamber, SpcDetector
from devices.detectors import beside_exposure
from devices.detectors.beside_exposure import BesideDetector, beside_class
from devices.detectors.further_detectors import FurtherDetectors
from devices.names import DetectorKind, DetectorRole
from devices.signals.uncached_signal import PvReading
from errors import ConfigurationError
from tests.support.detector_files import DIODES, FURTHER, I0, list_file
from tests.support.fake_beamline import MemorySignal
from trxas.configuration import load_configuration

SETTINGS = ExposureSettings(scaler="m", spc_scaler="s", spc_channels=((2, 3),), apds=1, probes=2)
FLUORESCENCE = DetectorRole.FLUORESCENCE
ANALOG = AnalogDetector(name="analog", role=FLUORESCENCE, records=(("a:on", "a:off"),))
DRIFT = DriftDetector(
    name="drift", role=FLUORESCENCE, records=(("d:on", "d:off"),), input_rates=("d:icr",), output_rates=("d:ocr",)
)
COUNTING = SpcDetector(name="far", role=FLUORESCENCE, scaler="x", channels=((4, 5),), diodes=2)
CHAMBER = IonChamber(name="behind", role=DetectorRole.TRANSMISSION, channel=6)


def fake(entry: Entry) -> BesideDetector:
    """The detector of an entry with PVs in memory."""
    made: Any = make_fake_device(beside_class(entry, SETTINGS, 1000.0))
    found: BesideDetector = made(entry, SETTINGS, prefix="")
    for signal in found.fresh_signals().values():
        assert isinstance(signal, MemorySignal)
        signal.sim_put(0.0)
    return found


def test_old_keys_and_their_list_say_the_same(tmp_path: Path) -> None:
    """Lost: files of earlier versions, or the meaning of their keys."""
    old = load_configuration().beamline
    assert [(one.name, one.kind, one.role) for one in old.all_detectors] == [
        ("spc", DetectorKind.SPC, FLUORESCENCE),
        ("boxcar", DetectorKind.ANALOG, FLUORESCENCE),
        ("i0", DetectorKind.ION_CHAMBER, DetectorRole.I0),
        ("foil", DetectorKind.ION_CHAMBER, DetectorRole.REFERENCE),
    ]
    assert old.further_detectors == ()
    file = list_file(tmp_path, I0 + DIODES + FURTHER)
    listed = load_configuration(file).beamline
    assert listed.exposure.spc_channels == ((17, 21), (22, 26))
    assert (listed.exposure.apds, listed.exposure.i0_channel, listed.exposure.foil_channel) == (2, 2, 0)
    names = [one.name for one in listed.further_detectors]
    assert names == ["behind", "boxcar_3s", "boxcar_6s", "drift", "total", "stock"]


def test_a_list_takes_the_place_of_inherited_detectors(tmp_path: Path) -> None:
    """Lost: a file of ten lines for a beamline that differs in its detectors only."""
    file = tmp_path / "mine.toml"
    file.write_text(
        f'extends = "7ID-D"\nname = "mine"\nomits = ["sdd"]\n[fluence]\nfixed_mj_cm2 = 4.0\n'
        f"{I0}{DIODES.replace('[[17, 21], [22, 26]]', '[[17, 18, 19, 20, 21], [22, 23, 24, 25, 26]]')}",
        encoding="utf-8",
    )
    found = load_configuration(file).beamline
    assert [one.name for one in found.all_detectors] == ["chamber", "diodes"]
    assert (found.exposure.spc_frame, found.exposure.apds, found.exposure.dwell_high_s) == ("", 2, 400.0)
    assert found.fluence.high_mj_cm2 == 4.0
    # A plan takes the fluence that was set by hand, whatever its own default is.
    assert plans.energy_scan.entry.arguments(found, ("Br K",), {"delay_ps": 100.0})["fluence_mj_cm2"] == 4.0


def test_every_fault_of_a_list_is_in_one_message(tmp_path: Path) -> None:
    """Lost: faults found one by one, each after another start of the session."""
    detectors = (I0 + DIODES + FURTHER).replace('kind = "sdd"', 'kind = "ssd"').replace("EpicsScaler", "EpicsScalar")
    detectors = detectors.replace('role = "transmission"\n', "").replace('contains = "boxcar_3s"', 'contains = "bxcar"')
    detectors += DIODES.replace("[[17, 21], [22, 26]]", "[[17, 1, 30]]").replace("weights", "weihgt")
    detectors += DIODES.replace("diodes", "Diodes 2").replace("[[17, 21], [22, 26]]", "[[17]]")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(list_file(tmp_path, detectors, exposure="apds = 2"))
    text = str(caught.value)
    for part in (
        "listed.toml has",
        "[[detectors]] drift: kind = 'ssd': is an unknown kind. Did you mean sdd?",
        "[[detectors]] stock: class_path = 'ophyd.EpicsScalar': ophyd has no class EpicsScalar. Did you",
        "[[detectors]] behind: role is missing. Give the role of the detector.",
        "[[detectors]] boxcar_6s: contains = 'bxcar': is not another detector of the list.",
        "[[detectors]] diodes: name is the name of 2 detectors. Give each its own.",
        "[[detectors]] diodes: weihgt is an unknown key. Did you mean weights?",
        "[[detectors]] Diodes 2: name is not a name. Use lower-case letters, digits and _",
        "[[detectors]] Diodes 2: weights = [1.0, 0.5]: has 2 numbers for 1 elements.",
        "[exposure] apds follows from [[detectors]]. Remove it.",
    ):
        assert part in text, text


def test_a_fault_hides_no_other_and_makes_none(tmp_path: Path) -> None:
    """Lost: a fault shown only after another is corrected, or one of keys that the user has not written."""
    text = I0 + DIODES.replace('role = "fluorescence"\n', "").replace("[[17, 21], [22, 26]]", "[[17, 17], [22, 26]]")
    file = list_file(tmp_path, text + FURTHER)
    further = (
        '[axes.field_t]\nclass_path = "nosuch.Magnet"\nsetpoint = "a:b"\nunit = "T"\ntolerance = 0.1\n'
        '[edges."Fe K"]\nmain_feature_ev = 7.125\nregions_ev = [[7200, 7100, 1]]\n'
    )
    found = file.read_text(encoding="utf-8")
    assert "gates = [0, 4]" in found
    found = found.replace("gates = [0, 4]", "gates = [0, 9]\ngate_with_ps = 100.0") + further
    file.write_text(found, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(file)
    text = str(caught.value)
    for part in (
        "[[detectors]] diodes: role is missing",
        "[[detectors]] diodes: channel has 2 gates on channel 17 of amofg1a:scaler1",
        "[axes.field_t] low is missing",
        "[axes.field_t] high is missing",
        "[axes.field_t] class_path = 'nosuch.Magnet': there is no module nosuch",
        '[edges."Fe K"] main_feature_ev = 7.125 eV: must be from 1000 up to 200000 eV. It looks like keV: give eV',
        '[edges."Fe K"] regions_ev row [7200, 7100, 1] eV: start must be',
        "[pump_scheme] gate_with_ps is an unknown key. Did you mean gate_width_ps?",
        "[pump_scheme] gates 9 bunches: that pulse",
    ):
        assert part in text, text
    # The number of gates is not known, and the keys of [exposure] follow from the list.
    assert "gates of the pump scheme" not in text
    assert "[exposure] spc" not in text


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("channel = 2", "channel = 7\nscaler = \"other\"", "must be an ion chamber on a channel of the master"),
        ("[[17, 21], [22, 26]]", "[[17, 21], [22, 17]]", "has 2 gates on channel 17 of amofg1a:scaler1"),
        ("channel = 3", "channel = 2", "chamber and behind: channel has 2 gates on channel 2 of the master scaler"),
        ("[[17, 21], [22, 26]]", "[[17, 21, 3], [22, 26, 4]]", r"row \[17, 21, 3\]: has 3 entries for 2 gates"),
        ('role = "i0"', 'role = "monitor"', 'no detector has the role "i0", which exactly one must have'),
        ('name = "behind"', 'name = "quality"', "quality: name is already the name of a device or a field"),
        ('role = "monitor"', 'role = "fluorescence"', 'stock: role = "fluorescence": the meaning of the values'),
        ("weights = [1.0, 0.5]", "weights = [0.0, 0.0]", "at least 0, and one of them above 0"),
        ('["7idd:xmap:E1:ICR", "7idd:xmap:E2:ICR"]', '["7idd:xmap:E1:ICR"]', "has 1 records for 2 elements"),
        ("channels.chan9", "channels.chan99", "has no attribute channels.chan99"),
        ("[[10, 9]]", '[[10, 9]]\nframe = "a:b"', "frame and channels are both given"),
        ('kind = "analog"', 'kind = "analog"\npolarity = 0', "must be 1 or -1. Give the sign of light"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = I0 + DIODES + FURTHER
    assert before in text
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(list_file(tmp_path, text.replace(before, after, 1)))


def put(detector: BesideDetector, stamp_s: float, **values: float) -> None:
    """Let the records of a detector be processed at `stamp_s`."""
    for name, signal in detector.fresh_signals().items():
        reading = PvReading(values.get(name, 0.0), 0, 0, stamp_s)
        signal.collect = lambda _timeout_s, found=reading: found  # type: ignore[method-assign, misc]


def master(stamp_s: float) -> PvReading:
    return PvReading(2.0, 0, 0, stamp_s)


def test_a_detector_that_dies_costs_its_own_data_only() -> None:
    """Lost: a night of photon counting because a drift detector stopped, or its old counts as those of new points."""
    detectors = [fake(entry) for entry in (ANALOG, DRIFT, CHAMBER)]
    further = FurtherDetectors(detectors, SETTINGS)
    analog, drift, chamber = detectors
    for one in detectors:
        put(one, 10.0)
    further.begin_run()
    assert further.names == ("analog", "drift", "behind")

    put(analog, 20.0, record_a_on=-0.3, record_a_off=-0.2)
    put(drift, 20.0, record_d_on=5.0, record_d_off=4.0, record_d_icr=100.0, record_d_ocr=80.0)
    put(chamber, 20.0, channel_6=77.0)
    further.request()
    values, marks = further.fields(master(20.05))
    assert marks == ()
    np.testing.assert_allclose(values["analog_mean"], [[0.3, 0.2]])
    assert values["drift_counts"].tolist() == [[5, 4]]
    assert (values["drift_input_rate"].tolist(), values["behind"]) == ([100.0], 77.0)

    # The drift detector is not processed any more; the analog one does not answer.
    put(chamber, 30.0, channel_6=78.0)
    for signal in analog.fresh_signals().values():
        signal.answers = False
    further.request()
    values, marks = further.fields(master(30.05))
    assert marks == ("analog_missing", "drift_missing")
    assert values["behind"] == 78.0
    assert not values["drift_counts"].any()
    assert set(values) == set(further.describe())


@pytest.mark.parametrize(
    ("stamp_s", "values"),
    [
        (18.0, {}),  # from before the exposure
        (20.0, {"counted_s": 1.0}),  # counted by itself
        (20.0, {"channel_4": 0.5}),
    ],
)
def test_values_of_another_exposure_are_not_stored(stamp_s: float, values: dict[str, float]) -> None:
    far = fake(COUNTING)
    further = FurtherDetectors([far], SETTINGS)
    put(far, 10.0)
    further.begin_run()
    put(far, stamp_s, **({"counted_s": 2.0} | values))
    further.request()
    assert further.fields(master(20.0))[1] == ("far_missing",)


def test_a_channel_that_adds_up_two_diodes_has_twice_the_gates() -> None:
    """Lost: a pile-up correction for twice the photons per gate."""
    far = fake(COUNTING)
    further = FurtherDetectors([far], SETTINGS)
    put(far, 10.0)
    further.begin_run()
    put(far, 20.0, counted_s=2.0, channel_4=7.0, channel_5=6.0)
    further.request()
    values, _ = further.fields(master(20.0))
    assert values["far_counts"].tolist() == [[7, 6]]
    assert values["far_pulses"].tolist() == [4000, 4000]


def test_a_detector_that_is_off_is_left_out_of_the_run(caplog: pytest.LogCaptureFixture) -> None:
    analog = fake(ANALOG)
    for signal in analog.fresh_signals().values():
        signal.answers = False
    chamber = fake(CHAMBER)
    put(chamber, 1.0)
    further = FurtherDetectors([analog, chamber], SETTINGS)
    further.begin_run()
    assert further.names == ("behind",)
    assert "analog does not answer and is excluded from this run" in caplog.text
    assert set(further.describe()) == {"behind"}


def test_too_much_dead_time_is_no_measurement() -> None:
    drift = fake(DRIFT)
    further = FurtherDetectors([drift], SETTINGS)
    put(drift, 10.0, record_d_icr=1.0, record_d_ocr=1.0)
    further.begin_run()
    put(drift, 20.0, record_d_on=5.0, record_d_off=4.0, record_d_icr=100.0, record_d_ocr=20.0)
    further.request()
    assert further.fields(master(20.0))[1] == ("drift_missing",)
    assert beside_exposure.MISSING_ENDING == "_missing"
