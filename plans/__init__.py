"""What an experiment does: bluesky plans for scans and calibrations, their grids and their checks."""

from plans.powder.diffraction import diffraction
from plans.powder.static_energy_scan import static_energy_scan
from plans.powder.temperature_series import temperature_series
from plans.resume import resume_scan
from plans.xas.attenuator import calibrate_attenuator
from plans.xas.delay_scan import delay_scan
from plans.xas.delay_self_test import delay_self_test
from plans.xas.energy_scan import energy_scan
from plans.xas.fluence_scan import fluence_scan
from plans.xas.foil_scan import apply_energy_calibration, foil_scan
from plans.xas.overlap_scan import overlap_scan
from plans.xas.time_zero import rezero, time_zero_scan

__all__ = [
    "apply_energy_calibration",
    "calibrate_attenuator",
    "delay_scan",
    "delay_self_test",
    "diffraction",
    "energy_scan",
    "fluence_scan",
    "foil_scan",
    "overlap_scan",
    "resume_scan",
    "rezero",
    "static_energy_scan",
    "temperature_series",
    "time_zero_scan",
]
