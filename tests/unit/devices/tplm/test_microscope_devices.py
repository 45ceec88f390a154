"""If these fail, a configuration of the microscope is refused or misread, or two exposures may be mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.tplm.laser import divider_index
from devices.tplm.spot_dose import SpotDoses
from devices.tplm.timing_electronics import parse_timing_frame
from errors import AcquisitionError, ConfigurationError
from tests.support.tplm.fake_timing import FakeTiming
from trxas.configuration import load_configuration
from trxas.window.status_items import status_items

HEAD = [7.0, 30.0, 1.0, 75e6, 0.0, 3.0, 16.0, 4.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            '[exposure]\ndetector = "camera"\n',
            r"\[exposure\] detector = 'camera': there is no table \[devices.camera\]",
        ),
        ('[exposure]\nscaler = "s1"\n', r"\[exposure\] scaler = 's1': is not used with detector"),
        ("[conditions.sync]\nhigh = 1.0\n", r"\[conditions.sync\] low = 100000 Hz: must be below high = 1 Hz"),
        ("[conditions.gas]\npv = 'x'\n", r"\[conditions.gas\] low is missing, and so is high"),
        ("[axes.x_um]\nscale = -1.0\n", r"\[axes.x_um\] scale"),
    ],
)
def test_faults_of_its_file_are_said(tmp_path: Path, change: str, message: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'extends = "tplm"\nname = "mine"\n{change}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(file)


def test_techniques_are_a_list_of_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "tplm"\nname = "mine"\ntechniques = "tplm"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="techniques = 'tplm': must be a list of strings"):
        load_configuration(file)


def test_a_frame_is_read_as_a_whole_or_not_at_all() -> None:
    """Lost: counts of one exposure under the number of another."""
    frame = parse_timing_frame([*HEAD, 0.0, 1.0, 3.0, 2.0], "frame")
    assert (frame.exposure_id, frame.sync_pulses, frame.laser_shutter, frame.bin_ps) == (7, 75_000_000, 1, 16.0)
    np.testing.assert_array_equal(frame.counts, [0, 1, 3, 2])
    longer = parse_timing_frame([*HEAD, 0.0, 1.0, 3.0, 2.0, 9.0, 9.0], "frame")
    np.testing.assert_array_equal(longer.counts, [0, 1, 3, 2])
    for raw in ([0.0] * 8, HEAD, [*HEAD, 1.0, 1.0], [*HEAD, 0.0, -1.0, 0.0, 0.0], [*HEAD, 0.0, np.nan, 0.0, 0.0]):
        with pytest.raises(AcquisitionError, match="frame"):
            parse_timing_frame(raw, "frame")


def test_the_channels_of_a_run_are_those_of_a_period_and_of_the_electronics() -> None:
    """Lost: runs whose histograms have other lengths than their start documents say, which no catalogue takes."""
    timing = FakeTiming()
    assert timing.channels_at(2.5) == 0
    assert timing.read_bin_ps() == 16.0
    assert [timing.channels_at(rate) for rate in (0.5, 1.0, 2.5, 40.0)] == [65_536, 62_500, 25_000, 1562]


def test_a_spot_keeps_its_dose_when_the_sample_comes_back() -> None:
    doses = SpotDoses()
    doses.add((0.0, 0.0), 100.0)
    doses.add((0.9, 0.0), 10.0)
    doses.add((5.0, 0.0), 1.0)
    assert [doses.at(place) for place in ((0.0, 0.5), (5.5, 0.0), (2.0, 0.0))] == [110.0, 1.0, 0.0]


@pytest.mark.parametrize(("rate_mhz", "divider"), [(0.5, 0), (10.0, 0), (20.0, 1), (40.0, 2), (80.0, 3)])
def test_the_sync_input_follows_every_rate(rate_mhz: float, divider: int) -> None:
    assert divider_index(rate_mhz) == divider


def test_the_window_shows_axes_in_their_own_units_and_every_condition() -> None:
    """Lost: a stage in mm that is shown as um, and a sync input that stops without anybody seeing it."""
    items = {item.label: item for item in status_items(load_configuration("tplm"))}
    assert items["x_um"].convert((0.495,)) == pytest.approx(1.0)
    assert items["repetition_rate_mhz"].convert((2.5e6,)) == 2.5
    assert (items["sync"].low, items["sync"].high) == (1e5, None)
    assert "energy" not in items
    assert "ring current" not in items
