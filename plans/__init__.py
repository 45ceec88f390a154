"""What an experiment does: bluesky plans for scans and calibrations, their grids and their checks."""

from plans.attenuator import calibrate_attenuator
from plans.delay_scan import delay_scan
from plans.delay_self_test import delay_self_test
from plans.diffraction import diffraction
from plans.energy_scan import energy_scan
from plans.fluence_scan import fluence_scan
from plans.foil_scan import apply_energy_calibration, foil_scan
from plans.overlap_scan import overlap_scan
from plans.resume import resume_scan
from plans.static_energy_scan import static_energy_scan
from plans.temperature_series import temperature_series
from plans.time_zero import rezero, time_zero_scan

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
