"""Names of the plans whose runs calibrate others, as their start documents give them."""

FOIL_PLAN = "foil_scan"
DARK_PLAN = "dark_exposures"
BLOCKED_PLAN = "blocked_exposures"
TIME_ZERO_PLAN = "time_zero_scan"

CALIBRATION_PLANS = frozenset({FOIL_PLAN, DARK_PLAN, BLOCKED_PLAN})
"""Plans whose runs calibrate other runs of their series, also those before them."""
