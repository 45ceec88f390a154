"""Configuration files whose detectors are a list, made from the default configuration."""

from __future__ import annotations

from pathlib import Path

from tests.support.scheme_files import scheme_file

TWO_GATES = "gates = [0, 4]"
"""Gates of the pumped pulse and of the one before the next pump, of which calc records of the beamline have means."""

I0 = """
[[detectors]]
name = "chamber"
kind = "ion_chamber"
role = "i0"
channel = 2
"""

DIODES = """
[[detectors]]
name = "diodes"
kind = "spc"
role = "fluorescence"
scaler = "amofg1a:scaler1"
channels = [[17, 21], [22, 26]]
weights = [1.0, 0.5]
"""

FURTHER = """
[[detectors]]
name = "behind"
kind = "ion_chamber"
role = "transmission"
channel = 3
dark = 100.0
gain = 2.0

[[detectors]]
name = "boxcar_3s"
kind = "analog"
role = "fluorescence"
records = [["7idb:userCalc12", "7idb:userCalc11"]]

[[detectors]]
name = "boxcar_6s"
kind = "analog"
role = "fluorescence"
records = [["7idb:userCalc14", "7idb:userCalc13"]]
contains = "boxcar_3s"

[[detectors]]
name = "drift"
kind = "sdd"
role = "fluorescence"
records = [["7idd:xmap:E1:Gate0", "7idd:xmap:E1:Gate4"], ["7idd:xmap:E2:Gate0", "7idd:xmap:E2:Gate4"]]
input_rates = ["7idd:xmap:E1:ICR", "7idd:xmap:E2:ICR"]
output_rates = ["7idd:xmap:E1:OCR", "7idd:xmap:E2:OCR"]

[[detectors]]
name = "total"
kind = "spc"
role = "fluorescence"
scaler = "amofg1a:scaler1"
channels = [[10, 9]]
diodes = 2

[[detectors]]
name = "stock"
kind = "device"
role = "monitor"
class_path = "ophyd.EpicsScaler"
pv = "amofg1a:scaler1"
fields = ["channels.chan9", "channels.chan10"]
"""

ALL_BUNCHES = """
[[detectors]]
name = "everything"
kind = "sdd"
role = "fluorescence"
records = [["7idd:xmap:E1:Gate0"]]
input_rates = ["7idd:xmap:E1:ICR"]
output_rates = ["7idd:xmap:E1:OCR"]
"""
"""A drift detector with one column, which the configuration takes for the counts of all bunches."""

ABSENT = """
[[detectors]]
name = "dead"
kind = "analog"
role = "fluorescence"
records = [["7idb:nowhere1", "7idb:nowhere2"]]
"""


def list_file(folder: Path, detectors: str, *, gates: str = TWO_GATES, exposure: str = "") -> Path:
    """Write the default configuration with the list `detectors` instead of those of `[exposure]`."""
    text = scheme_file(folder, "aps-24-bunches-pump-5").read_text(encoding="utf-8")
    text = text.replace("gates = [0, 1, 2, 3, 4]", gates)
    before, _, after = text.partition("[exposure]\n")
    master = f'[exposure]\nscaler = "7idd:scaler1"\n{exposure}\n'
    before_sdd, _, after_sdd = after[after.index("[geometry]") :].partition("[sdd]")
    path = folder / "listed.toml"
    path.write_text(
        before + master + before_sdd + after_sdd[after_sdd.index("[pilatus]") :] + detectors, encoding="utf-8"
    )
    return path
