"""What an experiment does: bluesky plans for energy and delay scans, their grids and their checks."""

from plans.delay_scan import delay_scan
from plans.energy_scan import energy_scan

__all__ = ["delay_scan", "energy_scan"]
